/** The AsyncAPI 3 document of the topics in core/wire/topics.ts. */
import { EVENT_SCHEMA } from '../../core/event-schema.ts';
import { STREAMS } from '../../core/event.ts';
import { edgeTopic, outTopic, warningTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import { z } from 'zod';
import { ANSWER_SCHEMA, COMMAND_SCHEMA } from '../../core/wire/commands.ts';
import { componentSchemas } from './shapes.ts';

const whole = { type: 'integer', minimum: 0 };
const text = { type: 'string' };
const range = { type: 'array', prefixItems: [whole, whole], minItems: 2, maxItems: 2 };
const object = (required: string[], properties: Record<string, unknown>) => ({ type: 'object', required, properties });
const name = { v: { const: WIRE_VERSION }, from: text, stream: { enum: STREAMS }, epoch: whole, seq: { ...whole, minimum: 1 } };

const BATCH = {
  description: 'one contiguous run [seq, seq + count) of one stream and epoch; JSON, alone or in zstd; as rows or as columns',
  oneOf: [
    object(['v', 'from', 'stream', 'epoch', 'seq', 'events'], { ...name, events: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Event' } } }),
    object(['v', 'from', 'stream', 'epoch', 'seq', 'count', 'columns'], { ...name, count: { ...whole, minimum: 1 }, columns: { type: 'object' } }),
  ],
};

const ACK = {
  oneOf: [
    object(['v', 'stream', 'epoch', 'upTo', 'have', 'refused', 'gateway', 'at'], {
      v: { const: WIRE_VERSION }, stream: { enum: STREAMS }, epoch: whole, upTo: whole, have: { type: 'array', items: range, maxItems: 256 },
      refused: { type: 'array', items: object(['from', 'to', 'code'], { from: whole, to: whole, code: text }) }, gateway: text, at: whole,
    }),
    object(['v', 'error', 'sha256'], { v: { const: WIRE_VERSION }, error: text, sha256: text, detail: text }),
    object(['v', 'clock'], { v: { const: WIRE_VERSION }, clock: object(['echo', 'at'], { echo: whole, at: whole }) }),
  ],
};

const STATE = {
  description: 'retained; the last will is the same with online false',
  ...object(['v', 'edge', 'centre', 'online'], { v: { const: WIRE_VERSION }, edge: text, centre: text, online: { type: 'boolean' }, sentAt: whole, version: text, startedAt: whole, clockOffsetMs: { type: ['number', 'null'] }, log: { type: 'object' }, http: text, devices: { type: 'array', items: { type: 'object' } } }),
};

const OUT = {
  ...EVENT_SCHEMA,
  required: [...EVENT_SCHEMA.required, 'cursor', 'previous'],
  properties: { ...EVENT_SCHEMA.properties, cursor: text, previous: { type: ['string', 'null'], description: 'cursor of the message before on this topic; null after a gateway start: compare with the last one seen, and fetch events?after= when they differ' } },
};

interface Channel {
  id: string;
  address: string;
  parameters: string[];
  /** What the gateway does on it. */
  action: 'receive' | 'send';
  message: string;
  summary: string;
}

const CHANNELS: Channel[] = [
  { id: 'up', address: edgeTopic('{centre}', '{edge}', 'up'), parameters: ['centre', 'edge'], action: 'receive', message: 'Batch', summary: 'live lane, QoS 1' },
  { id: 'late', address: edgeTopic('{centre}', '{edge}', 'late'), parameters: ['centre', 'edge'], action: 'receive', message: 'Batch', summary: 'backlog lane, QoS 1' },
  { id: 'ack', address: edgeTopic('{centre}', '{edge}', 'ack'), parameters: ['centre', 'edge'], action: 'send', message: 'Ack', summary: 'what is durable in the gateway, QoS 1' },
  { id: 'state', address: edgeTopic('{centre}', '{edge}', 'state'), parameters: ['centre', 'edge'], action: 'receive', message: 'State', summary: 'retained, with last will, QoS 1' },
  { id: 'cmd', address: edgeTopic('{centre}', '{edge}', 'cmd'), parameters: ['centre', 'edge'], action: 'send', message: 'EdgeCommand', summary: 'repeated until it is answered; carried out once by its id, not after it expired, QoS 1' },
  { id: 'rsp', address: edgeTopic('{centre}', '{edge}', 'rsp'), parameters: ['centre', 'edge'], action: 'receive', message: 'EdgeAnswer', summary: 'what became of a command, QoS 1' },
  { id: 'out', address: outTopic('{centre}', '{indicator}'), parameters: ['centre', 'indicator'], action: 'send', message: 'OutEvent', summary: 'accepted events for any consumer, QoS 1' },
  { id: 'warnings', address: warningTopic('{centre}', '{id}'), parameters: ['centre', 'id'], action: 'send', message: 'Warning', summary: 'retained while open; once more in its final state, then cleared' },
];

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema);
  return rest;
}

export function asyncapiDocument(version: string): Record<string, unknown> {
  const messages = [...new Set(CHANNELS.map((channel) => channel.message))];
  return {
    asyncapi: '3.0.0',
    info: { title: 'cityvitals topics', version, description: 'MQTT 3.1.1 (embedded broker) or 3.1.1 and 5 (external). Times are ms UTC.' },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(CHANNELS.map(({ id, address, parameters, message, summary }) => [id, {
      address, summary, parameters: Object.fromEntries(parameters.map((parameter) => [parameter, {}])),
      messages: { [message]: { $ref: `#/components/messages/${message}` } },
    }])),
    operations: Object.fromEntries(CHANNELS.map(({ id, action, message }) => [`${action}${id.charAt(0).toUpperCase()}${id.slice(1)}`, {
      action, channel: { $ref: `#/channels/${id}` }, messages: [{ $ref: `#/channels/${id}/messages/${message}` }],
    }])),
    components: {
      messages: Object.fromEntries(messages.map((message) => [message, { name: message, payload: { $ref: `#/components/schemas/${message}` } }])),
      schemas: { ...componentSchemas(), Event: EVENT_SCHEMA, Batch: BATCH, Ack: ACK, State: STATE, OutEvent: OUT, EdgeCommand: schemaOf(COMMAND_SCHEMA), EdgeAnswer: schemaOf(ANSWER_SCHEMA) },
    },
  };
}
