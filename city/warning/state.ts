/** Who has done what with a warning; how one state follows another is the table in lifecycle.ts. */
export const WARNING_STATES = [
  'raised',
  'acknowledged',
  'dispatched',
  'handling',
  'handled',
  'verified',
  'closed',
  'reviewed',
  'false_alarm',
  'merged',
  'transferred',
] as const;
export type WarningState = (typeof WARNING_STATES)[number];

/** Whether its cause still holds. */
export type WarningCondition = 'active' | 'cleared';
