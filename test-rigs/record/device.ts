/** Records a device as its edge reads it: of a running edge where there is one, else by reading it here for the time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../../cases/case.ts';
import { ConfigDocument, type ConfigSource } from '../../core/config/check.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { ResultLine } from '../../cases/result-lines.ts';
import { pause, realWorld } from '../../core/world.ts';
import { loadEdge } from '../../cli/load.ts';
import { driverById } from '../../drivers/index.ts';
import type { CheckedEdge } from '../../edge/config/check.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { read } from '../../edge/read/read.ts';
import { LOCAL_ACCESS_FILE } from '../../edge/tap/tap-server.ts';
import { DeviceTaps, type TapLine } from '../../edge/tap/device-taps.ts';
import { caseOfTap } from './from-tap.ts';
import '../../cases/faults.ts';
import '../../cli/faults.ts';

export interface RecordOptions {
  device: string;
  config: string;
  forMs: number;
  title?: string | undefined;
  licence?: string | undefined;
  signal: AbortSignal;
  say(words: { en: string; zh: string }): void;
  /** Told of the recorded lines and bytes, with each line. */
  onTaken?(lines: number, bytes: number): void;
}

export interface DeviceRecording {
  recorded: Omit<Case, 'name' | 'folder' | 'expected'>;
  /** What the edge made of it, as it stamped it. */
  stamped: ResultLine[];
}

/** What is kept in memory before it is written: no device may fill it. */
const MAX_BYTES = 64 << 20;

/** @throws CV_CONFIG_UNREADABLE or the first problem of the file, CV_INPUT_INVALID for another device, CV_CASE_EMPTY, CV_CASE_SECRET, CV_RECORDING_NOT_OFFERED */
export async function recordDevice(wishes: RecordOptions): Promise<DeviceRecording> {
  const text = textOf(wishes.config);
  const { setup, problems: [problem] } = await loadForDevice({ path: wishes.config, text }, wishes.device);
  if (!setup) throw new FaultError(problem?.fault.code ?? 'CV_CONFIG_UNREADABLE', problem?.fault.params);
  const device = setup.devices.find(({ id }) => id === wishes.device);
  if (!device) throw new FaultError('CV_INPUT_INVALID', { key: 'DEVICE', given: wishes.device });
  const driver = await driverById(device.driver) as Driver;
  if (!driver.recording) throw new FaultError('CV_RECORDING_NOT_OFFERED', { driver: driver.id, what: 'be recorded', whatZh: '录制' });
  const startsAt = Date.now();
  const lines: TapLine[] = [];
  const full = new AbortController();
  let bytes = 0;
  const take = (line: TapLine) => {
    bytes += 'bytes' in line ? line.bytes.length : 200;
    if (bytes <= MAX_BYTES) lines.push(line);
    else full.abort();
    wishes.onTaken?.(lines.length, bytes);
  };
  const signal = AbortSignal.any([wishes.signal, full.signal]);
  const isRunning = await listenAtDoor(join(setup.log.dir, LOCAL_ACCESS_FILE), wishes, signal, take);
  if (!isRunning) await readHere(setup, driver, wishes, signal, take);
  const written = writtenDevice(wishes.config, text, wishes.device);
  return caseOfTap({
    lines,
    startsAt,
    driver,
    device,
    written,
    title: wishes.title,
    licence: wishes.licence,
    seconds: Math.round(wishes.forMs / 1000),
  });
}

/**
 * Of the secrets only those of the device: it is read with them, and they are looked for in what was recorded. The token for
 * the gateway and the passwords of other devices need not be there.
 */
async function loadForDevice(source: ConfigSource, id: string): Promise<CheckedEdge> {
  const { devices } = (new ConfigDocument(source, { isLiteral: true }).value ?? {}) as { devices?: { id?: unknown }[] };
  const place = Array.isArray(devices) ? devices.findIndex((one) => one?.id === id) : -1;
  const checked = await loadEdge(source, [], (path) => path[0] === 'log' || (path[0] === 'devices' && path[1] === place));
  // A setting that fits only once it is filled in is missed after all.
  return checked.setup || checked.problems.length > 0 ? checked : loadEdge(source);
}

/** @returns false when no edge runs with this configuration */
async function listenAtDoor(
  path: string,
  { device, forMs, say }: RecordOptions,
  signal: AbortSignal,
  take: (line: TapLine) => void,
): Promise<boolean> {
  let door: { url: string; key: string };
  try {
    door = JSON.parse(readFileSync(path, 'utf8')) as typeof door;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
    return false;
  }
  let answer: Response;
  try {
    answer = await fetch(`${door.url}/tap/${encodeURIComponent(device)}?forMs=${forMs}`, {
      headers: { authorization: `Bearer ${door.key}` },
      signal,
    });
  } catch (error) {
    if (signal.aborted) return true;
    // Left behind by an edge that was killed.
    if ((error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED') return false;
    throw error;
  }
  if (!answer.ok || !answer.body) return false;
  say({ en: 'listening in on the running edge …', zh: '正在监听运行中的边缘节点…' });
  let held = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of answer.body) {
      held += decoder.decode(chunk, { stream: true });
      const lines = held.split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) take(JSON.parse(line) as TapLine);
    }
  } catch (error) {
    // Told to stop: what came, came. An edge that ends is over too.
    if (!signal.aborted && !(error instanceof TypeError)) throw error;
  }
  return true;
}

async function readHere(
  setup: EdgeSetup,
  driver: Driver,
  { device, forMs, say }: RecordOptions,
  signal: AbortSignal,
  take: (line: TapLine) => void,
): Promise<void> {
  say({ en: 'no edge runs with this configuration: reading the device here …', zh: '没有使用此配置运行的边缘节点，改由本命令直接读取…' });
  const world = realWorld(() => {});
  const taps = new DeviceTaps(world);
  const own = setup.devices.filter(({ id }) => id === device).map((one) => taps.wrapDevice({ setup: one, driver }));
  taps.listen(device, take);
  const host = read(own, world);
  await host.open?.(() => {});
  await pause(world.clock, forMs, signal);
  await host.close?.();
}

/** Settings and points as they stand in the file, secrets filled in. */
function writtenDevice(
  path: string,
  text: string,
  id: string,
): { settings: Record<string, unknown>; points: ({ id: string } & Record<string, unknown>)[] } {
  const { value } = new ConfigDocument({ path, text }, { env: process.env, readFile: (file) => readFileSync(file, 'utf8') });
  const devices = (
    value as { devices: { id: string; settings?: Record<string, unknown>; points?: ({ id: string } & Record<string, unknown>)[] }[] }
  ).devices;
  const { settings = {}, points = [] } = devices.find((one) => one.id === id) ?? {};
  return { settings, points };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? '' }, { cause: error });
  }
}
