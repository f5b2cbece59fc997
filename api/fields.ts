/** What the resources of the API have in common. Times are ms UTC. */
import { z } from 'zod';
import { FLAGS, LEVELS, POSITION_SCHEMA, QUALITIES, type Position } from '../core/event.ts';
import type { BilingualText } from '../core/bilingual-text.ts';
import { component, fromJsonSchema } from './component.ts';

export type { Flag, Level, Quality, Value } from '../core/event.ts';
export type { BilingualText } from '../core/bilingual-text.ts';

export const time = z.int().min(0).meta({ en: 'ms UTC', zh: 'UTC 毫秒' });
export const count = z.int().min(0);
export const milliseconds = z.number().meta({ en: 'milliseconds', zh: '毫秒' });
export const value = z.union([z.number(), z.boolean(), z.string(), z.null()]).meta({
  en: 'null only when quality is bad',
  zh: '仅当质量为 bad 时可为 null',
});
export const level = z.literal(LEVELS).meta({ en: '1 red, 2 orange, 3 yellow, 4 blue: smaller is worse', zh: '1 红、2 橙、3 黄、4 蓝，越小越严重' });
export const quality = z.enum(QUALITIES);
export const flags = z.array(z.enum(FLAGS));

export const WORDS = component(
  'Words',
  'one text in both languages',
  '一段双语文本',
  z.object({ zh: z.string(), en: z.string() }),
) satisfies z.ZodType<BilingualText>;
/** A fault as a page shows it. */
export const faultText = z.object({ code: z.string(), ...WORDS.shape });
export const POSITION = component('Position', 'WGS-84', 'WGS-84 坐标', fromJsonSchema<Position>(POSITION_SCHEMA.json));

/** Where the next page begins. */
export const next = z.string().nullable().meta({
  en: 'give it as `after` for the next page; null at the end',
  zh: '作为下一页的 after；末页为 null',
});
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next });
export interface Page<T> {
  items: T[];
  next: string | null;
}
