/** Messages in, values out: which profile reads a frame. Pure; no clock, no I/O. */
import type { Decoded } from '../../core/driver.ts';
import { bodyOf } from './body.ts';
import { decodeChirpstack } from './chirpstack.ts';
import { decodeDji } from './dji.ts';
import './faults.ts';
import type { MqttInFrame } from './frame.ts';
import { decodeJson } from './json.ts';
import { decodeSparkplug } from './sparkplug/decode.ts';

/** @returns CV_MQTT_IN_PAYLOAD for what is no message of its profile; never throws, whatever the payload */
export function decode(frame: MqttInFrame): Decoded {
  const body = bodyOf(frame);
  if (body.is === 'fault') return { ok: false, fault: body.fault, points: [] };
  if (body.is === 'sparkplug') return decodeSparkplug(frame, body.payload);
  if (frame.profile === 'chirpstack') return decodeChirpstack(frame, body.json as Record<string, unknown>);
  if (frame.profile === 'dji') return decodeDji(frame, body.json as Record<string, unknown>);
  return decodeJson(frame, body.json, frame.plan);
}
