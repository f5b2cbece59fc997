import type { FaultRow } from './row.ts';

export const LOG_FAULTS = {
} as const satisfies Record<`CV_${string}`, FaultRow>;
