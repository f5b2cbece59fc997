/**
 * Edge and gateway log in memory, for tests: same numbers, marks and gap records as the real ones, no files and no group
 * timers (an append is durable in the next turn). `epoch` is the clock's time at opening.
 */
import { STREAMS, streamOf, type Draft, type Stream } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { gapDraft } from '../gap.ts';
import { addRange, addRanges, countNumbers, fromMark, missingRanges, toMark, type SeqRange } from '../ranges.ts';
import {
  compareCursors,
  LOG_START,
  type AcceptedGroup,
  type Cursor,
  type EdgeLog,
  type GatewayLog,
  type CommittedGroup,
  type LogSize,
  type SettledMark,
  type ReadLimit,
  type SettledRange,
  type StoredGroup,
} from '../types.ts';
import { decodeBatch, encodeBatch } from '../../core/wire/batch.ts';
import type { World } from '../../core/world.ts';
import '../faults.ts';

const MAX_GROUP = 500;

interface MemoryStream {
  groups: StoredGroup[];
  /** Settled numbers by epoch. */
  settled: Map<number, SeqRange[]>;
  last: Map<number, number>;
}

/** Contents that survive closing: pass it to the next opening. */
export type MemoryDisk = Record<Stream, MemoryStream> & { epoch: number };

export function memoryDisk(): MemoryDisk {
  const fresh = (): MemoryStream => ({ groups: [], settled: new Map(), last: new Map() });
  return { warning: fresh(), state: fresh(), measurement: fresh(), diagnostic: fresh(), epoch: 0 };
}

export interface MemoryEdgeLogOptions {
  edge: string;
  centre: string;
}

export function openMemoryEdgeLog(options: MemoryEdgeLogOptions, world: World, disk: MemoryDisk = memoryDisk()): Promise<EdgeLog> {
  const epoch = Math.max(disk.epoch + 1, world.clock.nowMs());
  disk.epoch = epoch;
  const listeners = new Set<(kept: CommittedGroup) => void>();
  let closed = false;

  async function append(drafts: readonly Draft[]): Promise<void> {
    if (closed) throw new FaultError('CV_LOG_CLOSED', {});
    for (const stream of STREAMS) {
      const own = drafts.filter((draft) => streamOf(draft) === stream);
      for (let offset = 0; offset < own.length; offset += MAX_GROUP) keep(stream, own.slice(offset, offset + MAX_GROUP));
    }
    await Promise.resolve();
  }

  function keep(stream: Stream, drafts: readonly Draft[]): void {
    const state = disk[stream];
    const seq = (state.last.get(epoch) ?? 0) + 1;
    state.groups.push({ epoch, seq, count: drafts.length, payload: encodeBatch({ from: options.edge, stream, epoch, seq }, drafts) });
    state.last.set(epoch, seq + drafts.length - 1);
    for (const listener of listeners) listener({ stream, epoch, firstSeq: seq, drafts, durationMs: 0 });
  }

  function unsettled(stream: Stream): { epoch: number; from: number; to: number }[] {
    const state = disk[stream];
    return [...state.last]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([epoch, last]) => missingRanges(state.settled.get(epoch) ?? [], 1, last).map(([from, to]) => ({ epoch, from, to })));
  }

  const log: EdgeLog = {
    edge: options.edge,
    epoch,
    append,
    read: (stream, after, limit) => Promise.resolve(select(disk[stream].groups, after, limit)),
    unsettled,
    settle(stream, epoch, mark) {
      const state = disk[stream];
      const ranges = addRanges(state.settled.get(epoch) ?? [], fromMark(mark));
      state.settled.set(epoch, ranges);
      state.groups = state.groups.filter(
        (group) => group.epoch !== epoch || missingRanges(ranges, group.seq, group.seq + group.count - 1).length > 0,
      );
      return Promise.resolve();
    },
    async setAside(stream, epoch, seq, _code) {
      const state = disk[stream];
      const now = world.clock.nowMs();
      const group = state.groups.find((one) => one.epoch === epoch && one.seq <= seq && seq < one.seq + one.count);
      const atMs = group ? (decodeBatch(group.payload).events[seq - group.seq]?.occurredAt ?? now) : now;
      state.settled.set(epoch, addRange(state.settled.get(epoch) ?? [], seq, seq));
      await append([
        gapDraft(
          options.edge,
          options.centre,
          { stream, epoch, fromSeq: seq, toSeq: seq, fromAt: atMs, toAt: atMs, count: 1, reason: 'refused' },
          now,
        ),
      ]);
    },
    size: (stream): LogSize => ({
      events: countNumbers(unsettled(stream).map(({ from, to }) => [from, to])),
      bytes: disk[stream].groups.reduce((sum, group) => sum + group.payload.length, 0),
    }),
    onCommitted(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
  return Promise.resolve(log);
}

export function openMemoryGatewayLog(_options: { gateway: string }, world: World): Promise<GatewayLog> {
  const epoch = world.clock.nowMs();
  const groups: StoredGroup[] = [];
  const marks = new Map<string, SeqRange[]>();
  const listeners = new Set<() => void>();
  let last = 0;
  let closed = false;
  const key = (sender: string, stream: Stream, epoch: number) => `${sender}|${stream}|${epoch}`;
  const settle = ({ sender, stream, epoch, from, to }: SettledRange) => {
    const name = key(sender, stream, epoch);
    marks.set(name, addRange(marks.get(name) ?? [], from, to));
  };

  const log: GatewayLog = {
    epoch,
    async accept(accepted: readonly AcceptedGroup[], settled: readonly SettledRange[] = []): Promise<Cursor[]> {
      if (closed) throw new FaultError('CV_LOG_CLOSED', {});
      const places = accepted.map(({ origin, count, payload }) => {
        const seq = last + 1;
        last += count;
        groups.push({ epoch, seq, count, payload, origin });
        settle({ sender: origin.sender, stream: origin.stream, epoch: origin.epoch, from: origin.seq, to: origin.seq + origin.span - 1 });
        return { epoch, seq };
      });
      settled.forEach(settle);
      await Promise.resolve();
      if (accepted.length > 0) for (const listener of listeners) listener();
      return places;
    },
    mark: (sender, stream, epoch): SettledMark => toMark(marks.get(key(sender, stream, epoch)) ?? []),
    read: (after, limit) => Promise.resolve(select(groups, after, limit)),
    head: () => (last === 0 ? LOG_START : { epoch, seq: last }),
    tail: () => LOG_START,
    countTrimmed: (after, upTo) => Math.max(0, upTo.seq - (after.epoch === upTo.epoch ? after.seq : 0)),
    setConsumer() {}, removeConsumer() {},
    size: () => ({ events: last, bytes: groups.reduce((sum, group) => sum + group.payload.length, 0) }),
    onAppended(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
  return Promise.resolve(log);
}

function select(groups: readonly StoredGroup[], after: Cursor, limit: ReadLimit): StoredGroup[] {
  const found: StoredGroup[] = [];
  let bytes = 0;
  for (const group of groups) {
    if (compareCursors({ epoch: group.epoch, seq: group.seq + group.count - 1 }, after) <= 0) continue;
    if (found.length >= limit.maxGroups || (found.length > 0 && bytes + group.payload.length > limit.maxBytes)) break;
    found.push(group);
    bytes += group.payload.length;
  }
  return found;
}
