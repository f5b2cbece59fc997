/** A command to an edge and what became of it, and what an operator sends to give one; values are in the point's own unit. */
import { z } from 'zod';
import { IDS } from '../core/event.ts';
import {
  COMMAND_ID,
  COMMAND_KINDS,
  COMMAND_STATUSES,
  CONDITION_SCHEMA,
  MAX_LIFE_MS,
  MAX_POINTS,
  READING_SCHEMA,
  WRITABLE_SCHEMA,
} from '../core/wire/commands.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { time, WORDS } from './fields.ts';
import { PictureView } from './pictures.ts';

/** pending: not answered yet, and it may still be carried out. The others are those of the wire. */
export const COMMAND_VIEW_STATUSES = ['pending', ...COMMAND_STATUSES] as const;

export const CommandView = component(
  'Command', 'a command to an edge and what became of it; values are in the point\'s own unit', '发往边缘节点的命令及其结果；值以测点自身单位',
  z.object({
    id: z.string(),
    kind: z.enum(COMMAND_KINDS),
    device: z.string(),
    edge: z.string(),
    centre: z.string(),
    points: z.exactOptional(z.array(z.string())).meta({ en: 'of a read; left out: all of the device', zh: '读取的测点；省略则为设备的全部测点' }),
    /** Of a write. */
    point: z.exactOptional(z.string()),
    value: z.exactOptional(WRITABLE_SCHEMA),
    by: z.string().meta({ en: 'the operator who gave it', zh: '下达命令的操作员' }),
    reason: z.string(),
    issuedAt: time,
    expiresAt: time,
    status: z.enum(COMMAND_VIEW_STATUSES).meta({
      en: 'pending: not answered yet · done: as asked, and read back · refused: not begun · failed: begun, and surely not as asked · expired: not begun in time · unknown: it may have been carried out',
      zh: 'pending：尚未应答 · done：已完成并回读 · refused：未开始 · failed：已开始，但未达要求 · expired：过期未开始 · unknown：可能已执行',
    }),
    /** When it was first handed to the broker. */
    sentAt: time.nullable(),
    answeredAt: time.nullable(),
    fault: z.object({ code: z.string(), message: WORDS, remedy: WORDS }).nullable(),
    values: z.array(READING_SCHEMA).nullable(),
    readBack: WRITABLE_SCHEMA.nullable(),
    picture: PictureView.nullable(),
  }),
);
export type CommandView = z.infer<typeof CommandView>;

const common = {
  id: z.string().regex(COMMAND_ID).optional().meta({
    en: 'your own; given again with the same content it is the same command',
    zh: '自定编号；内容相同的重复下达视为同一命令',
  }),
  device: z.string().regex(IDS.device),
  reason: z.string().min(1).max(500).meta({ en: 'why; stands in the record on both sides', zh: '理由，写入两侧的记录' }),
  expiresInMs: z.int().min(1000).max(MAX_LIFE_MS).default(30_000).meta({ en: 'not begun later than this', zh: '超过此时长未开始则作废' }),
};
const point = z.string().regex(IDS.point);
export const COMMAND_BODY = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('read'), points: z.array(point).min(1).max(MAX_POINTS).exactOptional().meta({
    en: 'left out: all of the device',
    zh: '省略则为设备的全部测点' }),
  }),
  z.strictObject({
    ...common, kind: z.literal('write'), point, value: WRITABLE_SCHEMA.meta({ en: 'in the point\'s own unit', zh: '以测点自身单位' }),
    unit: z.string().max(64).exactOptional().meta({ en: 'refused when the point is in another one', zh: '与测点单位不符则拒绝' }),
    ifState: CONDITION_SCHEMA.exactOptional().meta({ en: 'refused unless this holds, by a good, fresh value', zh: '除非有效且及时的值满足此条件，否则拒绝' }),
  }),
  z.strictObject({ ...common, kind: z.literal('snapshot') }),
]);
export type CommandBody = z.output<typeof COMMAND_BODY>;

export const COMMAND_BODY_EXAMPLE: z.input<typeof COMMAND_BODY> = {
  kind: 'write',
  device: 'pump-07-plc',
  point: 'running',
  value: true,
  reason: '水位上涨，提前开泵',
  ifState: { point: 'level', above: 2 },
  expiresInMs: 30_000,
};
export const COMMAND_EXAMPLE: CommandView = {
  id: 'k3Jd9sLq0aZx',
  kind: 'write',
  device: 'pump-07-plc',
  edge: 'pump-07',
  centre: '500112001',
  point: 'running',
  value: true,
  by: 'duty-1',
  reason: COMMAND_BODY_EXAMPLE.reason,
  issuedAt: EXAMPLE_AT,
  expiresAt: EXAMPLE_AT + 30_000,
  status: 'done',
  sentAt: EXAMPLE_AT + 2,
  answeredAt: EXAMPLE_AT + 140,
  fault: null,
  values: null,
  readBack: true,
  picture: null,
};
