/**
 * What an edge's log remembers of one stream beside its groups, in one row that is written with them: what is settled,
 * which gap records wait on disk, and which losses have no gap record yet. Pure: each function gives a new state.
 */
import { joinLosses, type Lost } from './gap.ts';
import { addRanges, countOf, missingOf, partOf, type Ranges, type Range } from './ranges.ts';

export interface EpochState {
  /** Last number that was given. */
  last: number;
  /** Acknowledged, or named by a gap record. */
  settled: Ranges;
}

export interface WrittenGap {
  epoch: number;
  seq: number;
  lost: Lost;
}

export interface StreamState {
  epochs: ReadonlyMap<number, EpochState>;
  /** Gap records on disk that are not settled: should they have to give way, they are written again. */
  written: readonly WrittenGap[];
  pending: readonly Lost[];
}

export const EMPTY: StreamState = { epochs: new Map(), written: [], pending: [] };
const FRESH: EpochState = { last: 0, settled: [] };

export function epochOf(state: StreamState, epoch: number): EpochState {
  return state.epochs.get(epoch) ?? FRESH;
}

/** Numbers up to `last` have been given. */
export function reach(state: StreamState, epoch: number, last: number): StreamState {
  const known = epochOf(state, epoch);
  if (state.epochs.has(epoch) && known.last >= last) return state;
  const epochs = [...state.epochs, [epoch, { ...known, last: Math.max(known.last, last) }] as const];
  return { ...state, epochs: new Map(epochs.toSorted(([a], [b]) => a - b)) };
}

export function settle(state: StreamState, epoch: number, ranges: Ranges): StreamState {
  const known = epochOf(state, epoch);
  const settled = addRanges(known.settled, ranges);
  return {
    ...reach(state, epoch, known.last),
    epochs: new Map(reach(state, epoch, known.last).epochs).set(epoch, { ...known, settled }),
    written: state.written.filter((gap) => gap.epoch !== epoch || missingOf(settled, gap.seq, gap.seq).length > 0),
  };
}

/** Lets [from, to] go: what of it was not settled becomes a loss that waits for its gap record. */
export function lose(state: StreamState, lost: Omit<Lost, 'count'>): { state: StreamState; count: number; ranges: Range[] } {
  const ranges = missingOf(epochOf(state, lost.epoch).settled, lost.fromSeq, lost.toSeq);
  const inside = state.written.filter((gap) => gap.epoch === lost.epoch && partOf(ranges, gap.seq, gap.seq).length > 0);
  const losses = ranges.map(([from, to]): Lost => {
    const gapRecords = inside.filter((gap) => gap.seq >= from && gap.seq <= to).length;
    return { ...lost, fromSeq: from, toSeq: to, count: to - from + 1 - gapRecords };
  });
  // A gap record is never lost: what it says is said again.
  const pending = joinLosses([...state.pending, ...inside.map((gap) => gap.lost), ...losses]);
  return { state: { ...settle(state, lost.epoch, ranges), pending }, count: losses.reduce((sum, one) => sum + one.count, 0), ranges };
}

export function addPending(state: StreamState, losses: readonly Lost[]): StreamState {
  return { ...state, pending: joinLosses([...state.pending, ...losses]) };
}

/** Takes up to `max` losses out, to be written as gap records. Put back with `addPending` when that fails. */
export function takePending(state: StreamState, max: number): { state: StreamState; gaps: readonly Lost[] } {
  return { state: { ...state, pending: state.pending.slice(max) }, gaps: state.pending.slice(0, max) };
}

/** Gap records now stand on disk from `seq` on. */
export function gapsWritten(state: StreamState, epoch: number, seq: number, gaps: readonly Lost[]): StreamState {
  return { ...state, written: [...state.written, ...gaps.map((lost, at) => ({ epoch, seq: seq + at, lost }))] };
}

/** Epochs of which nothing is left to send are forgotten, all but the newest. */
export function forgetDrained(state: StreamState, currentEpoch: number): StreamState {
  const kept = [...state.epochs].filter(([epoch, { last, settled }]) => epoch === currentEpoch || missingOf(settled, 1, last).length > 0);
  return kept.length === state.epochs.size ? state : { ...state, epochs: new Map(kept) };
}

/** Losses that were noted before the clock of their opening was known get their time. */
export function moveLosses(state: StreamState, shiftOf: (epoch: number) => number): StreamState {
  const moved = <L extends Lost>(lost: L): L => ({ ...lost, fromAt: Math.max(0, lost.fromAt + shiftOf(lost.epoch)), toAt: Math.max(0, lost.toAt + shiftOf(lost.epoch)) });
  return { ...state, written: state.written.map((gap) => ({ ...gap, lost: moved(gap.lost) })), pending: state.pending.map(moved) };
}

export function unsettled(state: StreamState): { epoch: number; from: number; to: number }[] {
  const found: { epoch: number; from: number; to: number }[] = [];
  for (const [epoch, { last, settled }] of state.epochs) for (const [from, to] of missingOf(settled, 1, last)) found.push({ epoch, from, to });
  return found;
}

export function depth(state: StreamState): number {
  let events = 0;
  for (const { last, settled } of state.epochs.values()) events += countOf(missingOf(settled, 1, last));
  return events;
}

export function formatState(state: StreamState): string {
  return JSON.stringify({ v: 1, epochs: [...state.epochs].map(([epoch, { last, settled }]) => [epoch, last, settled]), written: state.written, pending: state.pending });
}

export function parseState(text: string): StreamState {
  const { epochs, written, pending } = JSON.parse(text) as { epochs: [number, number, Ranges][]; written: WrittenGap[]; pending: Lost[] };
  return { epochs: new Map(epochs.map(([epoch, last, settled]) => [epoch, { last, settled: addRanges([], settled) }])), written, pending };
}
