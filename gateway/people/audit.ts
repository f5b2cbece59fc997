/** What people did, for the record; whoever keeps it is given in. */
export interface AuditEntry {
  kind: 'sign_in' | 'sign_out' | 'certificate' | 'refusal' | 'user_change' | 'token_change' | 'local';
  /** A name, as it was given where nobody is known by it. */
  who: string;
  /** An address. */
  from: string;
  what: string;
  outcome: 'done' | 'refused';
  centre?: string;
  details?: Readonly<Record<string, string | number>>;
}

export interface Audit {
  /** Never throws and never waits. */
  append(entry: AuditEntry): void;
}

/** Keeps nothing. */
export const NO_AUDIT: Audit = { append: () => {} };
