/** Boxes of a rig get their certificates as in the field: an administrator of the real gateway makes a code, and the box asks with it. */
import { randomBytes } from 'node:crypto';
import { realClock } from '../../core/world.ts';
import { enrol, type Enrolment } from '../../edge/identity/enrol.ts';
import { realIdentityFiles } from '../../edge/identity/real-identity-files.ts';

export interface RigAdministrator {
  readonly name: string;
  readonly password: string;
  /** Of the session. */
  readonly cookie: string;
  /** @throws where the answer is no success */
  post<T>(path: string, body: object): Promise<T>;
  get<T>(path: string): Promise<T>;
  codeFor(edge: string, more?: { replaces?: string; validMs?: number }): Promise<string>;
  /** Leaves key and certificate in `dir`. */
  enrol(edge: string, dir: string): Promise<Enrolment>;
}

/** Plaintext, which a gateway takes on its own machine beside TLS: what a rig asks needs no CA then. */
export const plaintextUrl = (httpUrl: unknown): string => String(httpUrl).replace(/^https:/, 'http:');

/**
 * @param gateway `httpUrl` and `setupLink` of one that runs for the first time, as `gateway-main.ts` tells them; the link
 * may stand in other text
 * @param centre of the boxes that it is to enrol
 */
export async function firstAdministrator(gateway: Record<string, unknown>, centre: string, name = 'chief'): Promise<RigAdministrator> {
  const code = /#\/setup\/([\w-]+)/.exec(String(gateway.setupLink))?.[1];
  if (code === undefined) throw new Error('the gateway gave no set-up link');
  const url = plaintextUrl(gateway.httpUrl);
  const password = randomBytes(12).toString('base64url');
  let cookie = '';
  const send = async (path: string, body: object): Promise<Response> => {
    const answer = await fetch(`${url}/api/v1/${path}`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-cityvitals': '1', cookie }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const session = await send('setup', { code, name, password });
  cookie = session.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  await session.arrayBuffer();
  const post = async <T>(path: string, body: object): Promise<T> => (await (await send(path, body)).json()) as T;
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { headers: { cookie } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return (await answer.json()) as T;
  };
  const codeFor = async (edge: string, more: { replaces?: string; validMs?: number } = {}): Promise<string> =>
    (await post<{ code: string }>('enrolment-codes', { edge, centres: [centre], ...more })).code;
  return {
    name, password, post, get, codeFor,
    get cookie() { return cookie; },
    async enrol(edge, dir) {
      const secure = new URL(url.replace(/^http:/, 'https:'));
      return enrol({ gateway: secure, code: await codeFor(edge), edge, dir }, realIdentityFiles, realClock);
    },
  };
}
