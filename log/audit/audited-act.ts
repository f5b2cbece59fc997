/** What somebody did, at an edge or at a gateway, as it is told to a record. */
export interface AuditedAct<Kind extends string> {
  kind: Kind;
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
