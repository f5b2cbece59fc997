/**
 * The edge's configuration: text → frozen setup, or every problem of it at once. Touches no device; drivers are loaded
 * only for their schemas, and only those that the file names.
 */
import { z } from 'zod';
import {
  checkPart,
  ConfigDocument,
  sortProblems,
  resolvePath,
  type ConfigProblem,
  type ConfigSource,
  type ConfigPath,
  type Secrets,
} from '../../core/config/check.ts';
import { unknownName } from '../../core/config/issues.ts';
import { withPaths } from '../../core/config/paths.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Driver, SettingProblem } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import { settingIssue } from '../../core/setting.ts';
import { atRestSetup } from '../../log/at-rest/setting.ts';
import { clipProblems } from '../infer/evidence/clips/setup.ts';
import { evidenceSetup } from '../infer/evidence/setup.ts';
import { checkPoints, isPlainObject, problemAt, repeatedIds } from './points.ts';
import { DEVICE_CONFIG_SCHEMA, EDGE_SCHEMA } from './schema.ts';
import type { DeviceSetup, EdgeSetup, PointSetup } from './setup.ts';
import { checkWrites } from './writes.ts';

/** A line of the drivers' registry. */
interface DriverEntry {
  id: string;
  load(): Promise<Driver>;
}

export interface EdgeCheckOptions extends Secrets {
  drivers: readonly DriverEntry[];
}

export interface CheckedEdge {
  /** null when there are problems. */
  setup: EdgeSetup | null;
  problems: ConfigProblem[];
}

// A device's settings and points belong to its driver: they are checked one by one, below.
const FRAME = EDGE_SCHEMA.extend({
  devices: z
    .array(DEVICE_CONFIG_SCHEMA.extend({ settings: z.unknown().optional(), points: z.unknown().optional() }))
    .min(1)
    .meta(EDGE_SCHEMA.shape.devices.meta() ?? {}),
}).check(({ value: { evidence, atRest, devices }, issues }) => {
  if (atRest?.key !== undefined && evidence !== 'off' && evidence.clip && evidence.clip.ring.dir === undefined)
    issues.push({ code: 'custom', path: ['evidence', 'clip', 'ring'], input: evidence.clip.ring, ...RING_IN_PLAIN });
  const cameras = evidence === 'off' ? [] : (evidence.clip?.cameras ?? []);
  for (const { at, problem } of clipProblems(cameras, devices))
    issues.push({ code: 'custom', path: ['evidence', 'clip', 'cameras', at], input: cameras[at], ...problem });
});
/** ffmpeg writes it, and nothing encrypts it on the way: the owner says where it may lie. */
const RING_IN_PLAIN = settingIssue(
  'with atRest.key the ring needs a folder of its own, as it is not encrypted: set ring.dir to a RAM disk such as /dev/shm',
  '启用 atRest.key 时须写明 ring.dir：循环缓存不加密，应设在内存盘，如 /dev/shm',
);
const THIS_EDGE: BilingualText = { en: 'the edge', zh: '边缘节点' };

/** @param source path and text of the file; relative paths in it are taken from its folder */
export async function checkEdge(source: ConfigSource, options: EdgeCheckOptions): Promise<CheckedEdge> {
  const document = new ConfigDocument(source, options);
  const frame = checkPart(document, FRAME, [], THIS_EDGE);
  const written = isPlainObject(document.value) && Array.isArray(document.value.devices) ? (document.value.devices as unknown[]) : [];
  const problems = [
    ...document.problems,
    ...frame.problems,
    ...repeatedIds(document, written, ['devices'], THIS_EDGE),
    ...absentFiles(document, options),
  ];
  const parts: DeviceParts[] = [];
  for (const [at, device] of written.entries()) {
    const part = await checkDevice(document, device, ['devices', at], options, frame.value?.timeZone);
    parts.push(part);
    problems.push(...part.problems);
  }
  problems.push(...besideEachOther(document, parts));
  problems.push(
    ...checkWrites(
      document,
      parts.map(({ id, driver, points }, at) => ({
        id,
        driver,
        points,
        path: ['devices', at],
        written: (written[at] as { points?: unknown } | null)?.points,
      })),
    ),
  );
  if (problems.length > 0 || !frame.value) return { setup: null, problems: sortProblems(problems) };
  return { setup: deepFreeze(setupOf(source.path, frame.value, parts)), problems: [] };
}

/** Files that the edge reads as it starts. */
function absentFiles(document: ConfigDocument, { readFile }: Secrets): ConfigProblem[] {
  if (!readFile || !isPlainObject(document.value)) return [];
  const { value } = document;
  return ['catalogue', 'rules'].flatMap((key) =>
    (Array.isArray(value[key]) ? (value[key] as unknown[]) : []).flatMap((file, at) => {
      if (typeof file !== 'string' || file === '') return [];
      const path = resolvePath(document.file, file);
      try {
        readFile(path);
        return [];
      } catch (error) {
        return problemAt(document, [key, at], {
          code: 'CV_CONFIG_UNREADABLE',
          params: { path, detail: (error as NodeJS.ErrnoException).code ?? String(error) },
        });
      }
    }),
  );
}

interface DeviceParts {
  id: string;
  driver: Driver | null;
  settings: unknown;
  points: PointSetup[];
  problems: ConfigProblem[];
}

async function checkDevice(
  document: ConfigDocument,
  device: unknown,
  path: ConfigPath,
  { drivers, readFile }: EdgeCheckOptions,
  timeZone?: string,
): Promise<DeviceParts> {
  if (!isPlainObject(device) || typeof device.driver !== 'string')
    return { id: '', driver: null, settings: null, points: [], problems: [] };
  const id = typeof device.id === 'string' ? device.id : String(path.at(-1));
  const owner: BilingualText = { en: `device "${id}"`, zh: `设备“${id}”` };
  const named = drivers.find((known) => known.id === device.driver);
  const fault = named ? null : unknownName('CV_DRIVER_UNKNOWN', { driver: device.driver }, drivers.map((known) => known.id), owner);
  // A misspelt driver is taken for the one that was meant, so that the rest of its mistakes come out as well.
  const entry = named ?? drivers.find((known) => known.id === fault?.params.nearest);
  const unknown = fault ? problemAt(document, [...path, 'driver'], fault) : [];
  if (!entry) return { id, driver: null, settings: null, points: [], problems: unknown };
  const driver = await entry.load();
  const check = (schema: Driver['settings']) =>
    checkPart(document, schema, [...path, 'settings'], { en: `settings of ${owner.en}`, zh: `${owner.zh}的 settings` });
  const settings = check(driver.settings);
  const placed = settings.value && inZone(driver.settings, withPaths(driver.settings, settings.value, document.file), timeZone);
  const { settings: whole, problems: refused, fault: unread } = consulted(driver, placed, readFile);
  const isSound = whole !== null && refused.length === 0;
  const points = checkPoints(document, driver, device.points, [...path, 'points'], owner, isSound ? whole : undefined);
  // A file that cannot be read is a matter of `examine`, unless points hang on it.
  const problems = [
    ...settings.problems,
    ...(refused.length > 0 ? check(refusing(driver.settings, refused)).problems : []),
    ...points.problems,
    ...(unread && points.problems.length > 0 ? problemAt(document, [...path, 'settings'], unread) : []),
  ];
  return { id, driver, settings: whole, points: points.points, problems: [...unknown, ...problems] };
}

/** Devices of a driver against each other, those whose settings are sound. */
function besideEachOther(document: ConfigDocument, parts: readonly DeviceParts[]): ConfigProblem[] {
  const drivers = new Set(parts.flatMap(({ driver }) => (driver?.checkTogether ? [driver] : [])));
  return [...drivers].flatMap((driver) => {
    const all = parts.flatMap(({ id, settings, ...part }, at) =>
      part.driver === driver && settings !== null ? [{ id, settings, at }] : [],
    );
    return (driver.checkTogether?.(all) ?? []).flatMap(({ index, problem }) => {
      const device = all[index] as (typeof all)[number];
      return checkPart(document, refusing(driver.settings, [problem]), ['devices', device.at, 'settings'], {
        en: `settings of device "${device.id}"`,
        zh: `设备“${device.id}”的 settings`,
      }).problems;
    });
  });
}

/** A device that goes by the clocks of a place goes by those of its edge, unless it says otherwise. */
function inZone<S extends object>({ shape }: Driver['settings'], settings: S, timeZone: string | undefined): S {
  return timeZone !== undefined && 'timeZone' in shape && !('timeZone' in settings && settings.timeZone !== undefined)
    ? { ...settings, timeZone }
    : settings;
}

interface Consulted {
  settings: unknown;
  problems: SettingProblem[];
  fault: Fault | null;
}

function consulted(driver: Driver, settings: unknown, readFile: Secrets['readFile']): Consulted {
  if (settings === null || !readFile || !driver.resolveSettings) return { settings, problems: [], fault: null };
  try {
    return { ...driver.resolveSettings(settings, readFile), fault: null };
  } catch (error) {
    if (error instanceof FaultError) return { settings, problems: [], fault: error.fault };
    throw error;
  }
}

/** The same schema, which finds these too: they are told like its own. */
function refusing(schema: Driver['settings'], problems: readonly SettingProblem[]): Driver['settings'] {
  return schema.check((context) => {
    for (const { path, en, zh } of problems) context.issues.push({ code: 'custom', path, input: context.value, ...settingIssue(en, zh) });
  });
}

function setupOf(path: string, value: z.infer<typeof FRAME>, parts: readonly DeviceParts[]): EdgeSetup {
  const { edge, centre, gateway, commands, log, clock, http, vision, evidence, atRest, live, catalogue, rules } = value;
  const dir = resolvePath(path, log.dir ?? `./data/${edge}`);
  return {
    edge, centre, http, vision, live,
    gateway: {
      urls: [gateway.url].flat(),
      token: gateway.token ?? null,
      ...(gateway.identity !== undefined && { identity: resolvePath(path, gateway.identity) }),
      ...(gateway.ca !== undefined && { ca: resolvePath(path, gateway.ca) }),
    },
    ...(commands.key !== undefined && { commands: { key: resolvePath(path, commands.key) } }),
    log: { dir, maxBytes: log.maxBytes },
    atRest: atRestSetup(atRest),
    evidence: evidenceSetup(evidence, dir, (file) => resolvePath(path, file)),
    clock: { trust: [clock.trust].flat() },
    catalogue: catalogue.map((file) => resolvePath(path, file)),
    rules: rules.map((file) => resolvePath(path, file)),
    devices: value.devices.map((device, at) => deviceSetup(device, parts[at] as DeviceParts)),
  };
}

function deviceSetup(device: z.infer<typeof FRAME>['devices'][number], { settings, points }: DeviceParts): DeviceSetup {
  const { id, driver, subject, position, every, timeout } = device;
  return { id, driver, subject: subject ?? id, ...(position ? { position } : {}), settings, everyMs: every, timeoutMs: timeout, points };
}

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
