/** What people did, for the record; whoever keeps it is given in. */
import type { AuditKind } from '../../api/audit.ts';
import type { AuditedAct } from '../../log/audit/audited-act.ts';

/** `checkpoint` is the record's own. */
export type AuditEntry = AuditedAct<Exclude<AuditKind, 'checkpoint'>>;

export interface Audit {
  /** Never throws and never waits. */
  append(entry: AuditEntry): void;
}

/** Keeps nothing. */
export const NO_AUDIT: Audit = { append: () => {} };
