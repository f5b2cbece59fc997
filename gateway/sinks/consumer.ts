/**
 * A sink as a consumer of the log: keeps its own place, sends in the target's portions, finds the event that a target
 * refuses and sets it aside, and leaves word of what the log could not wait with. Holds up nobody but itself.
 */
import { eventId } from '../../core/event.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import { compareCursors, formatCursor, type Cursor } from '../../log/types.ts';
import type { SkippedEvents, OpenSink } from '../../core/sink.ts';
import type { World } from '../../core/world.ts';
import type { Consumer, MissedEvents } from '../feed/consumer.ts';
import { loggedEvents, batchesAfter, type LoggedEvent } from '../feed/log-batch.ts';
import type { SetAsideFile } from './set-aside.ts';
import type { SinkPosition, StoredPosition } from './position.ts';
import './faults.ts';

interface SinkCounts {
  /** Events that the target has, since the gateway started. */
  written: number;
  setAside: number;
  missed: number;
  /** What keeps it from writing; null while all is well. */
  problem: Fault | null;
}

export interface SinkConsumer extends Consumer {
  readonly counts: Readonly<SinkCounts>;
}

const MAX_LINE = 1000;

/** @param id of the sink; its consumer is called `sink-<id>` */
export function sinkConsumer(id: string, sink: OpenSink, place: SinkPosition, aside: SetAsideFile, world: World): SinkConsumer {
  const counts: SinkCounts = { written: 0, setAside: 0, missed: 0, problem: null };
  /** In the take under way the target has shown that it takes what is right. */
  let isSound = false;

  /** Fewer and fewer until all went or the one to blame stands alone; the place moves with each part, so that none is judged twice. */
  async function put(part: readonly LoggedEvent[]): Promise<void> {
    const last = part.at(-1);
    if (!last) return;
    try {
      await sink.write(part.map(({ event }) => event));
      counts.written += part.length;
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      if (part.length > 1) {
        const half = part.length >> 1;
        await put(part.slice(0, half));
        return put(part.slice(half));
      }
      await setAside(last, refusal);
    }
    place.move(reachedBy(last));
  }

  async function setAside({ event, cursor }: LoggedEvent, { params }: Fault): Promise<void> {
    await proveSound();
    const [status, detail] = [Number(params.status ?? 0), String(params.detail ?? '')];
    await aside.add({
      at: world.clock.nowMs(),
      kind: 'refused',
      event: eventId(event),
      cursor: formatCursor(cursor),
      status,
      detail,
      line: sink.describe(event).slice(0, MAX_LINE),
    });
    counts.setAside += 1;
    world.tell({
      kind: 'fault',
      fault: { code: 'CV_SINK_SET_ASIDE', params: { sink: id, event: eventId(event), status, detail, path: aside.path } },
    });
    world.tell({ kind: 'samples_lost', count: 1, reason: 'sink_refused', intended: false });
  }

  /** Before an event is blamed: a target that refuses everything is set up wrongly, and no event is to blame. @throws CV_SINK_REFUSES_ALL */
  async function proveSound(): Promise<void> {
    if (isSound) return;
    try {
      await sink.probe();
      isSound = true;
    } catch (error) {
      const refusal = refusalIn(error);
      throw refusal ? new FaultError('CV_SINK_REFUSES_ALL', refusal.params) : error;
    }
  }

  async function leaveWord(missed: SkippedEvents): Promise<void> {
    try {
      await sink.missed(missed);
    } catch (error) {
      // Too old for the target, say. It stands in the list, and must not hold up what comes after it.
      if (!refusalIn(error)) throw error;
      await proveSound();
    }
    await aside.add({ at: world.clock.nowMs(), kind: 'missed', ...missed });
    counts.missed += missed.count;
  }

  /** Remembers what is wrong, and says when it is well again. */
  async function watched(run: () => Promise<void>): Promise<void> {
    isSound = false;
    try {
      await run();
    } catch (error) {
      counts.problem = error instanceof FaultError ? error.fault : null;
      throw error;
    }
    if (counts.problem) world.tell({ kind: 'fault_cleared', code: counts.problem.code });
    counts.problem = null;
  }

  return {
    name: `sink-${id}`,
    required: false,
    counts,
    start: () => Promise.resolve(place.reached.cursor),
    take: (groups, upTo) => watched(async () => {
      const left = loggedEvents(batchesAfter(groups, place.reached.cursor));
      for (let at = 0; at < left.length; at += sink.maxBatch) await put(left.slice(at, at + sink.maxBatch));
      if (compareCursors(upTo, place.reached.cursor) > 0) place.move({ cursor: upTo, receivedAt: place.reached.receivedAt });
    }),
    missed: ({ from, to, count, toAt }: MissedEvents) => watched(async () => {
      await leaveWord({ from: formatCursor(from), to: formatCursor(to), count, fromAt: place.reached.receivedAt, toAt });
      place.move({ cursor: before(to), receivedAt: toAt });
      await place.save();
    }),
    halt: () => { void sink.close(); },
    async close() {
      await sink.close();
      await place.close();
    },
  };
}

const refusalIn = (error: unknown): Fault | null =>
  error instanceof FaultError && error.fault.code === 'CV_SINK_REFUSED' ? error.fault : null;
const reachedBy = ({ cursor, receivedAt }: LoggedEvent): StoredPosition => ({ cursor, receivedAt });
const before = ({ epoch, seq }: Cursor): Cursor => ({ epoch, seq: seq - 1 });
