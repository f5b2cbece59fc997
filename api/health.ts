/** Whether the gateway does its work, and what keeps it from it. */
import { z } from 'zod';
import { component } from './component.ts';

/** A fault that keeps the gateway from its work, in both languages. */
const HEALTH_PROBLEM = z.object({ code: z.string(), detail: z.string(), detailZh: z.string() });
export type HealthProblem = z.infer<typeof HEALTH_PROBLEM>;

export const HealthView = component('Health', 'ok, or what keeps the gateway from its work', '正常，或网关受阻的原因', z.object({
  status: z.enum(['ok', 'impaired']),
  gateway: z.string(),
  version: z.string(),
  problems: z.array(HEALTH_PROBLEM),
}));
export type HealthView = z.infer<typeof HealthView>;
