/** Parses the payload of a message; cached per frame. Pure. */
import type { Fault } from '../../core/faults.ts';
import { parseJson } from '../../core/wire/json.ts';
import './faults.ts';
import { MAX_MQTT_PAYLOAD_BYTES, type MqttInFrame } from './frame.ts';
import { parseSparkplugTopic } from './sparkplug/session.ts';
import { parseSparkplugPayload, type SparkplugPayload } from './sparkplug/payload.ts';

export type ParsedPayload = { is: 'json'; json: unknown } | { is: 'sparkplug'; payload: SparkplugPayload } | { is: 'fault'; fault: Fault };

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SHOWN_BYTES = 24;
const cache = new WeakMap<MqttInFrame, ParsedPayload>();

export function parsePayload(frame: MqttInFrame): ParsedPayload {
  let body = cache.get(frame);
  if (!body) {
    body = parse(frame);
    cache.set(frame, body);
  }
  return body;
}

/** An unreadable message needs no resending. */
export const isReadable = (frame: MqttInFrame): boolean => parsePayload(frame).is !== 'fault';

function parse(frame: MqttInFrame): ParsedPayload {
  const { topic, payload, profile } = frame;
  if (!(payload instanceof Uint8Array) || typeof topic !== 'string')
    return payloadFault(String(topic), 'not a message', '不是消息', new Uint8Array());
  if (payload.length > MAX_MQTT_PAYLOAD_BYTES)
    return payloadFault(
      topic,
      `${payload.length} bytes, more than ${MAX_MQTT_PAYLOAD_BYTES}`,
      `${payload.length} 字节，超过 ${MAX_MQTT_PAYLOAD_BYTES}`,
      payload,
    );
  if (profile === 'sparkplug') {
    const known = parseSparkplugTopic(topic) ? parseSparkplugPayload(payload) : null;
    return known ? { is: 'sparkplug', payload: known } : payloadFault(topic, 'not a Sparkplug B payload', '不是 Sparkplug B 载荷', payload);
  }
  try {
    const json: unknown = parseJson(UTF8.decode(payload));
    if (profile !== 'json' && (typeof json !== 'object' || json === null || Array.isArray(json)))
      return payloadFault(topic, 'JSON, but not an object', '是 JSON，但不是对象', payload);
    if (profile === 'chirpstack' && isVersion3(json as object))
      return payloadFault(topic, 'event of ChirpStack v3', '是 ChirpStack v3 的事件', payload);
    return { is: 'json', json };
  } catch (error) {
    // TypeError: not UTF-8; SyntaxError: not JSON, or nested too deeply.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return profile === 'chirpstack'
      ? payloadFault(topic, 'not JSON: set the MQTT integration to json', '不是 JSON：请将 MQTT 集成的编码设为 json', payload)
      : payloadFault(topic, 'not JSON', '不是 JSON', payload);
  }
}

const isVersion3 = (event: object): boolean =>
  !Object.hasOwn(event, 'deviceInfo') && (Object.hasOwn(event, 'devEUI') || Object.hasOwn(event, 'objectJSON'));

function payloadFault(topic: string, detail: string, detailZh: string, payload: Uint8Array): ParsedPayload {
  const said = payloadExcerpt(payload);
  return { is: 'fault', fault: { code: 'CV_MQTT_IN_PAYLOAD', params: { topic: topic.slice(0, 128), detail, detailZh, said } } };
}

/** As text where it is printable, else as hexadecimal digits. */
export function payloadExcerpt(payload: Uint8Array): string {
  const head = Buffer.from(payload.subarray(0, SHOWN_BYTES));
  if (head.length === 0) return '-';
  return head.every((byte) => byte >= 0x20 && byte < 0x7f) ? head.toString('latin1') : head.toString('hex');
}
