/** The decode bench for messages of brokers: Sparkplug B as the npm library encodes it, and plain JSON. */
import { decode } from '../../../drivers/mqtt-in/decode.ts';
import type { MqttInFrame, Plan } from '../../../drivers/mqtt-in/frame.ts';
import { point, type MqttInPoint, type Profile } from '../../../drivers/mqtt-in/settings.ts';
import { Reader } from '../../../drivers/mqtt-in/sparkplug/protobuf.ts';
import { DECODED_AT_MS, FRAMES, isRead, type DecodeWorkload } from './works.ts';

const VALUES = 20;
const NAMES = Array.from({ length: VALUES }, (_, index) => `Inputs/Pressure ${index}`);

interface Library {
  get(version: 'spBv1.0'): { encodePayload(payload: object): Uint8Array; decodePayload(bytes: Uint8Array): unknown };
}

const planFor = (points: Record<string, unknown>[], more: Partial<Plan> = {}): Plan => ({
  points: points.map((one, index) => ({ id: `p${index}`, ...(point.parse(one) as MqttInPoint) })), historyAfterMs: Infinity, ...more,
});

const messages = (profile: Profile, topic: string, plan: Plan, payloadOf: (turn: number) => Uint8Array): MqttInFrame[] =>
  Array.from({ length: FRAMES }, (_, turn) => ({ topic, payload: payloadOf(turn), retain: false, observedAt: DECODED_AT_MS, profile, plan }));

/** A message as it comes from the broker: what was read of an earlier one must not help. */
const freshly = (frames: readonly MqttInFrame[], turn: number): MqttInFrame => ({ ...(frames[turn % FRAMES] as MqttInFrame) });

/** Every metric has a name, a time and a datatype, as in a birth. */
export function sparkplugWork(peer: NodeJS.Require): DecodeWorkload {
  const library = (peer('sparkplug-payload') as Library).get('spBv1.0');
  const frames = messages('sparkplug', 'spBv1.0/plant/DDATA/line1/press3', planFor(NAMES.map((metric) => ({ metric }))), (turn) => library.encodePayload({
    timestamp: DECODED_AT_MS, seq: turn, metrics: NAMES.map((name, index) => ({ name, timestamp: DECODED_AT_MS, type: index % 2 === 0 ? 'Double' : 'Int32', value: index % 2 === 0 ? turn + index / 8 : turn - index })),
  }));
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
  const reader = new Reader(payload);
  let seen = 0;
  while (!reader.isDone) {
    const key = reader.key();
    if (key !== 18) {
      reader.pass(key % 8);
      continue;
    }
    const outer = reader.enter();
    for (; !reader.isDone; seen += 1) reader.pass(reader.key() % 8);
    reader.leave(outer);
  }
  return seen;
}

export function jsonWork(): DecodeWorkload {
  const plan = planFor(NAMES.map((_, index) => ({ path: `data.p${index}.value` })), { time: 'ts' });
  const frames = messages('json', 'plant/line1/meter7', plan, (turn) => Buffer.from(JSON.stringify({ ts: DECODED_AT_MS, data: Object.fromEntries(NAMES.map((_, index) => [`p${index}`, { value: turn + index / 8, unit: 'kPa' }])) })));
  return {
    name: 'mqtt-json', unit: 'values/s', perCall: VALUES,
    contenders: {
      ours: (turn) => isRead(decode(freshly(frames, turn)), VALUES),
      'bare-loop': (turn) => JSON.parse(Buffer.from((frames[turn % FRAMES] as MqttInFrame).payload).toString('utf8')) as unknown,
    },
  };
}
