/** Gives events that were written before the clock was known their time, as they are read. The rows stay as they are. */
import type { Clip, Draft, Flag, Stream, TagRead } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import { decodeBatch, encodeBatch, withoutOrigin, type Batch } from '../core/wire/batch.ts';
import { isExactCorrection, type ClockCorrection } from './boot-history.ts';
import type { StoredGroup } from './types.ts';

export interface RestampOptions {
  edge: string;
  /** What is known of the clock of an opening; null: nothing, or there is nothing to know. */
  correctionOf(epoch: number): ClockCorrection | null;
  /** What the edge makes of an event once its time is known: a device's own time can be judged only then. */
  onKnown?: ((draft: Draft) => Draft) | undefined;
}

/** The same group, or one encoded anew under the same numbers. */
export function restampGroup(stream: Stream, group: StoredGroup, how: RestampOptions): StoredGroup {
  const own = how.correctionOf(group.epoch);
  if (!own) return group;
  const events = tryDecodeBatch(group.payload)?.events;
  if (!events?.some((event) => event.clock === 'unsynced')) return group;
  const hop = { from: how.edge, stream, epoch: group.epoch, seq: group.seq };
  const drafts = withoutOrigin(hop, events).map((draft) => (draft.clock === 'unsynced' ? restampDraft(draft, group.epoch, own, how) : draft));
  return { ...group, payload: encodeBatch(hop, drafts) };
}

function restampDraft<D extends Draft>(draft: D, epoch: number, own: ClockCorrection, how: RestampOptions): Draft {
  const moved = moveTimes(draft, own.shiftMs, gapShiftMs(draft, epoch, own, how));
  // Where only bounds are known, it stays said that nobody knows.
  if (!isExactCorrection(own)) return { ...moved, flags: [...new Set<Flag>([...(moved.flags ?? []), 'skewed'])] };
  const known: Draft = { ...moved, clock: 'edge' };
  return how.onKnown ? how.onKnown(known) : known;
}

/** The times within a gap record are those of the opening it speaks of, unless that was decided before the record was made. */
function gapShiftMs({ gap }: Draft, epoch: number, own: ClockCorrection, how: RestampOptions): number {
  if (!gap || gap.epoch === epoch || gap.epoch === 0) return own.shiftMs;
  const other = how.correctionOf(gap.epoch);
  return other && other.inEpoch >= epoch ? other.shiftMs : 0;
}

/** Every time that our own clock gave; the device's is the device's. */
function moveTimes<D extends Draft>(draft: D, shiftMs: number, gapShiftMs: number): D {
  const { window, warning, gap, evidence } = draft;
  // Where the device has a clock, its evidence goes by that.
  const ownEvidence = draft.deviceAt === undefined ? evidence : undefined;
  const at = (time: number, byMs = shiftMs) => Math.max(0, time + byMs);
  return {
    ...draft,
    occurredAt: at(draft.occurredAt),
    observedAt: at(draft.observedAt),
    ...(window && { window: { ...window, fromAt: at(window.fromAt), toAt: at(window.toAt) } }),
    ...(warning && { warning: { ...warning, onsetAt: at(warning.onsetAt) } }),
    ...(gap && { gap: { ...gap, fromAt: at(gap.fromAt, gapShiftMs), toAt: at(gap.toAt, gapShiftMs) } }),
    ...(ownEvidence && { evidence: ownEvidence.map((one) => (one.kind === 'tag' ? shiftTagRead(one, at) : one.kind === 'clip' ? shiftClip(one, at) : one)) }),
  };
}

const shiftClip = (clip: Clip, at: (time: number) => number): Clip => ({ ...clip, fromAt: at(clip.fromAt), toAt: at(clip.toAt), of: clip.of.map((one) => ({ ...one, at: at(one.at) })) });

function shiftTagRead(tag: TagRead, at: (time: number) => number): TagRead {
  return { ...tag, ...(tag.firstAt !== undefined && { firstAt: at(tag.firstAt) }), ...(tag.lastAt !== undefined && { lastAt: at(tag.lastAt) }) };
}

/** null when it cannot be read: that is found, and told, where it is to be sent. */
export function tryDecodeBatch(payload: Uint8Array): Batch | null {
  try {
    return decodeBatch(payload);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return null;
  }
}
