/** What somebody does by a route, told to the audit: who, from where, what, and whether it was done. */
import { faultOf } from '../../core/faults.ts';
import type { AuditEntry } from '../people/audit.ts';
import type { Call } from './route.ts';

type Asked = Pick<Call<unknown, unknown>, 'sources' | 'principal' | 'request'>;
type Act = Pick<AuditEntry, 'kind' | 'what' | 'centre' | 'details'>;

/** A refusal is told with its code, and goes on to whoever asked. */
export async function recorded<T>({ sources, principal, request }: Asked, act: Act, run: () => T | Promise<T>): Promise<T> {
  const append = (outcome: AuditEntry['outcome'], more: Record<string, string> = {}): void => {
    const details = { ...act.details, ...more };
    sources.audit.append({
      ...act, who: principal.name, from: request.ip, outcome, ...(Object.keys(details).length > 0 && { details }),
    });
  };
  try {
    const result = await run();
    append('done');
    return result;
  } catch (error) {
    append('refused', { code: faultOf(error, 'CV_API_INTERNAL').code });
    throw error;
  }
}

/** An act of a centre, where it is known. */
export const inCentre = (centre: string | undefined): { centre?: string } => (centre === undefined ? {} : { centre });
