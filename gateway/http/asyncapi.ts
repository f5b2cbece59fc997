/** The AsyncAPI 3 document: the topics in core/wire/topics.ts, made of the schemas that check what comes in on them, and the socket of a live view. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import { jsonSchemaOf, type JsonSchema } from '../../core/json-schema.ts';
import { bilingualDescription } from '../../core/typed-schema.ts';
import { ANSWER_SCHEMA, COMMAND_SCHEMA } from '../../core/wire/commands.ts';
import {
  ACK_SCHEMA,
  BATCH_COLUMNS_SCHEMA,
  BATCH_ROWS_SCHEMA,
  CLOCK_SCHEMA,
  EVIDENCE_ANSWER_SCHEMA,
  EVIDENCE_PART_SCHEMA,
  REFUSAL_SCHEMA,
  STATE_SCHEMA,
} from '../../core/wire/schemas.ts';
import { OUT_SCHEMA } from '../../core/wire/published.ts';
import { edgeTopic, outTopic, QOS, warningTopic } from '../../core/wire/topics.ts';
import { LIVE_PIECE_SCHEMA, LIVE_SCENE_EXAMPLE, LIVE_SEEN_EXAMPLE, LiveScene, LiveSeen } from '../../api/live-view.ts';
import { PublishedWarning } from '../../api/warnings.ts';
import { WIRE_EXAMPLES } from './wire-examples.ts';

interface Message {
  title: BilingualText;
  payload: JsonSchema;
  examples: { name: string; payload: unknown }[];
  /** Default: JSON. */
  contentType?: string;
  /** Where in the payload stands what an answer has in common with its question. */
  correlation?: string;
}

const { rows, columns, ack, refusal, clock, state, lastWill, command, answer, evidencePart, evidenceAnswer, out, warning } = WIRE_EXAMPLES;
const example = (name: string, payload: unknown) => ({ name, payload });
/** Who reads it lets unknown fields be, so that a newer sender is understood. */
const open = (schema: Parameters<typeof jsonSchemaOf>[0]): JsonSchema => jsonSchemaOf(schema, { io: 'input' });

export const MESSAGES = {
  BatchRows: { title: { en: 'batch, rows', zh: '批次（行式）' }, payload: BATCH_ROWS_SCHEMA, examples: [example('one event', rows)] },
  BatchColumns: {
    title: { en: 'batch, columns', zh: '批次（列式）' },
    payload: BATCH_COLUMNS_SCHEMA,
    examples: [example('three events', columns)],
  },
  Ack: {
    title: { en: 'what is settled of one stream and epoch', zh: '某流某 epoch 已了结的部分' },
    payload: open(ACK_SCHEMA),
    examples: [example('one refused, one hole', ack)],
  },
  Refusal: {
    title: { en: 'a payload of which nothing could be read', zh: '无法解析的载荷' },
    payload: open(REFUSAL_SCHEMA),
    examples: [example('not JSON', refusal)],
  },
  Clock: {
    title: { en: "the gateway's clock, in answer to a state", zh: '网关时钟，应答状态消息' },
    payload: open(CLOCK_SCHEMA),
    examples: [example('clock', clock)],
  },
  State: {
    title: { en: 'what an edge says of itself', zh: '边缘节点的状态' },
    payload: open(STATE_SCHEMA),
    examples: [example('online', state), example('last will', lastWill)],
  },
  Command: {
    title: { en: 'a command to an edge', zh: '发往边缘节点的命令' },
    payload: jsonSchemaOf(COMMAND_SCHEMA),
    examples: [example('write', command)],
    correlation: 'id',
  },
  Answer: {
    title: { en: 'what became of a command', zh: '命令的结果' },
    payload: jsonSchemaOf(ANSWER_SCHEMA),
    examples: [example('done', answer)],
    correlation: 'id',
  },
  EvidencePart: {
    title: { en: 'a part of a picture that goes with an event', zh: '事件画面的一段' },
    payload: open(EVIDENCE_PART_SCHEMA),
    examples: [example('the first', evidencePart)],
  },
  EvidenceAnswer: {
    title: { en: 'how much of a picture is there', zh: '事件画面已收到多少' },
    payload: open(EVIDENCE_ANSWER_SCHEMA),
    examples: [example('a part of it', evidenceAnswer)],
  },
  OutEvent: { title: { en: 'an accepted event', zh: '已接收的事件' }, payload: OUT_SCHEMA, examples: [example('measurement', out)] },
  Warning: {
    title: { en: 'a warning as it stands', zh: '风险提示的当前状态' },
    payload: open(PublishedWarning),
    examples: [example('raised', warning)],
  },
  LivePiece: {
    title: { en: 'a piece of the picture stream; binary', zh: '画面码流的一段；二进制消息' },
    payload: LIVE_PIECE_SCHEMA,
    examples: [],
    contentType: 'video/mp2t',
  },
  LiveScene: {
    title: { en: 'where zones, lines and masks are; text', zh: '区域、计数线和遮挡的位置；文本消息' },
    payload: open(LiveScene),
    examples: [example('one zone, one line', LIVE_SCENE_EXAMPLE)],
  },
  LiveSeen: {
    title: { en: 'what is seen in a picture; text', zh: '一幅画面的检测结果；文本消息' },
    payload: open(LiveSeen),
    examples: [example('a crossing', LIVE_SEEN_EXAMPLE)],
  },
} as const satisfies Record<string, Message>;
export type MessageName = keyof typeof MESSAGES;

interface Channel {
  address: string;
  parameters: (keyof typeof PARAMETERS)[];
  /** Default: by MQTT. */
  by?: 'socket';
  /** What the gateway does on it. */
  action: 'receive' | 'send';
  messages: MessageName[];
  retain?: true;
  /** The channel that the answer comes on. */
  reply?: string;
  summary: BilingualText;
}

const PARAMETERS = {
  centre: {
    ...bilingualDescription(
      'the centre: 9 digits of a town, 6 of a county, or one of your own',
      '中心：镇街 9 位、区县 6 位行政区划代码，或自定',
    ),
    examples: ['500112001'],
  },
  edge: {
    ...bilingualDescription('the edge; its user name, and its client id behind `cv-`', '边缘节点；亦为用户名，客户端编号为 cv- 加此编号'),
    examples: ['pump-07'],
  },
  indicator: { ...bilingualDescription('code of the indicator', '体征指标代码'), examples: ['YJ-FLD-001'] },
  id: { ...bilingualDescription('the warning', '风险提示编号'), examples: [warning.id] },
  device: { ...bilingualDescription('the camera', '摄像机'), examples: ['gate-cam'] },
};

const edgeChannel = (leaf: Parameters<typeof edgeTopic>[2], spec: Omit<Channel, 'address' | 'parameters'>): Channel => ({
  address: edgeTopic('{centre}', '{edge}', leaf),
  parameters: ['centre', 'edge'],
  ...spec,
});

export const CHANNELS: Record<string, Channel> = {
  up: edgeChannel('up', {
    action: 'receive',
    messages: ['BatchRows', 'BatchColumns'],
    reply: 'ack',
    summary: { en: 'batches of an edge, live lane', zh: '边缘节点批次，实时通道' },
  }),
  late: edgeChannel('late', {
    action: 'receive',
    messages: ['BatchRows', 'BatchColumns'],
    reply: 'ack',
    summary: { en: 'batches of an edge, backlog lane', zh: '边缘节点批次，补传通道' },
  }),
  ack: edgeChannel('ack', {
    action: 'send',
    messages: ['Ack', 'Refusal', 'Clock', 'EvidenceAnswer'],
    summary: { en: 'what is durable at the gateway; let go of events by this alone', zh: '网关已落盘的内容；仅据此释放事件' },
  }),
  state: edgeChannel('state', {
    action: 'receive',
    messages: ['State'],
    retain: true,
    reply: 'ack',
    summary: {
      en: "retained, and the edge's last will; said on each connect and now and then",
      zh: '保留消息，也是遗嘱；每次连接及定期发送',
    },
  }),
  evidence: edgeChannel('evidence', {
    action: 'receive',
    messages: ['EvidencePart'],
    reply: 'ack',
    summary: {
      en: 'pictures that go with events, a part at a time, only where the clock answer says `takes: [evidence]`',
      zh: '随事件的画面，逐段发送；仅当时钟应答含 takes: [evidence]',
    },
  }),
  cmd: edgeChannel('cmd', {
    action: 'send',
    messages: ['Command'],
    reply: 'rsp',
    summary: {
      en: 'repeated until it is answered; carried out once by its id, never after it expired',
      zh: '未应答则重发；按编号只执行一次，过期不执行',
    },
  }),
  rsp: edgeChannel('rsp', { action: 'receive', messages: ['Answer'], summary: { en: 'what became of a command', zh: '命令的结果' } }),
  out: {
    address: outTopic('{centre}', '{indicator}'),
    parameters: ['centre', 'indicator'],
    action: 'send',
    messages: ['OutEvent'],
    summary: { en: 'accepted events, one a message, for any consumer', zh: '已接收的事件，每条一个，供任何消费者' },
  },
  warnings: {
    address: warningTopic('{centre}', '{id}'),
    parameters: ['centre', 'id'],
    action: 'send',
    messages: ['Warning'],
    retain: true,
    summary: {
      en: 'retained while open; once more in its final state, then cleared by an empty payload',
      zh: '未关闭时保留；以最终状态再发一次后以空载荷清除',
    },
  },
  liveView: {
    address: '/api/v1/devices/{device}/live-view',
    parameters: ['device'],
    by: 'socket',
    action: 'send',
    messages: ['LivePiece', 'LiveScene', 'LiveSeen'],
    summary: {
      en: 'a camera, live, to one viewer; text messages only with `&notes`. Whoever does not keep up loses pieces and messages. Closed with 4000 and a code of docs/faults.md as the reason when the camera has been away for 30 s',
      zh: '摄像机实时画面，一条连接一名观看者；仅加 &notes 时有文本消息。跟不上的观看者会丢失部分数据和消息。摄像机中断 30 秒后以 4000 关闭，原因为 docs/faults.md 中的代码',
    },
  },
};

const SOCKET_BINDING = {
  method: 'GET', bindingVersion: '0.1.0',
  query: {
    type: 'object',
    required: ['ticket'],
    properties: {
      ticket: { type: 'string', ...bilingualDescription("of the answer's path", '取自应答中的 path') },
      notes: {
        type: 'string',
        maxLength: 0,
        ...bilingualDescription('there, and last: text messages come too', '写在最后时，另有文本消息'),
      },
    },
  },
};

const both = ({ en, zh }: BilingualText): string => `${en} · ${zh}`;

export function asyncapiDocument(version: string): Record<string, unknown> {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'cityvitals topics · 城市体征消息主题',
      version,
      license: { name: 'Apache-2.0' },
      ...bilingualDescription(
        "Told from the gateway's side: it receives what edges send, and sends what consumers and viewers read. Times are ms UTC. How to catch up after an absence, and to send under an edge's token: docs/events.md.",
        '以网关视角描述：接收边缘节点所发，发送消费者和观看者所读。时间均为 UTC 毫秒。断线补齐与自行发送见 docs/events.md。',
      ),
    },
    defaultContentType: 'application/json',
    servers: {
      embedded: {
        host: '127.0.0.1:1883',
        protocol: 'mqtt',
        protocolVersion: '3.1.1',
        ...bilingualDescription(
          "the gateway's own broker (`broker.embedded`); sessions are always clean",
          '网关内置消息服务器；会话不保留',
        ),
        security: [{ $ref: '#/components/securitySchemes/user' }],
        bindings: { mqtt: { cleanSession: true, keepAlive: 10, bindingVersion: '0.2.0' } },
      },
      external: {
        host: 'broker.example:1883',
        protocol: 'mqtt',
        protocolVersion: '5.0',
        ...bilingualDescription(
          'any broker (`broker.url`), by MQTT 3.1.1 or 5; we ship its access files: docs/brokers.md',
          '任意外部消息服务器，MQTT 3.1.1 或 5；访问控制文件见 docs/brokers.md',
        ),
        security: [{ $ref: '#/components/securitySchemes/user' }],
      },
      api: {
        host: '127.0.0.1:8080',
        protocol: 'ws',
        ...bilingualDescription(
          "the gateway's HTTP (`http`), `wss` behind a proxy that has a certificate",
          '网关的 HTTP 服务（http）；经带证书的代理时为 wss',
        ),
        security: [{ $ref: '#/components/securitySchemes/ticket' }],
      },
    },
    channels: Object.fromEntries(Object.entries(CHANNELS).map(([id, { address, by, summary, parameters, messages }]) => [id, {
      address, title: id, summary: both(summary),
      servers: (by === 'socket' ? ['api'] : ['embedded', 'external']).map((server) => ({ $ref: `#/servers/${server}` })),
      ...(by === 'socket' && { bindings: { ws: SOCKET_BINDING } }),
      parameters: Object.fromEntries(parameters.map((parameter) => [parameter, { $ref: `#/components/parameters/${parameter}` }])),
      messages: Object.fromEntries(messages.map((message) => [message, { $ref: `#/components/messages/${message}` }])),
    }])),
    operations: Object.fromEntries(Object.entries(CHANNELS).map(([id, channel]) => [operationId(id, channel), operation(id, channel)])),
    components: {
      parameters: PARAMETERS,
      messages: Object.fromEntries(
        Object.entries<Message>(MESSAGES).map(([name, { title, examples, contentType = 'application/json', correlation }]) => [
          name,
          {
            name,
            title: both(title),
            contentType,
            payload: { $ref: `#/components/schemas/${name}` },
            examples,
            ...(correlation === undefined ? {} : { correlationId: { location: `$message.payload#/${correlation}` } }),
          },
        ]),
      ),
      schemas: Object.fromEntries(Object.entries<Message>(MESSAGES).map(([name, { payload }]) => [name, payload])),
      securitySchemes: {
        user: {
          type: 'userPassword',
          ...bilingualDescription(
            "an edge: its id and token; a consumer: one of `broker.embedded.consumers`, or nobody from the gateway's own machine",
            '边缘节点用编号与令牌；消费者用 broker.embedded.consumers 中的用户，本机可匿名',
          ),
        },
        ticket: {
          type: 'httpApiKey',
          in: 'query',
          name: 'ticket',
          ...bilingualDescription(
            "good for one viewing, within 30 s: `POST` to the same address answers the whole path, to an operator with a token or, with `live.anonymous: loopback`, to whoever is on the gateway's machine. A page of another origin is refused",
            '一次有效，30 秒内使用：向同一地址 POST 可得完整路径，须带操作员令牌；设 live.anonymous: loopback 时网关本机免令牌。拒绝其他来源的网页',
          ),
        },
      },
    },
  };
}

const operationId = (id: string, { action }: Channel): string => `${action}${id.charAt(0).toUpperCase()}${id.slice(1)}`;

function operation(id: string, { action, by, summary, messages, retain, reply }: Channel): Record<string, unknown> {
  return {
    action, channel: { $ref: `#/channels/${id}` }, title: id, summary: both(summary),
    messages: messages.map((message) => ({ $ref: `#/channels/${id}/messages/${message}` })),
    ...(by !== 'socket' && { bindings: { mqtt: { qos: QOS, retain: retain ?? false, bindingVersion: '0.2.0' } } }),
    ...(reply === undefined ? {} : { reply: { channel: { $ref: `#/channels/${reply}` } } }),
  };
}
