import type { FaultRow } from './row.ts';

export const GATEWAY_FAULTS = {
} as const satisfies Record<`CV_${string}`, FaultRow>;
