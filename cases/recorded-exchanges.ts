/** Decodes recorded answers directly, without asking again. */
import type { Request } from '../core/driver.ts';
import type { ReplayResult, ReplayDevice } from './replay-result.ts';
import type { RecordedQuestion } from './device-script.ts';
import type { RecordingContext } from './byte-streams.ts';

/**
 * For captures: questions of other programs that our driver would not ask, and refused ones that our link would split
 * into parts without recorded answers.
 */
export function recordedExchanges(
  { devices, context: { recording } }: { devices: readonly ReplayDevice[]; context: RecordingContext },
  question: RecordedQuestion,
  atMsOf: (afterUs: number) => number,
): ReplayResult[] {
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
