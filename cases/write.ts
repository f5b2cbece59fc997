/** Formats the files of a case: case.yaml, traffic or frames, and expected results. */
import { stringify } from 'yaml';
import { formatDuration } from '../core/quantity.ts';
import type { ResultLine } from './result-lines.ts';
import type { Case } from './case.ts';
import type { FrameLine, TrafficLine } from './format.ts';
import { CASE_VERSION } from './format.ts';

export type CaseMetadata = Pick<Case, 'title' | 'source' | 'licence' | 'level' | 'secrets' | 'asker' | 'startsAt' | 'devices'>;

/** The text of `case.yaml`. */
function headText({ title, source, licence, level, secrets, asker, startsAt, devices }: CaseMetadata): string {
  const written = devices.map(({ id, driver, settings, points, timeoutMs }) => ({
    id,
    driver,
    settings,
    points,
    timeout: formatDuration(timeoutMs),
  }));
  const [{ id, ...only }] = written as [(typeof written)[number]];
  const who = written.length === 1 ? { device: id, ...only } : { devices: written };
  return stringify(
    {
      version: CASE_VERSION,
      title,
      source,
      licence,
      level,
      ...(secrets === 'none' ? {} : { secrets }),
      ...(asker === 'other' ? { asker } : {}),
      startsAt: new Date(startsAt).toISOString(),
      ...who,
    },
    { lineWidth: 0 },
  );
}

/** One JSON line per value, each ended by a newline. */
export function formatJsonLines(lines: readonly (TrafficLine | FrameLine | ResultLine)[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** The files of a case by name. */
export function caseFiles(recorded: CaseMetadata & Pick<Case, 'traffic' | 'frames' | 'expected'>): Record<string, string> {
  const { level, traffic, frames, expected } = recorded;
  return {
    'case.yaml': headText(recorded),
    ...(level === 'bytes' ? { 'traffic.jsonl': formatJsonLines(traffic) } : { 'frames.jsonl': formatJsonLines(frames) }),
    ...(expected ? { 'expected.jsonl': formatJsonLines(expected) } : {}),
  };
}
