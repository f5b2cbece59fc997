/**
 * State of one stream of an edge's log, one row written with the groups: settled numbers, unsettled gap records, and
 * losses without a gap record yet. Pure: each function returns a new state.
 */
import { mergeLosses, type LossRecord } from './gap.ts';
import { addRanges, countNumbers, missingRanges, intersectRange, type SeqRanges, type SeqRange } from './ranges.ts';

export interface EpochState {
  /** Last assigned number. */
  last: number;
  /** Acknowledged, or covered by a gap record. */
  settled: SeqRanges;
}

/** A gap record, as in its row. */
export interface WrittenGap {
  epoch: number;
  seq: number;
  lost: LossRecord;
  /** Time of the record, and its clock. */
  at: number;
  clock: 'edge' | 'unsynced';
}

export interface StreamState {
  epochs: ReadonlyMap<number, EpochState>;
  /** Unsettled gap records. If their rows are removed, they are read from here under their own numbers. */
  written: readonly WrittenGap[];
  pending: readonly LossRecord[];
}

export const EMPTY_STREAM_STATE: StreamState = { epochs: new Map(), written: [], pending: [] };
const EMPTY_EPOCH: EpochState = { last: 0, settled: [] };
/** Limits the size of the state: beyond it, removed gap records are merged and written again. */
const MAX_SAVED_GAPS = 200;

export function epochState(state: StreamState, epoch: number): EpochState {
  return state.epochs.get(epoch) ?? EMPTY_EPOCH;
}

/** Numbers up to `last` are assigned. */
export function extendEpoch(state: StreamState, epoch: number, last: number): StreamState {
  const known = epochState(state, epoch);
  if (state.epochs.has(epoch) && known.last >= last) return state;
  const epochs = [...state.epochs, [epoch, { ...known, last: Math.max(known.last, last) }] as const];
  return { ...state, epochs: new Map(epochs.toSorted(([a], [b]) => a - b)) };
}

export function settleRanges(state: StreamState, epoch: number, ranges: SeqRanges): StreamState {
  const known = epochState(state, epoch);
  const settled = addRanges(known.settled, ranges);
  return {
    ...extendEpoch(state, epoch, known.last),
    epochs: new Map(extendEpoch(state, epoch, known.last).epochs).set(epoch, { ...known, settled }),
    written: state.written.filter((gap) => gap.epoch !== epoch || missingRanges(settled, gap.seq, gap.seq).length > 0),
  };
}

/** The part of [from, to] that exists only in rows: neither settled nor a gap record, which is in the state too. */
export function unsettledRows(state: StreamState, epoch: number, from: number, to: number): SeqRange[] {
  const missing = missingRanges(epochState(state, epoch).settled, from, to);
  const savedGaps = missing.length === 0 ? [] : state.written.filter((gap) => gap.epoch === epoch);
  if (savedGaps.length === 0) return missing;
  const gapNumbers = addRanges([], savedGaps.map(({ seq }) => [seq, seq]));
  return missing.flatMap(([low, high]) => missingRanges(gapNumbers, low, high));
}

/**
 * Removes [from, to]: unsettled rows become a pending loss. Gap records in it are kept for sending: the gateway may have
 * them already and recognizes them by their numbers.
 */
export function recordLoss(state: StreamState, lost: Omit<LossRecord, 'count'>): { state: StreamState; count: number; ranges: SeqRange[] } {
  // The gateway does not have what it refused: written again under another number.
  const keepGaps = lost.reason !== 'refused' && state.written.length <= MAX_SAVED_GAPS;
  const ranges = keepGaps
    ? unsettledRows(state, lost.epoch, lost.fromSeq, lost.toSeq)
    : missingRanges(epochState(state, lost.epoch).settled, lost.fromSeq, lost.toSeq);
  const inside = state.written.filter((gap) => gap.epoch === lost.epoch && intersectRange(ranges, gap.seq, gap.seq).length > 0);
  const losses = ranges.map(([from, to]): LossRecord => {
    const gapRecords = inside.filter((gap) => gap.seq >= from && gap.seq <= to).length;
    return { ...lost, fromSeq: from, toSeq: to, count: to - from + 1 - gapRecords };
  });
  const pending = mergeLosses([...state.pending, ...inside.map((gap) => gap.lost), ...losses]);
  return { state: { ...settleRanges(state, lost.epoch, ranges), pending }, count: losses.reduce((sum, one) => sum + one.count, 0), ranges };
}

export function addPendingLosses(state: StreamState, losses: readonly LossRecord[]): StreamState {
  return { ...state, pending: mergeLosses([...state.pending, ...losses]) };
}

/** Takes up to `max` losses to be written as gap records. On failure return them with `addPendingLosses`. */
export function takePendingLosses(state: StreamState, max: number): { state: StreamState; gaps: readonly LossRecord[] } {
  return { state: { ...state, pending: state.pending.slice(max) }, gaps: state.pending.slice(0, max) };
}

/** Gap records were written. */
export function addWrittenGaps(state: StreamState, gaps: readonly WrittenGap[]): StreamState {
  return gaps.length === 0 ? state : { ...state, written: [...state.written, ...gaps] };
}

/** Removes fully settled epochs except the current one. */
export function pruneDrainedEpochs(state: StreamState, currentEpoch: number): StreamState {
  const kept = [...state.epochs].filter(
    ([epoch, { last, settled }]) => epoch === currentEpoch || missingRanges(settled, 1, last).length > 0,
  );
  return kept.length === state.epochs.size ? state : { ...state, epochs: new Map(kept) };
}

/** Corrects times of pending losses. Written gap records are corrected on reading, as rows are. */
export function shiftPendingLosses(state: StreamState, shiftOf: (epoch: number) => number): StreamState {
  const moved = <L extends LossRecord>(lost: L): L => ({
    ...lost,
    fromAt: Math.max(0, lost.fromAt + shiftOf(lost.epoch)),
    toAt: Math.max(0, lost.toAt + shiftOf(lost.epoch)),
  });
  return { ...state, pending: state.pending.map(moved) };
}

export function unsettledRanges(state: StreamState): { epoch: number; from: number; to: number }[] {
  const found: { epoch: number; from: number; to: number }[] = [];
  for (const [epoch, { last, settled }] of state.epochs)
    for (const [from, to] of missingRanges(settled, 1, last)) found.push({ epoch, from, to });
  return found;
}

export function countUnsettled(state: StreamState): number {
  let events = 0;
  for (const { last, settled } of state.epochs.values()) events += countNumbers(missingRanges(settled, 1, last));
  return events;
}

export function formatStreamState(state: StreamState): string {
  return JSON.stringify({
    v: 1,
    epochs: [...state.epochs].map(([epoch, { last, settled }]) => [epoch, last, settled]),
    written: state.written,
    pending: state.pending,
  });
}

export function parseStreamState(text: string): StreamState {
  const { epochs, written, pending } = JSON.parse(text) as {
    epochs: [number, number, SeqRanges][];
    written: (Omit<WrittenGap, 'at' | 'clock'> & Partial<WrittenGap>)[];
    pending: LossRecord[];
  };
  return {
    epochs: new Map(epochs.map(([epoch, last, settled]) => [epoch, { last, settled: addRanges([], settled) }])),
    // Older versions wrote only the loss.
    written: written.map((gap) => ({ at: gap.lost.toAt, clock: 'edge', ...gap })),
    pending,
  };
}
