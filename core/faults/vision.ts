import type { FaultRow } from './row.ts';

export const VISION_FAULTS = {
} as const satisfies Record<`CV_${string}`, FaultRow>;
