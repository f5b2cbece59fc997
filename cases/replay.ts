/**
 * Plays a case through its drivers on a virtual clock: recorded bytes through the real link, recorded frames straight
 * into `decode`. The same case gives the same lines, at every speed and on every machine.
 */
import { join } from 'node:path';
import { withPaths } from '../core/config/paths.ts';
import { fixedPoints, type Driver } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { resultLines, type ResultLine } from './result-lines.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import type { Case, CaseDevice } from './case.ts';
import { ByteReplay } from './replay-bytes.ts';
import type { ReplayResult, ReplayDevice, ReplaySummary, ReplayOptions } from './replay-result.ts';
import './faults.ts';

export type { ReplayResult, ReplaySummary, ReplayOptions } from './replay-result.ts';

/**
 * @param give called in the order of time
 * @throws CV_DRIVER_UNKNOWN; CV_CASE_LINE when the driver rejects settings or points
 */
export async function replayCase(recorded: Case, options: ReplayOptions, give: (played: ReplayResult) => void): Promise<ReplaySummary> {
  const devices = recorded.devices.map((device) => replayDevice(device, options.drivers, recorded.folder));
  const clock = options.clock ?? new VirtualClock(recorded.startsAt);
  if (recorded.level === 'bytes') return new ByteReplay(recorded, devices, options, clock, give).run();
  return playFrames(recorded, devices, options, clock, give);
}

/** A replay result as lines of `expected.jsonl`. */
export function replayLines({ device, atMs, request, decoded }: ReplayResult): ResultLine[] {
  return resultLines(decoded, { device: device.id, at: atMs, request, unitOf: device.unitOf });
}

/** Replays a case to its lines. */
export async function replayCaseLines(recorded: Case, options: ReplayOptions): Promise<ResultLine[]> {
  const lines: ResultLine[] = [];
  await replayCase(recorded, options, (played) => lines.push(...replayLines(played)));
  return lines;
}

function replayDevice(device: CaseDevice, drivers: ReadonlyMap<string, Driver>, folder: string): ReplayDevice {
  const driver = drivers.get(device.driver);
  if (!driver) throw new FaultError('CV_DRIVER_UNKNOWN', { owner: device.id, driver: device.driver, hint: '' });
  const wrong = (what: string, issues: readonly { path: PropertyKey[]; message: string }[]) => {
    const [issue] = issues;
    return new FaultError('CV_CASE_LINE', {
      place: `${folder}/case.yaml`,
      detail: `${what} of ${device.id}: ${issue?.path.join('.')}: ${issue?.message}`,
      detailZh: `${device.id} 的 ${what}：${issue?.path.join('.')}：${issue?.message}`,
    });
  };
  const settings = driver.settings.safeParse(device.settings);
  if (!settings.success) throw wrong('settings', settings.error.issues);
  const points = driver.points ? Object.keys(fixedPoints(driver, settings.data)).map((id) => ({ id })) : device.points.map((point) => {
    const own = driver.point?.safeParse(point);
    if (own && !own.success) throw wrong(`points.${point.id}`, own.error.issues);
    return Object.assign({}, own?.data, { id: point.id });
  });
  const units = new Map(device.points.map(({ id, unit }) => [id, unit]));
  const unitOf = (id: string) => {
    const point = points.find((one) => one.id === id);
    return String(
      units.get(id) ?? (point && driver.pointDefaults?.(point, settings.data)?.unit) ?? fixedPoints(driver, settings.data)[id]?.unit ?? '',
    );
  };
  return {
    id: device.id,
    timeoutMs: device.timeoutMs,
    driver,
    settings: withPaths(driver.settings, settings.data, join(folder, 'case.yaml')),
    points,
    unitOf,
  };
}

async function playFrames(
  recorded: Case,
  devices: readonly ReplayDevice[],
  { pace, signal }: ReplayOptions,
  clock: VirtualClock,
  give: (played: ReplayResult) => void,
): Promise<ReplaySummary> {
  for (const line of recorded.frames) {
    if (signal?.aborted) break;
    const { device: id, ...frame } = line;
    const device = devices.find((one) => one.id === id) ?? (devices[0] as ReplayDevice);
    const atMs = recorded.startsAt + Math.floor(line.afterUs / 1000);
    await pace?.(atMs);
    await clock.advanceMs(atMs - clock.nowMs());
    for (const read of device.driver.frameReader?.read([frame], device.points) ?? []) {
      if (read.fault) give({ device, atMs, decoded: { ok: false, fault: read.fault, points: [] } });
      else give({ device, atMs, frame: read.frame, request: read.request, decoded: device.driver.decode(read.frame, read.request) });
    }
  }
  return { unaskedCount: 0, endedAt: clock.nowMs() };
}

