/** An event as it goes out to consumers: its unit is the catalogue's, and what was sent stands beside it. */
import { EVENT_SCHEMA, MAX_NUMBER, VALUE_SCHEMA, type Event } from '../event.ts';
import type { JsonSchema } from '../json-schema.ts';
import { bilingualDescription, numeric, record, text, type Accepted } from '../typed-schema.ts';

const finite = numeric(-MAX_NUMBER, MAX_NUMBER);
const ORIGINAL = record({
  value: VALUE_SCHEMA,
  unit: text(64).note('UCUM; empty where the value has none', 'UCUM 单位；无单位时为空'),
  min: finite.note('of the window, where it has one', '窗口最小值').optional(),
  max: finite.note('of the window, where it has one', '窗口最大值').optional(),
}).note('what the sender gave; only where `unit` is another than it sent', '发送方的原值；仅在 `unit` 与发送的不同时出现');
/** What the sender gave, where the catalogue wants another unit. */
export type Original = Accepted<typeof ORIGINAL>;

export type PublishedEvent = Event & { original?: Original };

/** A point with its fixed facts travels in the catalogue; see docs/events.md. */
export interface OutMessage {
  cursor: string;
  /** Cursor of the message before on the same topic; null after a gateway start. */
  previous: string | null;
}

export const PUBLISHED_PROPERTIES = {
  unit: {
    type: 'string',
    maxLength: 64,
    ...bilingualDescription(
      "UCUM, empty where the value has none: the catalogue's unit of the indicator. Where the sender's cannot be converted into it, or the catalogue does not know the indicator, the sender's own; in the first case `flags` holds `unit` and a good value is `uncertain`",
      'UCUM 单位，无单位时为空：为目录中该指标的单位。发送方的单位无法换算、或指标不在目录中时，保持发送方的单位；前者带 `unit` 标记，原为 good 的值改为 `uncertain`',
    ),
  },
  original: ORIGINAL.json,
};

/** An event as it goes out to consumers. Fields that are added later are no breach. */
export const OUT_SCHEMA: JsonSchema = {
  ...EVENT_SCHEMA,
  additionalProperties: true,
  required: [...EVENT_SCHEMA.required, 'cursor', 'previous'],
  ...bilingualDescription('an accepted event, for any consumer', '已接收的事件，供任何消费者使用'),
  properties: {
    ...EVENT_SCHEMA.properties,
    ...PUBLISHED_PROPERTIES,
    cursor: {
      type: 'string',
      pattern: '^\\d+-\\d+$',
      ...bilingualDescription(
        "its place in the gateway's durable stream, `<epoch>-<seq>`: give it as `after` to GET /api/v1/events",
        '在网关持久流中的位置；用作 GET /api/v1/events 的 after',
      ),
    },
    previous: {
      type: ['string', 'null'],
      pattern: '^\\d+-\\d+$',
      ...bilingualDescription(
        'cursor of the message before on this topic; null after a gateway start. Not the one you saw last: fetch events?after=',
        '同一主题上一条消息的游标；网关启动后首条为 null。与所见不符时用 events?after= 补齐',
      ),
    },
  },
};
