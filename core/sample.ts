/** A sample: one value of one point as its driver gave it, before any scale, limit or check of ours. */
import type { ClockSource, Evidence, Flag, Origin, Position, Quality, TagRead, Value, Window } from './event.ts';
import type { MissedValues, SourceBytes } from './driver.ts';

export interface Sample {
  device: string;
  point: string;
  /** null only when quality is bad. */
  value: Value;
  /** The source's unit, UCUM; '' where the value has none. */
  unit: string;
  /** ms UTC: the device's own time where its protocol gives one, else when the edge had it. */
  at: number;
  clock: ClockSource;
  /** ms UTC when the edge had the frame. */
  observedAt: number;
  quality: Quality;
  flags: readonly Flag[];
  origin: Origin;
  position?: Position;
  evidence?: Evidence[];
  window?: Window;
  /** No value at all, but word of values that will not come: it becomes a gap record. */
  missed?: MissedValues;
  /** Its device is over, as a clip that was played once: nothing more will come of it. */
  isLast?: true;
}

/** The line form of a sample: what `--json` prints and what a case's `expected.jsonl` holds. */
export interface SampleLine {
  device: string;
  point: string;
  value: Value;
  unit: string;
  at: number;
  quality: Quality;
  flags: readonly Flag[];
  /** Where it is not live. */
  origin?: Origin;
  position?: Position;
  window?: Window;
  /** Only `decode` gives it. */
  tag?: TagRead;
  /** Where it stood in its frame; `question` and `answer` are what the edge says before and after that, in hex. Only `decode` gives them. */
  bytes?: SourceBytes;
  question?: string;
  answer?: string;
}

export function sampleLine(sample: Sample): SampleLine {
  const { device, point, value, unit, at, quality, flags } = sample;
  return { device, point, value, unit, at, quality, flags, ...lineExtras(sample) };
}

/** What only some lines have. */
export function lineExtras({
  origin,
  position,
  window,
}: {
  origin?: Origin;
  position?: Position;
  window?: Window;
}): Pick<SampleLine, 'origin' | 'position' | 'window'> {
  return {
    ...(origin === undefined || origin === 'live' ? {} : { origin }),
    ...(position ? { position } : {}),
    ...(window ? { window } : {}),
  };
}
