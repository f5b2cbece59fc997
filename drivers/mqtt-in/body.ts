/** A message's payload, read once however often it is asked for. Pure. */
import type { Fault } from '../../core/faults.ts';
import { parseJson } from '../../core/wire/json.ts';
import './faults.ts';
import { MOST_BYTES, type MqttInFrame } from './frame.ts';
import { topicOf } from './sparkplug/session.ts';
import { readPayload, type Payload } from './sparkplug/payload.ts';

export type Body = { is: 'json'; json: unknown } | { is: 'sparkplug'; payload: Payload } | { is: 'fault'; fault: Fault };

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SHOWN_BYTES = 24;
const read = new WeakMap<MqttInFrame, Body>();

export function bodyOf(frame: MqttInFrame): Body {
  let body = read.get(frame);
  if (!body) {
    body = bodyFrom(frame);
    read.set(frame, body);
  }
  return body;
}

/** What cannot be read now never will be: it needs no second sending. */
export const isReadable = (frame: MqttInFrame): boolean => bodyOf(frame).is !== 'fault';

function bodyFrom(frame: MqttInFrame): Body {
  const { topic, payload, profile } = frame;
  if (!(payload instanceof Uint8Array) || typeof topic !== 'string') return broken(String(topic), 'no message', '不是消息', new Uint8Array());
  if (payload.length > MOST_BYTES) return broken(topic, `${payload.length} bytes, more than ${MOST_BYTES}`, `${payload.length} 字节，超过 ${MOST_BYTES}`, payload);
  if (profile === 'sparkplug') {
    const known = topicOf(topic) ? readPayload(payload) : null;
    return known ? { is: 'sparkplug', payload: known } : broken(topic, 'no Sparkplug B payload', '不是 Sparkplug B 载荷', payload);
  }
  try {
    const json: unknown = parseJson(UTF8.decode(payload));
    if (profile !== 'json' && (typeof json !== 'object' || json === null || Array.isArray(json))) return broken(topic, 'JSON, but no object', '是 JSON，但不是对象', payload);
    if (profile === 'chirpstack' && isVersion3(json as object)) return broken(topic, 'an event of ChirpStack v3', '是 ChirpStack v3 的事件', payload);
    return { is: 'json', json };
  } catch (error) {
    // TypeError: no UTF-8; SyntaxError: no JSON, or nested too deeply.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return profile === 'chirpstack' ? broken(topic, 'no JSON: set the MQTT integration to json', '不是 JSON：请将 MQTT 集成的编码设为 json', payload) : broken(topic, 'no JSON', '不是 JSON', payload);
  }
}

const isVersion3 = (event: object): boolean => !Object.hasOwn(event, 'deviceInfo') && (Object.hasOwn(event, 'devEUI') || Object.hasOwn(event, 'objectJSON'));

function broken(topic: string, detail: string, detailZh: string, payload: Uint8Array): Body {
  const said = firstBytes(payload);
  return { is: 'fault', fault: { code: 'CV_MQTT_IN_PAYLOAD', params: { topic: topic.slice(0, 128), detail, detailZh, said } } };
}

/** As text where it is text, else as hexadecimal digits. */
export function firstBytes(payload: Uint8Array): string {
  const head = Buffer.from(payload.subarray(0, SHOWN_BYTES));
  if (head.length === 0) return '-';
  return head.every((byte) => byte >= 0x20 && byte < 0x7f) ? head.toString('latin1') : head.toString('hex');
}
