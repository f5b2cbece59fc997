/** How the demo stands; only where the gateway runs inside `cityvitals demo`. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { count, time, WORDS } from './fields.ts';

export const DemoView = component('Demo', 'only inside `cityvitals demo`', '仅在 cityvitals demo 中', z.object({
  seconds: z.number(),
  act: WORDS,
  canCut: z.boolean(),
  canKill: z.boolean(),
  networkCut: z.boolean(),
  edgeDown: z.boolean(),
  /** By the reconciler: what the edge acknowledged against what the gateway holds. */
  witnessed: count,
  missing: count,
  twice: count,
  checkedAt: time.nullable(),
}));
export type DemoView = z.infer<typeof DemoView>;

export const DEMO_EXAMPLE: DemoView = {
  seconds: 31,
  act: { zh: '水位越过橙色阈值值', en: 'the water passes the orange limit' },
  canCut: true,
  canKill: true,
  networkCut: false,
  edgeDown: false,
  witnessed: 1204,
  missing: 0,
  twice: 0,
  checkedAt: EXAMPLE_AT,
};
