/** Who has done what with a warning; how one state follows another is the table in lifecycle.ts. */
export type WarningState = 'raised' | 'acknowledged' | 'dispatched' | 'handling' | 'handled' | 'verified' | 'closed' | 'reviewed' | 'false_alarm' | 'merged' | 'transferred';
