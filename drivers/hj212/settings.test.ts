import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDocument } from '../../core/config/check.ts';
import { readCatalogue } from '../../city/catalogue/catalogue.ts';
import { checkUnit, convertUnit } from '../../city/catalogue/units.ts';
import driver from './driver.ts';
import { MONITORING_FACTORS, factorOf, currentFactorCode } from './factors.ts';
import { qualityOfDataFlag } from './data-flags.ts';
import { HISTORY_COMMANDS, LOGGER_PARAMETERS, UPLOAD_COMMANDS, uploadKindOf, point, settings, type Hj212Point } from './settings.ts';
import { write } from './write.ts';
import { FaultError } from '../../core/faults.ts';

const own = (more: Record<string, unknown> = {}) => settings.parse({ listen: '0.0.0.0:8212', mn: 'A1', ...more });
const pointOf = (more: Record<string, unknown>) => ({ id: 'p', ...(point.parse(more) as Hj212Point) });

/** What is wrong, at which setting, in both languages. */
const complaints = (schema: typeof settings | typeof point, value: Record<string, unknown>) => {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map((issue) => [
    issue.path.join('.'),
    issue.code === 'custom' ? issue.message : issue.code,
    issue.code === 'custom' ? (issue.params as { zh: string } | undefined)?.zh : '',
  ]);
};

test('omitted settings have their defaults', () => {
  assert.deepEqual(own(), {
    listen: '0.0.0.0:8212',
    mn: 'A1',
    edition: 'auto',
    answer: 'asked',
    minuteEvery: 600_000,
    periodLabel: 'start',
    historyAfter: 600_000,
    history: [],
    historyReach: 86_400_000,
    setClock: 'asked',
  });
  assert.deepEqual(point.parse({ factor: 'a34004' }), { factor: 'a34004', value: 'Rtd', type: 'number' });
});

test('invalid settings are refused at their key, in both languages', () => {
  const base = { listen: '0.0.0.0:8212', mn: 'A1' };
  assert.deepEqual(complaints(settings, { mn: 'A1' }), [
    ['listen', 'give `listen` (the logger dials in) or `host` and `port`', '请写 listen（数采仪拨入），或 host 和 port'],
  ]);
  assert.deepEqual(complaints(settings, { ...base, host: '10.0.0.1', port: 1 }), [
    ['host', 'either `listen` or `host`, not both', 'listen 与 host 只能写一个'],
  ]);
  assert.deepEqual(complaints(settings, { mn: 'A1', host: '10.0.0.1' }), [['port', 'a host needs a port', '写了 host 就需要 port']]);
  assert.deepEqual(complaints(settings, { mn: 'A1', host: '10.0.0.1', port: 1 }), []);
  for (const [key, least, most, below, above, en, zh] of [
    ['minuteEvery', '1m', '1h', '59999ms', '3600001ms', 'must be from 1m to 1h', '必须在 1m 到 1h 之间'],
    ['historyAfter', '1m', '1d', '59999ms', '86400001ms', 'must be from 1m to 1d', '必须在 1m 到 1d 之间'],
    ['historyReach', '1h', '30d', '3599999ms', '2592000001ms', 'must be from 1h to 30d', '必须在 1h 到 30d 之间'],
  ] as const) {
    for (const right of [least, most]) assert.deepEqual(complaints(settings, { ...base, [key]: right }), [], `${key} ${right}`);
    for (const wrong of [below, above])
      assert.deepEqual(complaints(settings, { ...base, [key]: wrong }), [[key, en, zh]], `${key} ${wrong}`);
  }
  const invalid: [string, unknown][] = [
    ['port', 0],
    ['port', 65_536],
    ['mn', ''],
    ['mn', 'a'.repeat(33)],
    ['mn', 'a b'],
    ['password', ''],
    ['password', 'x'.repeat(33)],
    ['edition', '2011'],
    ['answer', 'no'],
    ['periodLabel', 'middle'],
    ['history', ['week']],
    ['setClock', 'always'],
    ['listen', '0.0.0.0'],
    ['listen', '0.0.0.0:x'],
  ];
  for (const [key, value] of invalid)
    assert.ok(
      complaints(settings, { ...base, [key]: value }).some(([at]) => at?.startsWith(key)),
      `${key} ${String(value)}`,
    );
  const valid: [string, unknown][] = [
    ['mn', 'a'.repeat(32)],
    ['password', 'x'.repeat(32)],
    ['password', 'x'],
    ['edition', '2005'],
    ['edition', '2017'],
    ['edition', '2025'],
    ['answer', 'always'],
    ['answer', 'never'],
    ['periodLabel', 'end'],
    ['history', ['minute', 'hour', 'day']],
    ['setClock', 'never'],
    ['setClock', 'skewed'],
    ['listen', '[::1]:8212'],
  ];
  for (const [key, value] of valid) assert.deepEqual(complaints(settings, { ...base, [key]: value }), [], `${key} ${String(value)}`);
  for (const port of [1, 65_535]) assert.deepEqual(complaints(settings, { mn: 'A1', host: 'h', port }), []);

  assert.deepEqual(complaints(point, {}), [['factor', 'give the code of a factor, such as a34004', '请写监测因子代码，如 a34004']]);
  assert.deepEqual(complaints(point, { factor: 'a34004', parameter: 'realtimeInterval' }), [
    ['parameter', 'a point is a factor or a parameter, not both', 'factor 与 parameter 只能写一个'],
  ]);
  for (const [key, value] of [
    ['factor', 'a-1'],
    ['factor', 'a'.repeat(17)],
    ['value', 'R9'],
    ['value', 'R'.repeat(17)],
    ['period', 'week'],
    ['type', 'date'],
  ] as const)
    assert.ok(
      complaints(point, { factor: 'a34004', [key]: value }).some(([at]) => at === key),
      `${key} ${value}`,
    );
  for (const period of Object.keys(UPLOAD_COMMANDS))
    assert.deepEqual(complaints(point, { factor: 'a'.repeat(16), value: 'R'.repeat(16), period, type: 'text' }), []);
  assert.equal(checkDocument({ path: 'x.yaml', text: 'listen: 0.0.0.0:8212\nmn: A1\n' }, settings).problems.length, 0);
});

test('each kind of upload has its command of the standard, and a point its kind', () => {
  assert.deepEqual(UPLOAD_COMMANDS, { realtime: '2011', status: '2021', day: '2031', running: '2041', minute: '2051', hour: '2061' });
  assert.deepEqual(HISTORY_COMMANDS, {
    minute: { cn: '2051', everyMs: null },
    hour: { cn: '2061', everyMs: 3_600_000 },
    day: { cn: '2031', everyMs: 86_400_000 },
  });
  assert.deepEqual(
    ['Rtd', 'ZsRtd', 'RS', 'RT', 'Avg', 'Cou', 'Info'].map((value) => uploadKindOf({ value })),
    ['realtime', 'realtime', 'status', 'running', 'minute', 'minute', 'minute'],
  );
  assert.equal(uploadKindOf({ value: 'Rtd', period: 'day' }), 'day');
});

test('a parameter is set and read by the commands of the standard, within its bounds; a measured value is not', () => {
  assert.deepEqual(LOGGER_PARAMETERS, {
    realtimeInterval: { read: '1061', write: '1062', field: 'RtdInterval', unit: 's', min: 1, max: 3600 },
    minuteInterval: { read: '1063', write: '1064', field: 'MinInterval', unit: 'min', min: 1, max: 60 },
  });
  for (const [parameter, min, max, unit] of [
    ['realtimeInterval', 1, 3600, 's'],
    ['minuteInterval', 1, 60, 'min'],
  ] as const) {
    const target = pointOf({ parameter });
    for (const value of [min, max]) {
      const { read, write: set, field } = LOGGER_PARAMETERS[parameter];
      assert.deepEqual(write(target as never, value), [
        { points: [], cn: set, content: `${field}=${value}`, parameter, wantsData: false },
        { points: ['p'], cn: read, content: '', parameter, wantsData: true },
      ]);
    }
    for (const value of [min - 1, max + 1, 1.5, NaN, '5', true]) {
      assert.throws(
        () => write(target as never, value as never),
        (error) => {
          assert.ok(error instanceof FaultError);
          assert.deepEqual(error.fault, {
            code: 'CV_HJ212_WRITE',
            params: {
              point: 'p',
              detail: `expected a whole number from ${min} to ${max} ${unit}`,
              detailZh: `应为 ${min} 到 ${max} 的整数（${unit}）`,
            },
          });
          return true;
        },
      );
    }
  }
  assert.throws(
    () => write(pointOf({ factor: 'a34004' }) as never, 5),
    (error) =>
      error instanceof FaultError &&
      error.fault.params?.detail === 'a measured value cannot be set' &&
      error.fault.params.detailZh === '监测值不能写入',
  );
});

test('a point has the unit and indicator of its factor; totals, states, hours and texts have another or none', () => {
  const known = (more: Record<string, unknown>) => driver.pointDefaults?.(pointOf(more) as never, own() as never);
  assert.deepEqual(known({ factor: 'a34004' }), { unit: 'ug/m3', indicator: 'ST-AIR-001' });
  assert.deepEqual(known({ factor: '011', value: 'Avg' }), { unit: 'mg/L', indicator: 'ST-SWQ-003' });
  assert.deepEqual(known({ factor: 'a24088' }), { unit: 'mg/m3' });
  assert.deepEqual(known({ factor: 'zz9' }), {});
  assert.deepEqual(['Cou', 'RS', 'Info', 'EFlag'].map((value) => known({ factor: 'a34004', value })), [{}, {}, {}, {}]);
  assert.deepEqual(known({ factor: 'SB1', value: 'RT' }), { unit: 'h' });
  assert.deepEqual([known({ parameter: 'realtimeInterval' }), known({ parameter: 'minuteInterval' })], [{ unit: 's' }, { unit: 'min' }]);
  const unitless = (more: Record<string, unknown>) => driver.unitless?.(pointOf({ factor: 'SB1', ...more }) as never);
  assert.deepEqual(
    [unitless({ value: 'RS' }), unitless({ type: 'text' }), unitless({ value: 'RT' }), unitless({})],
    [true, true, false, false],
  );
  assert.deepEqual([driver.id, driver.traits], ['hj212', ['listens', 'probes', 'writes', 'discovers']]);
});

test('every factor has a UCUM unit that its catalogue indicator accepts; codes of 2005 are unique', () => {
  const { catalogue } = readCatalogue(
    globSync(join(import.meta.dirname, '../../configs/catalogue/*.yaml')).map((path) => ({ path, text: readFileSync(path, 'utf8') })),
  );
  const old = new Set<string>();
  for (const [code, { zh, en, unit, indicator, code2005: before }] of Object.entries(MONITORING_FACTORS)) {
    assert.ok(zh !== '' && en !== '', code);
    assert.deepEqual(checkUnit(unit), { ok: true }, `${code}: ${unit}`);
    const inCatalogue = indicator === undefined ? null : catalogue?.of(indicator);
    if (inCatalogue?.unit) assert.notEqual(convertUnit(1, unit, inCatalogue.unit), null, `${code}: ${indicator}`);
    if (before === undefined) continue;
    assert.match(before, /^([BS]?\d{2}|\d{3})$/, code);
    assert.ok(!old.has(before), before);
    old.add(before);
    assert.deepEqual([currentFactorCode(before), factorOf(before)], [code, MONITORING_FACTORS[code]]);
  }
  assert.deepEqual(
    Object.fromEntries(Object.entries(MONITORING_FACTORS).flatMap(([code, { indicator }]) => (indicator ? [[code, indicator]] : []))),
    {
      a34004: 'ST-AIR-001',
      a34002: 'ST-AIR-002',
      a05024: 'ST-AIR-003',
      w01009: 'ST-SWQ-002',
      w01018: 'ST-SWQ-003',
      w21003: 'ST-SWQ-001',
      w21011: 'ST-SWQ-004',
      Leq: 'WM-NOI-001',
    },
  );
  assert.deepEqual([currentFactorCode('zz9'), factorOf('zz9')], ['zz9', undefined]);
  assert.deepEqual(
    Object.fromEntries(Object.entries(MONITORING_FACTORS).flatMap(([code, factor]) => (factor.code2005 ? [[factor.code2005, code]] : []))),
    {
      '02': 'a21026',
      '03': 'a21002',
      '01': 'a34013',
      B02: 'a00000',
      S01: 'a19001',
      S02: 'a01011',
      S03: 'a01012',
      S08: 'a01013',
      S05: 'a01014',
      B01: 'w00000',
      '001': 'w01001',
      '011': 'w01018',
      '065': 'w21001',
      '060': 'w21003',
      '101': 'w21011',
    },
  );
});

test('a data flag counts in lower case too; without one the quality depends on the edition and the suffix', () => {
  const standing = (flag: string | undefined, edition: '2005' | '2017' | '2025' = '2017', suffix = 'Rtd') => {
    const { quality, flags } = qualityOfDataFlag(flag, edition, suffix);
    return [quality, ...flags];
  };
  const all: Record<string, string[]> = {
    N: ['good'],
    T: ['uncertain', 'out-of-range'],
    F: ['bad', 'other'],
    M: ['bad', 'maintenance'],
    C: ['bad', 'calibration'],
    D: ['bad', 'device'],
    B: ['bad', 'comm'],
    S: ['uncertain', 'substituted'],
    '?': ['uncertain', 'other'],
  };
  for (const [flag, wanted] of Object.entries(all))
    assert.deepEqual([standing(flag), standing(flag.toLowerCase())], [wanted, wanted], flag);
  for (const none of [undefined, '']) {
    assert.deepEqual([standing(none, '2005'), standing(none, '2017'), standing(none, '2025')], [['good'], ['uncertain'], ['uncertain']]);
    assert.deepEqual(
      ['RS', 'RT', 'Info', 'EFlag'].map((suffix) => standing(none, '2017', suffix)),
      Array.from({ length: 4 }, () => ['good']),
    );
  }
});
