/** A warning as a centre sees it, with why it was raised and the pictures that go with it. */
import { z } from 'zod';
import { WARNING_STATES } from '../city/warning/state.ts';
import { CLIP_SCHEMA, SNAPSHOT_SCHEMA, type Clip, type Snapshot } from '../core/event.ts';
import { component, fromJsonSchema } from './component.ts';
import { EXAMPLE_AT, EXAMPLE_POSITION, EXAMPLE_SERIES } from './example-values.ts';
import { count, level, POSITION, time, value, WORDS } from './fields.ts';

export type { WarningState } from '../city/warning/state.ts';

export const Reason = component(
  'Reason',
  'one sentence of why, and the value it rests on',
  '一句理由及其依据的值',
  z.object({
    ...WORDS.shape,
    cites: z.object({ indicator: z.string(), device: z.string(), point: z.string(), at: time, value, unit: z.string() }),
  }),
);
export type Reason = z.infer<typeof Reason>;

const ClipShape = component(
  'Clip',
  'what came around an event, named by its hash',
  '事件前后的短视频，以哈希命名',
  fromJsonSchema<Clip>(CLIP_SCHEMA.json),
);
const SnapshotShape = component(
  'Snapshot',
  'a picture that goes with an event, named by its hash',
  '随事件的画面，以哈希命名',
  fromJsonSchema<Snapshot>(SNAPSHOT_SCHEMA.json),
);

export const WarningView = component(
  'Warning',
  'something a centre must act on',
  '须由中心处置的风险提示',
  z.object({
    id: z.string(),
    cursor: z
      .string()
      .exactOptional()
      .meta({ en: 'place of its last change among those of all warnings', zh: '其最近一次变化在全部风险提示变化中的位置' }),
    rule: z.string(),
    version: z.int(),
    type: z.enum(['threshold', 'absence']),
    indicator: z.string(),
    device: z.string(),
    point: z.string(),
    subject: z.string(),
    centre: z.string(),
    level,
    state: z.enum(WARNING_STATES),
    condition: z.enum(['active', 'cleared']),
    exercise: z.boolean(),
    late: z.boolean(),
    raisedBy: z.string(),
    onsetAt: time,
    raisedAt: time,
    publishedAt: time,
    changedAt: time,
    clearedAt: time.nullable(),
    previousId: z.string().nullable(),
    title: WORDS,
    place: z.object({ ...WORDS.shape, position: POSITION.nullable() }),
    reasons: z.array(Reason),
    snapshots: z.array(SnapshotShape).exactOptional().meta({
      en: 'pictures of what it was raised for; each is at /api/v1/evidence/{sha256} once it has come',
      zh: '触发时的画面；到达后可从 /api/v1/evidence/{sha256} 取得',
    }),
    clips: z.array(ClipShape).exactOptional().meta({
      en: 'what came around it; a blurred copy is at /api/v1/evidence/{sha256} once it has come, any other stays on its edge',
      zh: '前后的短视频；blurred 的副本到达后可从 /api/v1/evidence/{sha256} 取得，其余只留在边缘节点',
    }),
    suggestion: WORDS,
    incomplete: z.array(z.string()).meta({ en: 'parts that are missing; empty = complete', zh: '缺失的部分；空表示完整' }),
  }),
);
export type WarningView = z.infer<typeof WarningView>;

/** As it is published: `revision` and `id` together name this state of it. */
export const PublishedWarning = WarningView.extend({
  revision: count.meta({ en: 'grows with each change of this warning', zh: '每次变化递增' }),
  previous: z.string().nullable().meta({
    en: 'cursor of the change before it, of any warning; null: unknown, ask the API',
    zh: '此前一次变化的游标（任一风险提示）；null 表示未知，请向接口查询',
  }),
});
export type PublishedWarning = z.infer<typeof PublishedWarning>;

export const WARNING_EXAMPLE: WarningView = {
  id: '9f2c4e6a8b0d1f35',
  rule: 'pump-level',
  version: 1,
  type: 'threshold',
  ...EXAMPLE_SERIES,
  subject: 'pump-07',
  centre: '500112001',
  level: 2,
  state: 'raised',
  condition: 'active',
  exercise: true,
  late: false,
  raisedBy: 'gateway:town-01',
  onsetAt: EXAMPLE_AT - 3000,
  raisedAt: EXAMPLE_AT,
  publishedAt: EXAMPLE_AT + 12,
  changedAt: EXAMPLE_AT,
  clearedAt: null,
  previousId: null,
  title: { zh: '泵站水位过高', en: 'water level at the pump station too high' },
  place: { zh: '七号泵站', en: 'pump station 7', position: EXAMPLE_POSITION },
  reasons: [
    {
      zh: '14:30:25 水位 3.2 m，高于 3.0 m',
      en: '14:30:25 water level 3.2 m, over 3.0 m',
      cites: { ...EXAMPLE_SERIES, at: EXAMPLE_AT, value: 3.2, unit: 'm' },
    },
  ],
  suggestion: { zh: '检查水泵运行状态', en: 'check that the pumps are running' },
  incomplete: ['plan'],
};
