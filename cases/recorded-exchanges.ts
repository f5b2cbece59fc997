/** What a recorded answer says by itself, as it stands: nobody asks for it again. */
import type { Request } from '../core/driver.ts';
import type { ReplayResult, ReplayDevice } from './replay-result.ts';
import type { RecordedQuestion } from './device-script.ts';
import type { RecordingContext } from './byte-streams.ts';

/**
 * Of a capture: what other programs asked and our driver would not, and what was refused them, which our link would ask
 * for in parts that nobody answered.
 */
export function recordedExchanges({ devices, reading: { recording } }: { devices: readonly ReplayDevice[]; reading: RecordingContext }, question: RecordedQuestion, atMsOf: (afterUs: number) => number): ReplayResult[] {
  if (!recording.exchangeOf) return [];
  return devices.flatMap((device) => question.answers.flatMap(({ bytes, parts }): ReplayResult[] => {
    const read = recording.exchangeOf?.({ question: question.message.bytes, answer: bytes }, device.points as never, device.settings);
    if (!read) return [];
    const atMs = atMsOf(parts.at(-1)?.afterUs ?? question.afterUs);
    if (read.fault) return [{ device, atMs, decoded: { ok: false, fault: read.fault, points: [] } }];
    const request = read.request as Request;
    return [{ device, atMs, frame: read.frame, request, decoded: device.driver.decode(read.frame, request) }];
  }));
}
