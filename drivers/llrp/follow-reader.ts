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
  greeting: { bytes: Uint8Array; observedAt: number };
}

/** Points that share a tracker: those with the same antennas and EPC prefix. */
interface PresenceGroup {
  tracker: PresenceTracker;
  arrived: string[];
  left: string[];
  passed: string[];
  present: string[];
}

/** @returns as a link's `listen` */
export async function followReader(
  { session, settings, points, world, greeting }: ReaderContext,
  take: FrameHandler<LlrpFrame>,
  signal: AbortSignal,
): Promise<void> {
  const plan = pointMapOf(points);
  const groups = presenceGroupsOf(points, settings);
  const repetitions = new RepetitionFilter(settings.dedupe);
  const disconnected = new Set<number>();
  let clock = clockAt(UNKNOWN_CLOCK, greeting.bytes, greeting.observedAt);
  let wake = () => {};
  let timer: Timer | null = null;
  const onChange = () => wake();
  session.onChange(onChange);
  signal.addEventListener('abort', onChange, { once: true });
  const messageFrame = (bytes: Uint8Array, observedAt: number, repetitionIndices: ReadonlySet<number>): LlrpFrame => ({
    is: 'message',
    bytes,
    observedAt,
    clock,
    plan,
    repetitions: repetitionIndices,
    antennasDown: disconnected.size,
  });
  try {
    take(messageFrame(greeting.bytes, greeting.observedAt, new Set()));
    // No tag is present until one is read.
    take(presenceFrame([], groups));
    while (!signal.aborted) {
      const next = session.next();
      if (next) {
        const { message: { bytes, type }, observedAt } = next;
        if (type === LLRP_MESSAGE_TYPES.readerEvent) clock = applyReaderEvent(next.message, observedAt);
        const reads = type === LLRP_MESSAGE_TYPES.report ? parseAccessReport(bytes).reads : [];
        const sightings = reads.map((read) => sightingOf(read, clock, observedAt));
        take(
          messageFrame(
            bytes,
            observedAt,
            new Set(
              reads.flatMap((read, index) =>
                repetitions.isRepetition({ epc: read.epc, antenna: read.antenna ?? 0, at: readerTimeMsOf(read, observedAt) })
                  ? [index]
                  : [],
              ),
            ),
          ),
        );
        const happened = sightings.flatMap((sighting) => presenceEvents(groups, (tracker) => tracker.addSighting(sighting)));
        if (happened.length > 0) take(presenceFrame(happened, groups));
        continue;
      }
      if (session.isClosedByEdge) return;
      if (session.closeReason) throw session.closeReason;
      const nowMs = world.clock.nowMs();
      const happened = presenceEvents(groups, (tracker) => tracker.expire(nowMs));
      if (happened.length > 0) {
        take(presenceFrame(happened, groups));
        // `take` may have aborted the signal.
        continue;
      }
      const silentAfterMs = settings.keepalive * SILENT_PERIODS;
      if (session.silentMs >= silentAfterMs) throw new FaultError('CV_LLRP_SILENT', { address: session.address, waitMs: silentAfterMs });
      const dueMs = Math.min(silentAfterMs - session.silentMs, ...groups.map(({ tracker }) => (tracker.nextDueAt() ?? Infinity) - nowMs));
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = world.clock.after(Math.max(1, dueMs), resolve);
      });
      (timer as Timer | null)?.cancel();
    }
  } finally {
    (timer as Timer | null)?.cancel();
    signal.removeEventListener('abort', onChange);
    session.onChange(() => {});
  }

  function applyReaderEvent({ bytes }: LlrpMessage, observedAt: number): ReaderClock {
    const { antenna, hasOverflowed, isClosing } = parseReaderEvent(bytes);
    if (antenna?.isConnected) disconnected.delete(antenna.id);
    else if (antenna) disconnected.add(antenna.id);
    if (hasOverflowed) world.tell({ kind: 'fault', fault: { code: 'CV_LLRP_OVERFLOW', params: { address: session.address } } });
    if (isClosing) session.closeWith('CV_LINK_CLOSED', { address: session.address, detail: 'closed by the reader', detailZh: '读写器主动关闭会话' });
    return clockAt(clock, bytes, observedAt);
  }
}

function clockAt(clock: ReaderClock, event: Uint8Array, observedAt: number): ReaderClock {
  return updateReaderClock(clock, parseReaderEvent(event), observedAt);
}

/** By the edge's clock, whatever the reader's is: presence times out by the edge's time. */
function sightingOf(read: LlrpTagRead, clock: ReaderClock, observedAt: number): TagSighting {
  const at = edgeTimeOf(firstReadTimestamps(read), clock, observedAt) ?? observedAt;
  return { epc: read.epc, antenna: read.antenna ?? 0, rssiDbm: read.rssiDbm ?? null, at: Math.min(at, observedAt) };
}

/** By the reader's uncorrected clock: the time between two reads does not depend on when they were received. */
function readerTimeMsOf(read: LlrpTagRead, observedAt: number): number {
  const { utcUs, uptimeUs } = firstReadTimestamps(read);
  if (utcUs !== undefined) return utcMsOf(utcUs);
  return uptimeUs === undefined ? observedAt : Number(uptimeUs / 1000n);
}

function pointMapOf(points: readonly ConfiguredLlrpPoint[]): LlrpPointMap {
  const of = (gives: ConfiguredLlrpPoint['gives']) => points.filter((point) => point.gives === gives);
  return {
    reads: of('read').map(({ id, antennas, epc }) => ({ id, antennas, prefix: epc.toUpperCase() })),
    inputs: of('gpi').map(({ id, input }) => ({ id, input })),
    antennasDown: of('antennas-down').map(({ id }) => id),
  };
}

function presenceGroupsOf(points: readonly ConfiguredLlrpPoint[], { minReads, rssiFloor, departAfter }: LlrpSettings): PresenceGroup[] {
  const byKey = new Map<string, PresenceGroup>();
  for (const { id, gives, antennas, epc, from, to, within } of points) {
    if (!['arrived', 'left', 'passed', 'present'].includes(gives)) continue;
    const pass = gives === 'passed' ? { from, to, withinMs: within } : null;
    const key = JSON.stringify([antennas, epc.toUpperCase(), pass]);
    const one = byKey.get(key) ?? {
      tracker: new PresenceTracker({
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
    byKey.set(key, one);
  }
  return [...byKey.values()];
}

function presenceEvents(
  groups: readonly PresenceGroup[],
  of: (tracker: PresenceTracker) => PresenceEvent[],
): LlrpPresenceFrame['happened'] {
  return groups.flatMap((one) =>
    of(one.tracker).flatMap((event) =>
      one[event.what].map((point) => ({
        point,
        what: event.what,
        seen: event.seen,
        ...('dwellMs' in event ? { dwellMs: event.dwellMs } : {}),
      })),
    ),
  );
}

function presenceFrame(happened: LlrpPresenceFrame['happened'], groups: readonly PresenceGroup[]): LlrpPresenceFrame {
  return {
    is: 'presence',
    happened,
    present: groups.flatMap(({ tracker, present }) => present.map((point) => ({ point, count: tracker.present }))),
  };
}
