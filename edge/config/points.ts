/** Checks the points of one device: the fields all points share, the driver's own, and what no single field shows. */
import { z } from 'zod';
import { checkPart, type ConfigDocument, type ConfigProblem, type ConfigPath } from '../../core/config/check.ts';
import { bilingualParams, unknownName } from '../../core/config/issues.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { fixedPoints, type Driver, type PointOf } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { checkUnit } from '../../city/catalogue/units.ts';
import { POINT_SCHEMA } from './schema.ts';
import type { PointSetup } from './setup.ts';

type General = z.infer<typeof POINT_SCHEMA>;
type Raw = Record<string, unknown>;

export interface CheckedPoints {
  points: PointSetup[];
  problems: ConfigProblem[];
}

/** What stands under `points:` of a device whose driver is known. `settings`: its own, where they are sound. */
export function checkPoints(
  document: ConfigDocument,
  driver: Driver,
  raw: unknown,
  path: ConfigPath,
  device: BilingualText,
  settings?: unknown,
): CheckedPoints {
  if (driver.points) return checkFixed(document, driver, raw, path, device, settings);
  if (!Array.isArray(raw) || raw.length === 0) {
    // A driver whose points are written in the file reads nothing without them.
    const { problems } = checkPart(
      document,
      z.strictObject({ points: z.array(z.unknown()).min(1).meta(POINTS_NOTES) }),
      path.slice(0, -1),
      device,
      raw === undefined ? {} : { points: raw },
    );
    return { points: [], problems };
  }
  const all = raw.map((item, at) => onePoint(document, driver, item, [...path, at], device, settings));
  return {
    points: all.flatMap(({ point }) => (point ? [point] : [])),
    problems: [...all.flatMap(({ problems }) => problems), ...repeatedIds(document, raw, path, device)],
  };
}

const POINTS_NOTES = { zh: '测点列表', en: 'list of points', examples: [[{ id: 'level' }]] };

/** Every point of the driver's table; the file says only what is to differ. */
function checkFixed(
  document: ConfigDocument,
  driver: Driver,
  raw: unknown,
  path: ConfigPath,
  device: BilingualText,
  settings: unknown,
): CheckedPoints {
  const table = fixedPoints(driver, settings);
  // Which points follow hangs on settings that are not sound: nothing can be said yet of a name that may be one of theirs.
  const mayFollow = (id: string) => driver.derivedPoints !== undefined && settings === undefined && id.includes('.');
  const listed = z.object({
    points: z.array(z.record(z.string(), z.unknown())).meta({ ...POINTS_NOTES, examples: [[{ id: Object.keys(table)[0] }]] }),
  });
  const shape = raw === undefined ? { problems: [] } : checkPart(document, listed, path.slice(0, -1), device, { points: raw });
  const overrides = Array.isArray(raw) ? (raw as unknown[]) : [];
  const problems = [...shape.problems, ...repeatedIds(document, overrides, path, device)];
  const changed = new Map<string, { item: Raw; path: ConfigPath }>();
  overrides.forEach((item, at) => {
    const id = isPlainObject(item) ? item.id : undefined;
    if (typeof id === 'string' && Object.hasOwn(table, id)) changed.set(id, { item: item as Raw, path: [...path, at] });
    else if (typeof id === 'string' && !mayFollow(id))
      problems.push(
        ...problemAt(document, [...path, at, 'id'], unknownName('CV_POINT_UNKNOWN', { point: id }, Object.keys(table), device)),
      );
    else if (isPlainObject(item) && typeof id !== 'string')
      problems.push(...checkPart(document, z.object({ id: POINT_SCHEMA.shape.id }), [...path, at], device, { id }).problems);
  });
  const points = Object.entries(table).flatMap(([id, fixed]) => {
    const own = changed.get(id);
    const { indicator, unit, range, kind } = fixed;
    const filled = {
      ...(indicator ? { indicator } : {}),
      unit,
      ...(range ? { range: [...range] } : {}),
      ...(kind ? { kind } : {}),
      ...own?.item,
      id,
    };
    const checked = checkGeneral(document, filled, own?.item ?? {}, own?.path ?? path, POINT_KEYS, pointWords(id, device));
    problems.push(...(own ? checked.problems : checked.problems.map((problem) => listedFirst(problem, id))));
    return checked.value ? [pointSetup(checked.value, unit, { id })] : [];
  });
  return { points, problems };
}

/** The point is not in the file yet, so that what it lacks has no place there: its whole line is shown. */
function listedFirst(problem: ConfigProblem, id: string): ConfigProblem {
  const { code, params } = problem.fault;
  if (code !== 'CV_SETTING_MISSING') return problem;
  const line = `points: [{ id: ${id}, ${String(params.key)}: … }]`;
  return {
    ...problem,
    fault: { code, params: { ...params, hint: `${line}; ${String(params.hint)}`, hintZh: `${line}；${String(params.hintZh)}` } },
  };
}

function onePoint(
  document: ConfigDocument,
  driver: Driver,
  item: unknown,
  path: ConfigPath,
  device: BilingualText,
  settings: unknown,
): { point: PointSetup | null; problems: ConfigProblem[] } {
  if (!isPlainObject(item))
    return { point: null, problems: checkPart(document, z.record(z.string(), z.unknown()), path, device, item).problems };
  const ownSchema = driver.point as z.ZodObject;
  const ownKeys = Object.keys(ownSchema.shape);
  const owner = pointWords(typeof item.id === 'string' ? item.id : String(path.at(-1)), device);
  const own = checkPart(document, ownSchema, path, owner, pick(item, ownKeys));
  const { id } = item;
  const mine: PointOf<unknown> | null = own.value ? { ...(own.value as object), id: String(id) } : null;
  const filled: Raw = { ...(mine && driver.pointDefaults?.(mine, settings)), ...item };
  const general = checkGeneral(document, filled, item, path, [...POINT_KEYS, ...ownKeys], owner);
  const problems = [...general.problems, ...own.problems];
  const isUnitless = mine !== null && (driver.unitless?.(mine, settings) ?? false);
  if (filled.unit === undefined && mine && !isUnitless) {
    problems.push(...checkPart(document, WITH_UNIT, path, owner, {}).problems);
  }
  return {
    point: general.value && mine && problems.length === 0 ? pointSetup(general.value, general.value.unit ?? '', mine) : null,
    problems,
  };
}

/** Here nobody but the file knows whether there is one: it cannot be left out. */
const WITH_UNIT = z.object({
  unit: z
    .string()
    .meta({
      zh: '数据源的单位（UCUM）；布尔和文本没有单位，写 ""',
      en: 'the source\'s unit in UCUM; a bool or a text has none: write ""',
      examples: ['m'],
    }),
});
const POINT_KEYS = Object.keys(POINT_SCHEMA.shape);

/** `written`: what stands in the file, whose names are looked at; `filled`: the same over the driver's defaults. */
function checkGeneral(
  document: ConfigDocument,
  filled: Raw,
  written: Raw,
  path: ConfigPath,
  known: readonly string[],
  owner: BilingualText,
): { value: General | null; problems: ConfigProblem[] } {
  const strangers = Object.keys(written)
    .filter((key) => !known.includes(key))
    .flatMap((key) => problemAt(document, [...path, key], unknownName('CV_SETTING_UNKNOWN', { key }, known, owner), 'key'));
  const fields = checkPart(document, POINT_SCHEMA, path, owner, pick(filled, POINT_KEYS));
  const problems = [
    ...strangers,
    ...fields.problems,
    ...unitProblem(document, written.unit, path, owner),
    ...senseProblems(document, filled, path, owner),
  ];
  return { value: problems.length === 0 ? fields.value : null, problems };
}

function unitProblem(document: ConfigDocument, unit: unknown, path: ConfigPath, owner: BilingualText): ConfigProblem[] {
  if (typeof unit !== 'string' || unit === '') return [];
  const check = checkUnit(unit);
  if (check.ok) return [];
  const hint = check.suggestion
    ? { en: `did you mean "${check.suggestion}"?`, zh: `是否想写“${check.suggestion}”？` }
    : {
        en: 'take a UCUM code such as m, Cel, %, kPa, m3/h, ug/m3; things that are counted stand in braces: {person}',
        zh: '请用 UCUM 代码，如 m、Cel、%、kPa、m3/h、ug/m3；计数对象写在花括号内：{person}',
      };
  return problemAt(document, [...path, 'unit'], { code: 'CV_UNIT_UNKNOWN', params: { unit, ...bilingualParams({ owner, hint }) } });
}

/** What no single field shows: limits that can never be crossed, a dead stretch longer than the range. */
function senseProblems(document: ConfigDocument, point: Raw, path: ConfigPath, owner: BilingualText): ConfigProblem[] {
  // Each by itself: another field that is wrong must not hide this.
  const { shape } = POINT_SCHEMA;
  const [range, limits, deadband] = [
    shape.range.safeParse(point.range),
    shape.limits.safeParse(point.limits),
    shape.deadband.safeParse(point.deadband),
  ];
  const twice =
    point.window === undefined
      ? []
      : (['deadband', 'heartbeat'] as const)
          .filter((key) => point[key] !== undefined)
          .flatMap((key) =>
            problemAt(document, [...path, key], {
              code: 'CV_SETTING_INVALID',
              params: {
                key,
                ...bilingualParams({
                  owner,
                  problem: { en: 'the point has a window, which sends one value in its time', zh: '该测点已有 window，每个窗口上报一个值' },
                  hint: { en: `either window or ${key}`, zh: `window 与 ${key} 二选一` },
                }),
              },
            }),
          );
  if (!range.success || !range.data) return twice;
  const [low, high] = range.data;
  const problems = [
    ...twice,
    ...(limits.data ?? []).flatMap((limit, at) =>
      limit >= low && limit <= high
        ? []
        : problemAt(
            document,
            [...path, 'limits', at],
            senseless(`limits[${at}]`, owner, {
              en: `${limit} lies outside the range ${low} to ${high}`,
              zh: `${limit} 不在范围 ${low} 到 ${high} 之内`,
            }),
          ),
    ),
  ];
  if (typeof deadband.data === 'number' && deadband.data >= high - low) {
    problems.push(
      ...problemAt(
        document,
        [...path, 'deadband'],
        senseless('deadband', owner, { en: `${deadband.data} is as wide as the whole range`, zh: `${deadband.data} 已覆盖整个范围` }),
      ),
    );
  }
  return problems;
}

function senseless(key: string, owner: BilingualText, problem: BilingualText): Fault {
  const hint = { en: `a ${key.replace(/\[.*/, '')} within the range of the point`, zh: `${key.replace(/\[.*/, '')} 应在测点范围之内` };
  return { code: 'CV_SETTING_INVALID', params: { key, ...bilingualParams({ owner, problem, hint }) } };
}

/** Ids of a list that stand twice; each later one is told with the line of the first. */
export function repeatedIds(document: ConfigDocument, items: readonly unknown[], path: ConfigPath, owner: BilingualText): ConfigProblem[] {
  const first = new Map<string, number>();
  return items.flatMap((item, at) => {
    const id = isPlainObject(item) ? item.id : undefined;
    if (typeof id !== 'string') return [];
    const place: ConfigPath = [...path, at, 'id'];
    const firstLine = first.get(id);
    if (firstLine !== undefined)
      return problemAt(document, place, { code: 'CV_ID_TWICE', params: { id, firstLine, ...bilingualParams({ owner }) } });
    first.set(id, document.place(place, 'value').line);
    return [];
  });
}

export function problemAt(document: ConfigDocument, path: ConfigPath, fault: Fault, what: 'key' | 'value' = 'value'): ConfigProblem[] {
  const problem = document.problem(path, fault, what);
  return problem ? [problem] : [];
}

export const isPlainObject = (item: unknown): item is Raw => item !== null && typeof item === 'object' && !Array.isArray(item);
const pick = (item: Raw, keys: readonly string[]): Raw =>
  Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]));
const pointWords = (id: string, device: BilingualText): BilingualText => ({
  en: `point "${id}" of ${device.en}`,
  zh: `${device.zh}的测点“${id}”`,
});

function pointSetup(point: General, knownUnit: string, own: object): PointSetup {
  const unit = point.unit ?? knownUnit;
  const { id, indicator, scale, offset, range, maxRate, stuckFor, faultCodes, deadband, heartbeat, window, limits, write } = point;
  return {
    id,
    indicator,
    unit,
    scale,
    offset,
    faultCodes,
    limits,
    kind: point.kind ?? (unit === '' ? 'state' : 'measurement'),
    ...(range ? { range } : {}),
    ...(maxRate ? { maxRate } : {}),
    ...(stuckFor === undefined ? {} : { stuckForMs: stuckFor }),
    // Who names the longest silence between events wants silence while nothing changes.
    ...(deadband === undefined && heartbeat === undefined ? {} : { deadband: deadband ?? 0 }),
    ...(heartbeat === undefined ? {} : { heartbeatMs: heartbeat }),
    ...(window === undefined
      ? {}
      : {
          window:
            typeof window === 'number' ? { lengthMs: window, value: 'mean' as const } : { lengthMs: window.every, value: window.value },
        }),
    ...(write?.allow ? { write: { ...writeRange(write.range ?? range), interlocks: [write.interlock ?? []].flat() } } : {}),
    own,
  };
}

const writeRange = (range: readonly [number, number] | undefined) => (range ? { range } : {});
