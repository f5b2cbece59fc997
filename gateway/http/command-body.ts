/** What an operator sends to give a command. */
import { z } from 'zod';
import { IDS } from '../../core/event.ts';
import { COMMAND_ID, CONDITION_SCHEMA, MAX_LIFE_MS, MAX_POINTS, WRITABLE_SCHEMA } from '../../core/wire/commands.ts';

const common = {
  id: z.string().regex(COMMAND_ID).optional().meta({ en: 'your own; given again with the same content it is the same command', zh: '自定编号；内容相同的重复下达视为同一命令' }),
  device: z.string().regex(IDS.device),
  reason: z.string().min(1).max(500).meta({ en: 'why; stands in the record on both sides', zh: '理由，写入两侧的记录' }),
  expiresInMs: z.int().min(1000).max(MAX_LIFE_MS).default(30_000).meta({ en: 'not begun later than this', zh: '超过此时长未开始则作废' }),
};
const point = z.string().regex(IDS.point);
export const COMMAND_BODY = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('read'), points: z.array(point).min(1).max(MAX_POINTS).exactOptional().meta({ en: 'left out: all of the device', zh: '省略则为设备的全部测点' }) }),
  z.strictObject({
    ...common, kind: z.literal('write'), point, value: WRITABLE_SCHEMA.meta({ en: 'in the point\'s own unit', zh: '以测点自身单位' }),
    unit: z.string().max(64).exactOptional().meta({ en: 'refused when the point is in another one', zh: '与测点单位不符则拒绝' }),
    ifState: CONDITION_SCHEMA.exactOptional().meta({ en: 'refused unless this holds, by a good, fresh value', zh: '除非有效且新鲜的值满足此条件，否则拒绝' }),
  }),
  z.strictObject({ ...common, kind: z.literal('snapshot') }),
]);
export type CommandBody = z.output<typeof COMMAND_BODY>;
