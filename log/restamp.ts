/** Corrects times of events written before the clock was known, on reading. The rows stay unchanged. */
import type { Clip, Draft, Flag, Stream, TagRead } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import { decodeBatch, encodeBatch, withoutOrigin, type Batch } from '../core/wire/batch.ts';
import { isExactCorrection, type ClockCorrection } from './boot-history.ts';
import type { StoredGroup } from './types.ts';

export interface RestampOptions {
  edge: string;
  /** Clock correction of an epoch; null while unknown, or when none is needed. */
  correctionOf(epoch: number): ClockCorrection | null;
  /** Applied once the time is known: a device's clock can be checked only then. */
  onKnown?: ((draft: Draft) => Draft) | undefined;
}

/** The same group, or one re-encoded with the same numbers. */
export function restampGroup(stream: Stream, group: StoredGroup, options: RestampOptions): StoredGroup {
  const correction = options.correctionOf(group.epoch);
  if (!correction) return group;
  const events = tryDecodeBatch(group.payload)?.events;
  if (!events?.some((event) => event.clock === 'unsynced')) return group;
  const hop = { from: options.edge, stream, epoch: group.epoch, seq: group.seq };
  const drafts = withoutOrigin(hop, events).map((draft) =>
    draft.clock === 'unsynced' ? restampDraft(draft, group.epoch, correction, options) : draft,
  );
  return { ...group, payload: encodeBatch(hop, drafts) };
}

function restampDraft<D extends Draft>(draft: D, epoch: number, correction: ClockCorrection, options: RestampOptions): Draft {
  const moved = moveTimes(draft, correction.shiftMs, gapShiftMs(draft, epoch, correction, options));
  // With only bounds known, the clock stays `unsynced`.
  if (!isExactCorrection(correction)) return { ...moved, flags: [...new Set<Flag>([...(moved.flags ?? []), 'skewed'])] };
  const known: Draft = { ...moved, clock: 'edge' };
  return options.onKnown ? options.onKnown(known) : known;
}

/** Times in a gap record belong to the epoch of the gap, unless that was corrected before the record was written. */
function gapShiftMs({ gap }: Draft, epoch: number, correction: ClockCorrection, options: RestampOptions): number {
  if (!gap || gap.epoch === epoch || gap.epoch === 0) return correction.shiftMs;
  const other = options.correctionOf(gap.epoch);
  return other && other.inEpoch >= epoch ? other.shiftMs : 0;
}

/** Shifts all times of our clock; device times stay. */
function moveTimes<D extends Draft>(draft: D, shiftMs: number, gapShiftMs: number): D {
  const { window, warning, gap, evidence } = draft;
  // Evidence of a device with a clock has device time.
  const ownEvidence = draft.deviceAt === undefined ? evidence : undefined;
  const shifted = (time: number, byMs = shiftMs) => Math.max(0, time + byMs);
  return {
    ...draft,
    occurredAt: shifted(draft.occurredAt),
    observedAt: shifted(draft.observedAt),
    ...(window && { window: { ...window, fromAt: shifted(window.fromAt), toAt: shifted(window.toAt) } }),
    ...(warning && { warning: { ...warning, onsetAt: shifted(warning.onsetAt) } }),
    ...(gap && { gap: { ...gap, fromAt: shifted(gap.fromAt, gapShiftMs), toAt: shifted(gap.toAt, gapShiftMs) } }),
    ...(ownEvidence && {
      evidence: ownEvidence.map((one) =>
        one.kind === 'tag' ? shiftTagRead(one, shifted) : one.kind === 'clip' ? shiftClip(one, shifted) : one,
      ),
    }),
  };
}

const shiftClip = (clip: Clip, shifted: (time: number) => number): Clip => ({
  ...clip,
  fromAt: shifted(clip.fromAt),
  toAt: shifted(clip.toAt),
  of: clip.of.map((one) => ({ ...one, at: shifted(one.at) })),
});

function shiftTagRead(tag: TagRead, shifted: (time: number) => number): TagRead {
  return {
    ...tag,
    ...(tag.firstAt !== undefined && { firstAt: shifted(tag.firstAt) }),
    ...(tag.lastAt !== undefined && { lastAt: shifted(tag.lastAt) }),
  };
}

/** null when it cannot be decoded; reported when it is read for sending. */
export function tryDecodeBatch(payload: Uint8Array): Batch | null {
  try {
    return decodeBatch(payload);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return null;
  }
}
