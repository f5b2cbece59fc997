/** The decode bench for messages of brokers: Sparkplug B as the npm library encodes it, and plain JSON. */
import { decode } from '../../../drivers/mqtt-in/decode.ts';
import type { MqttInFrame, MqttDecodeSettings } from '../../../drivers/mqtt-in/frame.ts';
import { point, type MqttInPoint, type MqttProfile } from '../../../drivers/mqtt-in/settings.ts';
import { ProtobufReader } from '../../../drivers/mqtt-in/sparkplug/protobuf.ts';
import { DECODED_AT_MS, FRAMES, isRead, type DecodeWorkload } from './works.ts';

const VALUES = 20;
const NAMES = Array.from({ length: VALUES }, (_, at) => `Inputs/Pressure ${at}`);

interface Library {
  get(version: 'spBv1.0'): { encodePayload(payload: object): Uint8Array; decodePayload(bytes: Uint8Array): unknown };
}

const planFor = (points: Record<string, unknown>[], more: Partial<MqttDecodeSettings> = {}): MqttDecodeSettings => ({
  points: points.map((one, at) => ({ id: `p${at}`, ...(point.parse(one) as MqttInPoint) })), historyAfterMs: Infinity, ...more,
});

const messages = (profile: MqttProfile, topic: string, plan: MqttDecodeSettings, payloadOf: (turn: number) => Uint8Array): MqttInFrame[] =>
  Array.from({ length: FRAMES }, (_, turn) => ({
    topic,
    payload: payloadOf(turn),
    retain: false,
    observedAt: DECODED_AT_MS,
    profile,
    decodeSettings: plan,
  }));

/** A message as it comes from the broker: what was read of an earlier one must not help. */
const freshly = (frames: readonly MqttInFrame[], turn: number): MqttInFrame => ({ ...(frames[turn % FRAMES] as MqttInFrame) });

/** Every metric has a name, a time and a datatype, as in a birth. */
export function sparkplugWork(peer: NodeJS.Require): DecodeWorkload {
  const library = (peer('sparkplug-payload') as Library).get('spBv1.0');
  const frames = messages('sparkplug', 'spBv1.0/plant/DDATA/line1/press3', planFor(NAMES.map((metric) => ({ metric }))), (turn) =>
    library.encodePayload({
      timestamp: DECODED_AT_MS,
      seq: turn,
      metrics: NAMES.map((name, at) => ({
        name,
        timestamp: DECODED_AT_MS,
        type: at % 2 === 0 ? 'Double' : 'Int32',
        value: at % 2 === 0 ? turn + at / 8 : turn - at,
      })),
    }),
  );
  return {
    name: 'sparkplug', unit: 'metrics/s', perCall: VALUES,
    contenders: {
      ours: (turn) => isRead(decode(freshly(frames, turn)), VALUES),
      'bare-loop': (turn) => fieldsIn((frames[turn % FRAMES] as MqttInFrame).payload),
      'sparkplug-payload': (turn) => library.decodePayload((frames[turn % FRAMES] as MqttInFrame).payload),
    },
  };
}

/** Walks over the fields of a payload and of its metrics, without a look at what they hold. */
function fieldsIn(payload: Uint8Array): number {
  const reader = new ProtobufReader(payload);
  let seen = 0;
  while (!reader.isDone) {
    const key = reader.key();
    if (key !== 18) {
      reader.skipField(key % 8);
      continue;
    }
    const outer = reader.enterMessage();
    for (; !reader.isDone; seen += 1) reader.skipField(reader.key() % 8);
    reader.leaveMessage(outer);
  }
  return seen;
}

export function jsonWork(): DecodeWorkload {
  const plan = planFor(
    NAMES.map((_, at) => ({ path: `data.p${at}.value` })),
    { time: 'ts' },
  );
  const frames = messages('json', 'plant/line1/meter7', plan, (turn) =>
    Buffer.from(
      JSON.stringify({
        ts: DECODED_AT_MS,
        data: Object.fromEntries(NAMES.map((_, at) => [`p${at}`, { value: turn + at / 8, unit: 'kPa' }])),
      }),
    ),
  );
  return {
    name: 'mqtt-json', unit: 'values/s', perCall: VALUES,
    contenders: {
      ours: (turn) => isRead(decode(freshly(frames, turn)), VALUES),
      'bare-loop': (turn) => JSON.parse(Buffer.from((frames[turn % FRAMES] as MqttInFrame).payload).toString('utf8')) as unknown,
    },
  };
}
