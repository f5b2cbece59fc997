/** Decodes messages by their profile. Pure; no clock, no I/O. */
import type { Decoded } from '../../core/driver.ts';
import { parsePayload } from './parsed-payload.ts';
import { decodeChirpstack } from './chirpstack.ts';
import { decodeDji } from './dji.ts';
import './faults.ts';
import type { MqttInFrame } from './frame.ts';
import { decodeJson } from './json.ts';
import { decodeSparkplug } from './sparkplug/decode.ts';

/** @returns CV_MQTT_IN_PAYLOAD for a message that is not of its profile; never throws, whatever the payload */
export function decode(frame: MqttInFrame): Decoded {
  const body = parsePayload(frame);
  if (body.is === 'fault') return { ok: false, fault: body.fault, points: [] };
  if (body.is === 'sparkplug') return decodeSparkplug(frame, body.payload);
  if (frame.profile === 'chirpstack') return decodeChirpstack(frame, body.json as Record<string, unknown>);
  if (frame.profile === 'dji') return decodeDji(frame, body.json as Record<string, unknown>);
  return decodeJson(frame, body.json, frame.decodeSettings);
}
