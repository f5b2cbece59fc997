/** Turns a reader's messages into frames: filters repetitions, tracks presence, detects silence. */
import type { FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import './faults.ts';
import type { LlrpFrame, LlrpPointMap, LlrpPresenceFrame } from './frame.ts';
import { firstReadTimestamps } from './decode.ts';
import { LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { RepetitionFilter, PresenceTracker, type PresenceEvent, type TagSighting } from './presence.ts';
import { updateReaderClock, edgeTimeOf, UNKNOWN_CLOCK, utcMsOf, type ReaderClock } from './reader-clock.ts';
import { parseReaderEvent } from './reader-event.ts';
import { parseAccessReport, type LlrpTagRead } from './access-report.ts';
import type { LlrpSession } from './session.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const SILENT_PERIODS = 3;

export interface ReaderContext {
  session: LlrpSession;
  settings: LlrpSettings;
  points: readonly ConfiguredLlrpPoint[];
  world: World;
  hello: { bytes: Uint8Array; observedAt: number };
}

/** One watch for all points that look at the same antennas and tags. */
interface LiveSource {
  watch: PresenceTracker;
  arrived: string[];
  left: string[];
  passed: string[];
  present: string[];
}

/** @returns as a link's `listen` */
export async function followReader(
  { session, settings, points, world, hello }: ReaderContext,
  take: FrameHandler<LlrpFrame>,
  signal: AbortSignal,
): Promise<void> {
  const plan = planOf(points);
  const watches = watchesOf(points, settings);
  const repetitions = new RepetitionFilter(settings.dedupe);
  const down = new Set<number>();
  let clock = clockAfter(UNKNOWN_CLOCK, hello.bytes, hello.observedAt);
  let wake = () => {};
  let timer: Timer | null = null;
  const rouse = () => wake();
  session.onChange(rouse);
  signal.addEventListener('abort', rouse, { once: true });
  const message = (bytes: Uint8Array, observedAt: number, places: ReadonlySet<number>): LlrpFrame => ({
    is: 'message',
    bytes,
    observedAt,
    clock,
    plan,
    repetitions: places,
    antennasDown: down.size,
  });
  try {
    take(message(hello.bytes, hello.observedAt, new Set()));
    // Nobody is there until somebody is.
    take(presenceFrame([], watches));
    while (!signal.aborted) {
      const next = session.next();
      if (next) {
        const { message: { bytes, type }, observedAt } = next;
        if (type === LLRP_MESSAGE_TYPES.readerEvent) clock = heard(next.message, observedAt);
        const reads = type === LLRP_MESSAGE_TYPES.report ? parseAccessReport(bytes).reads : [];
        const seen = reads.map((read) => seenOf(read, clock, observedAt));
        take(
          message(
            bytes,
            observedAt,
            new Set(
              reads.flatMap((read, place) =>
                repetitions.isRepetition({ epc: read.epc, antenna: read.antenna ?? 0, at: stampMsOf(read, observedAt) }) ? [place] : [],
              ),
            ),
          ),
        );
        const happened = seen.flatMap((one) => happenings(watches, (watch) => watch.see(one)));
        if (happened.length > 0) take(presenceFrame(happened, watches));
        continue;
      }
      if (session.isLeft) return;
      if (session.end) throw session.end;
      const nowMs = world.clock.nowMs();
      const happened = happenings(watches, (watch) => watch.pass(nowMs));
      if (happened.length > 0) {
        take(presenceFrame(happened, watches));
        // Whoever took it may have ended this meanwhile.
        continue;
      }
      const silentAfterMs = settings.keepalive * SILENT_PERIODS;
      if (session.silentMs >= silentAfterMs) throw new FaultError('CV_LLRP_SILENT', { address: session.address, waitMs: silentAfterMs });
      const dueMs = Math.min(silentAfterMs - session.silentMs, ...watches.map(({ watch }) => (watch.nextDueAt() ?? Infinity) - nowMs));
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = world.clock.after(Math.max(1, dueMs), resolve);
      });
      (timer as Timer | null)?.cancel();
    }
  } finally {
    (timer as Timer | null)?.cancel();
    signal.removeEventListener('abort', rouse);
    session.onChange(() => {});
  }

  function heard({ bytes }: LlrpMessage, observedAt: number): ReaderClock {
    const { antenna, hasOverflowed, isClosing } = parseReaderEvent(bytes);
    if (antenna?.isConnected) down.delete(antenna.id);
    else if (antenna) down.add(antenna.id);
    if (hasOverflowed) world.tell({ kind: 'fault', fault: { code: 'CV_LLRP_OVERFLOW', params: { address: session.address } } });
    if (isClosing) session.over('CV_LINK_CLOSED', { address: session.address, detail: 'the reader ends the session', detailZh: '读写器结束会话' });
    return clockAfter(clock, bytes, observedAt);
  }
}

function clockAfter(clock: ReaderClock, event: Uint8Array, observedAt: number): ReaderClock {
  return updateReaderClock(clock, parseReaderEvent(event), observedAt);
}

/** By our own clock, whatever the reader's says: tags go by time that passes here. */
function seenOf(read: LlrpTagRead, clock: ReaderClock, observedAt: number): TagSighting {
  const at = edgeTimeOf(firstReadTimestamps(read), clock, observedAt) ?? observedAt;
  return { epc: read.epc, antenna: read.antenna ?? 0, rssiDbm: read.rssiDbm ?? null, at: Math.min(at, observedAt) };
}

/** By the reader's clock as it is: between two reads nothing else counts, however late they came. */
function stampMsOf(read: LlrpTagRead, observedAt: number): number {
  const { utcUs, uptimeUs } = firstReadTimestamps(read);
  if (utcUs !== undefined) return utcMsOf(utcUs);
  return uptimeUs === undefined ? observedAt : Number(uptimeUs / 1000n);
}

function planOf(points: readonly ConfiguredLlrpPoint[]): LlrpPointMap {
  const of = (gives: ConfiguredLlrpPoint['gives']) => points.filter((point) => point.gives === gives);
  return {
    reads: of('read').map(({ id, antennas, epc }) => ({ id, antennas, prefix: epc.toUpperCase() })),
    inputs: of('gpi').map(({ id, input }) => ({ id, input })),
    antennasDown: of('antennas-down').map(({ id }) => id),
  };
}

function watchesOf(points: readonly ConfiguredLlrpPoint[], { minReads, rssiFloor, departAfter }: LlrpSettings): LiveSource[] {
  const watched = new Map<string, LiveSource>();
  for (const { id, gives, antennas, epc, from, to, within } of points) {
    if (!['arrived', 'left', 'passed', 'present'].includes(gives)) continue;
    const pass = gives === 'passed' ? { from, to, withinMs: within } : null;
    const key = JSON.stringify([antennas, epc.toUpperCase(), pass]);
    const one = watched.get(key) ?? {
      watch: new PresenceTracker({
        antennas,
        prefix: epc.toUpperCase(),
        rssiFloorDbm: rssiFloor,
        minReads,
        departAfterMs: departAfter,
        pass,
      }),
      arrived: [],
      left: [],
      passed: [],
      present: [],
    };
    one[gives as 'arrived' | 'left' | 'passed' | 'present'].push(id);
    watched.set(key, one);
  }
  return [...watched.values()];
}

function happenings(watches: readonly LiveSource[], of: (watch: PresenceTracker) => PresenceEvent[]): LlrpPresenceFrame['happened'] {
  return watches.flatMap((one) =>
    of(one.watch).flatMap((happening) =>
      one[happening.what].map((point) => ({
        point,
        what: happening.what,
        seen: happening.seen,
        ...('dwellMs' in happening ? { dwellMs: happening.dwellMs } : {}),
      })),
    ),
  );
}

function presenceFrame(happened: LlrpPresenceFrame['happened'], watches: readonly LiveSource[]): LlrpPresenceFrame {
  return {
    is: 'presence',
    happened,
    present: watches.flatMap(({ watch, present }) => present.map((point) => ({ point, count: watch.present }))),
  };
}
