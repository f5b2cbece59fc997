/** What a recorded answer says by itself, as it stands: nobody asks for it again. */
import type { Request } from '../core/driver.ts';
import type { Played, PlayedDevice } from './played.ts';
import type { Question } from './script.ts';
import type { Reading } from './streams.ts';

/**
 * Of a capture: what other programs asked and our driver would not, and what was refused them, which our link would ask
 * for in parts that nobody answered.
 */
export function exchangesOf({ devices, reading: { recording } }: { devices: readonly PlayedDevice[]; reading: Reading }, question: Question, atMsOf: (afterUs: number) => number): Played[] {
  if (!recording.exchangeOf) return [];
  return devices.flatMap((device) => question.answers.flatMap(({ bytes, parts }): Played[] => {
    const read = recording.exchangeOf?.({ question: question.message.bytes, answer: bytes }, device.points as never, device.settings);
    if (!read) return [];
    const atMs = atMsOf(parts.at(-1)?.afterUs ?? question.afterUs);
    if (read.fault) return [{ device, atMs, decoded: { ok: false, fault: read.fault, points: [] } }];
    const request = read.request as Request;
    return [{ device, atMs, frame: read.frame, request, decoded: device.driver.decode(read.frame, request) }];
  }));
}
