/** What an installer writes for how a camera's pictures are looked at, whatever is looked for: what nobody may see, and when it is worth a look. */
import { z } from 'zod';
import { complaint, durationMs } from './setting.ts';

const DAY_MS = 86_400_000;
const span = () => durationMs().refine((ms) => ms <= DAY_MS, complaint('must be at most 1d', '不能超过 1d'));
const fraction = z.number().min(0).max(1);

const polygon = z.array(z.tuple([fraction, fraction])).min(3).max(64);

const gate = z.strictObject({
  contrast: z.number().min(1).max(128).default(10).meta({ zh: '一处灰度与背景相差多少才算变化（0–255）', en: 'grey levels (of 255) by which a place must differ from the background' }),
  share: z.number().min(0).max(100).default(0.1).meta({ zh: '连成一片的变化达到画面多大比例才检测，%', en: 'share of the picture that something must cover to be a change, %' }),
  adapt: span().refine((ms) => ms >= 1000, complaint('must be at least 1s', '不能短于 1s')).prefault('3s').meta({ zh: '静止不动多久后视为背景', en: 'how long something must stay as it is to become background' }),
  settle: span().prefault('1s').meta({ zh: '变化停止后继续检测多久', en: 'how long it goes on looking after the last change' }),
  every: span().refine((ms) => ms > 0, complaint('must be above 0', '必须大于 0')).prefault('1m').meta({ zh: '即使没有变化，最长多久检测一次', en: 'longest time without a look, even if nothing changes' }),
});
export type GateSettings = z.infer<typeof gate>;

/** For a camera's settings, beside its own. */
export const SIGHT_FIELDS = {
  mask: z.array(polygon).max(32).default([]).meta({ zh: '隐私遮挡：多边形的顶点，画面比例 [横, 纵]，左上角为 [0, 0]；遮挡后任何环节都看不到', en: 'what nobody may see: corners of polygons, fractions of the picture [across, down] from its upper left corner; painted over before anything looks', examples: [[[[0, 0], [0.3, 0], [0.3, 0.4], [0, 0.4]]]] }),
  motion: z.union([z.literal('off'), gate]).prefault({}).meta({ zh: '画面有变化才检测；off 为每幅都检测', en: 'a picture is looked at only when something has changed; off: every one is', examples: ['off', { contrast: 8, every: '30s' }] }),
};

const sight = z.object(SIGHT_FIELDS);
export type SightSettings = z.infer<typeof sight>;
