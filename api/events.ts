/** An event as followers of the durable stream get it: the border's schema and the fields that this gateway adds. */
import { z } from 'zod';
import { EVENT_SCHEMA } from '../core/event.ts';
import { bilingualDescription } from '../core/typed-schema.ts';
import { PUBLISHED_PROPERTIES, type PublishedEvent } from '../core/wire/published.ts';
import { component, fromJsonSchema } from './component.ts';
import { EXAMPLE_AT, EXAMPLE_SERIES } from './example-values.ts';

export type FollowedEvent = PublishedEvent & { cursor: string; receivedAt: number };

const FOLLOWED_EVENT = component(
  'FollowedEvent',
  "an event with its place in this gateway's log",
  '事件及其在本网关日志中的位置',
  fromJsonSchema<FollowedEvent>({
    ...EVENT_SCHEMA,
    required: [...EVENT_SCHEMA.required, 'cursor', 'receivedAt'],
    properties: {
      ...EVENT_SCHEMA.properties,
      ...PUBLISHED_PROPERTIES,
      cursor: { type: 'string', ...bilingualDescription('opaque; give it as `after`', '不透明；用作 after') },
      receivedAt: { type: 'integer', ...bilingualDescription('ms UTC when this gateway had it', '本网关收到的时间，UTC 毫秒') },
    },
  }),
);

export const EventPage = component('EventPage', 'a page of the durable stream', '持久事件流的一页', z.object({
  items: z.array(FOLLOWED_EVENT),
  next: z.string().meta({ en: 'never null: go on from here, also at the end', zh: '不为空：末尾也由此继续' }),
}));
export type EventPage = z.infer<typeof EventPage>;

export const EVENT_EXAMPLE: FollowedEvent = {
  edge: 'pump-07',
  stream: 'measurement',
  epoch: 1_781_764_200_000,
  seq: 812,
  ...EXAMPLE_SERIES,
  subject: 'pump-07',
  centre: '500112001',
  kind: 'measurement',
  value: 3.2,
  unit: 'm',
  original: { value: 320, unit: 'cm' },
  occurredAt: EXAMPLE_AT,
  clock: 'edge',
  observedAt: EXAMPLE_AT,
  quality: 'good',
  origin: 'live',
  cursor: '1781764190000-2431',
  receivedAt: EXAMPLE_AT + 31,
};
