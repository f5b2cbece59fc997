/** What was heard of a device becomes a case: times from its start, secrets out, connections of others left out. Pure. */
import type { Case, CaseDevice } from '../../cases/case.ts';
import type { FrameLine, TrafficLine } from '../../cases/format.ts';
import { maskSecrets, maskSettings, findUnmaskedSecret } from '../../cases/mask-secrets.ts';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { ByteStreams, type RecordingContext } from '../../cases/byte-streams.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { ResultLine } from '../../cases/result-lines.ts';
import type { DeviceSetup } from '../../edge/config/setup.ts';
import type { TapLine } from '../../edge/tap/device-taps.ts';
import '../../cases/faults.ts';

export interface TapRecording {
  lines: readonly TapLine[];
  /** ms UTC. */
  startsAt: number;
  driver: Driver;
  device: DeviceSetup;
  /** Settings and points as they stand in the configuration. */
  written: { settings: Record<string, unknown>; points: ({ id: string } & Record<string, unknown>)[] };
  title?: string | undefined;
  licence?: string | undefined;
  seconds: number;
}

type Recorded = Omit<Case, 'name' | 'folder' | 'expected'>;

/** @throws CV_CASE_EMPTY, CV_CASE_SECRET */
export function caseOfTap(heard: TapRecording): { recorded: Recorded; stamped: ResultLine[] } {
  const { driver, device, written, title, licence } = heard;
  const isAbove = driver.recording?.level === 'frames';
  // A session that was under way cannot be begun again from bytes that were not heard.
  const isFrames = isAbove || (driver.recording?.line !== undefined && heard.lines.some((line) => line.kind === 'open' && line.isUnderWay));
  const frames = isFrames ? framesOf(heard) : [];
  const { traffic, decoded } = isFrames
    ? { traffic: [], decoded: heard.lines.filter((line) => line.kind === 'decoded') }
    : trafficOf(heard);
  const stamped = decoded.flatMap(({ lines }) => lines).filter((line) => !('fault' in line));
  if (frames.length + traffic.filter((line) => 'bytes' in line).length === 0)
    throw new FaultError('CV_CASE_EMPTY', { device: device.id, seconds: heard.seconds });
  const reading: RecordingContext | null = isFrames ? null : { recording: bytesRecordingOf(driver), settings: device.settings };
  const clean = reading ? maskSecrets(traffic, () => reading) : { traffic, count: 0 };
  const left = findUnmaskedSecret(driver, written.settings, clean.traffic);
  if (left !== null) throw new FaultError('CV_CASE_SECRET', { device: device.id, key: left });
  const settings = maskSettings(driver, written.settings);
  const one: CaseDevice = { id: device.id, driver: driver.id, settings, points: written.points, timeoutMs: device.timeoutMs };
  const isMasked = clean.count > 0 || JSON.stringify(settings) !== JSON.stringify(written.settings);
  return {
    recorded: {
      title: title ?? `${device.id}, ${heard.seconds} s`,
      source: `recorded from ${device.id} by its edge`,
      licence: licence ?? 'unknown',
      level: isFrames ? 'frames' : 'bytes',
      secrets: isAbove ? 'above' : isMasked ? 'masked' : 'none',
      startsAt: heard.startsAt,
      devices: [one],
      traffic: clean.traffic,
      frames,
    },
    stamped,
  };
}

function framesOf({ lines, startsAt }: TapRecording): FrameLine[] {
  return lines.flatMap((line) =>
    line.kind === 'decoded' && line.frame ? [{ afterUs: Math.max(0, line.atMs - startsAt) * 1000, ...line.frame }] : [],
  );
}

type DecodedLine = Extract<TapLine, { kind: 'decoded' }>;

/** The lines, and what came of those that are in them. */
function trafficOf(heard: TapRecording): { traffic: TrafficLine[]; decoded: DecodedLine[] } {
  const { startsAt, driver, device } = heard;
  const isPolled = driver.traits.includes('polled');
  const traffic: TrafficLine[] = [];
  const decoded: DecodedLine[] = [];
  /** Connections that were under way: what came before our first question answers one that was not heard. */
  const midway = new Set<number>();
  let lastIn: Extract<TrafficLine, { bytes: string }> | null = null;
  let hasCome = false;
  for (const line of heard.lines) {
    const afterUs = Math.max(0, line.atMs - startsAt) * 1000;
    if (line.kind === 'decoded') {
      // The time of a frame is the one by which the edge stamped it, a moment after its last byte.
      if (lastIn) lastIn.afterUs = afterUs;
      // Before any of ours it is of bytes that came before we listened.
      if (isPolled ? lastIn : hasCome) decoded.push(line);
      lastIn = null;
    } else if (line.kind === 'open') {
      if (line.isUnderWay && isPolled) midway.add(line.conn);
      traffic.push({
        afterUs,
        conn: line.conn,
        event: 'open',
        via: line.via,
        by: line.by,
        ...(line.peer === undefined ? {} : { peer: line.peer }),
      });
    } else if (line.kind === 'close') {
      traffic.push({ afterUs, conn: line.conn, event: 'close', by: line.by, ...(line.isReset ? { reset: true } : {}) });
    } else {
      if (line.dir === 'out') midway.delete(line.conn);
      else if (midway.has(line.conn)) continue;
      const made = { afterUs, conn: line.conn, dir: line.dir, bytes: line.bytes, ...(line.peer === undefined ? {} : { peer: line.peer }) };
      traffic.push(made);
      if (line.dir === 'in') [lastIn, hasCome] = [made, true];
    }
  }
  // A question that was under way when time was up has no answer here, and is no silence of the device.
  for (
    let at = traffic.findLastIndex((line) => ('bytes' in line));
    isPolled && isQuestion(traffic[at]);
    at = traffic.findLastIndex((line) => 'bytes' in line)
  )
    traffic.splice(at, 1);
  return {
    traffic: ofThis(
      traffic.toSorted((a, b) => a.afterUs - b.afterUs),
      driver,
      device,
    ),
    decoded,
  };
}

const isQuestion = (line: TrafficLine | undefined): boolean => line !== undefined && 'bytes' in line && line.dir === 'out';

/** Over a port that many devices dial, the connections that name others are not this one's. */
function ofThis(traffic: readonly TrafficLine[], driver: Driver, device: DeviceSetup): TrafficLine[] {
  const reading: RecordingContext = { recording: bytesRecordingOf(driver), settings: device.settings };
  const own = JSON.stringify(device.settings);
  const named = new Map<number, Set<string>>();
  for (const { conn, bytes, notes } of new ByteStreams(traffic, () => reading).messages) {
    for (const { at: offset, length } of notes?.identities ?? [])
      named.set(conn, (named.get(conn) ?? new Set()).add(bytes.toString('latin1', offset, offset + length)));
  }
  return traffic.filter(({ conn }) => {
    const names = [...named.get(conn) ?? []];
    return names.length === 0 || names.some((name) => own.includes(name));
  });
}
