/** What people did, for the record; whoever keeps it is given in. */
import type { AuditKind } from '../../api/audit.ts';

export interface AuditEntry {
  /** `checkpoint` is the record's own. */
  kind: Exclude<AuditKind, 'checkpoint'>;
  /** A name, as it was given where nobody is known by it. */
  who: string;
  /** An address. */
  from: string;
  /** Never a password, a token or a code: none of them is handed in. */
  what: string;
  outcome: 'done' | 'refused';
  /** Of what it is about; absent: of the gateway as a whole. */
  centre?: string;
  details?: Readonly<Record<string, string | number>>;
}

export interface Audit {
  /** Never throws and never waits. */
  append(entry: AuditEntry): void;
}

/** Keeps nothing. */
export const NO_AUDIT: Audit = { append: () => {} };
