import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { z } from 'zod';
import { metaOf } from '../../core/config/schema-notes.ts';
import { explain } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { checkGateway } from './check.ts';
import { GATEWAY_SCHEMA } from './schema.ts';

const check = (text: string, env: Record<string, string> = {}) => checkGateway({ path: '/conf/gateway.yaml', text }, { env });
const MINIMAL = 'gateway: g\ncentre: "500112001"\nbroker: { embedded: {} }\n';

test('the example is whole, and its secrets come from the environment', async () => {
  const path = join(import.meta.dirname, '..', '..', 'configs', 'gateway', 'gateway.yaml');
  const env = { PUMP_07_TOKEN: 'a', GATE_02_TOKEN: 'b', DASHBOARD_PASSWORD: 'c' };
  const { setup, problems } = await checkGateway({ path, text: await readFile(path, 'utf8') }, { env });
  assert.deepEqual(problems, []);
  assert.ok(setup?.broker.kind === 'embedded');
  assert.deepEqual(setup.broker.edges, [{ id: 'pump-07', token: 'a' }, { id: 'gate-02', token: 'b' }]);
});

test('what is left out has its default, and paths are those of the file', async () => {
  const { setup } = await check(MINIMAL);
  assert.deepEqual(setup, {
    gateway: 'g',
    centre: '500112001',
    accepts: ['live', 'backfill'],
    exercise: false,
    edgeHttp: [],
    bindings: [],
    relays: [],
    audit: { keepMs: 400 * 86_400_000 },
    tls: {
      dir: '/conf/data/g/certificates',
      loopback: false,
      own: null,
      plaintextUntilAt: null,
      edgeLifeMs: 90 * 86_400_000,
      edgeGraceMs: 180 * 86_400_000,
    },
    signIn: { idleMs: 12 * 3_600_000, longestMs: 30 * 86_400_000 },
    operators: [],
    live: { anonymous: 'none', maxViewers: 8 },
    sinks: [],
    notifiers: [],
    rules: [],
    catalogue: [],
    broker: { kind: 'embedded', host: '127.0.0.1', port: 1883, edges: [], consumers: [], anonymous: 'loopback', maxConnections: 2000 },
    log: { dir: '/conf/data/g/log', maxBytes: 10 * 1024 ** 3, keepMs: 86_400_000 },
    store: {
      dir: '/conf/data/g/store',
      retentionMs: 2 * 31_536_000_000,
      maxBytes: 20 * 1024 ** 3,
      compaction: { everyMs: 6 * 3_600_000, settleMs: 3_600_000 },
    },
    atRest: null,
    evidence: { dir: '/conf/data/g/evidence', maxBytes: 20 * 1024 ** 3, keepMs: 30 * 86_400_000 },
    streams: { events: 'all', indicators: [] },
    http: { host: '127.0.0.1', port: 8080 },
  });
  assert.ok(setup && Object.isFrozen(setup) && Object.isFrozen(setup.broker));
});

test('another broker is given by its url', async () => {
  const { setup } = await check('gateway: g\ncentre: "500112001"\nbroker: { url: "mqtt://10.0.0.1", user: u, password: "${env:P}" }\n', {
    P: 'pw',
  });
  assert.deepEqual(setup?.broker, { kind: 'external', url: 'mqtt://10.0.0.1', user: 'u', password: 'pw' });
});

test('every mistake is told at once, with its line, and secrets are not', async () => {
  const { setup, problems } = await check(
    [
      'gateway: Town Gateway',
      'centre: 500112001',
      'broker:',
      '  embedded:',
      '    prot: 1883',
      '    edges: [{ id: a, token: "hush-hush" }, { id: a }]',
      '  url: mqtt://x',
      'log: { maxBytes: 5, keep: soon }',
      'http: { port: 99999 }',
      'accepts: [lively]',
      'sinks: [{ kind: influx }]',
      'exercize: true',
      '',
    ].join('\n'),
  );
  assert.equal(setup, null);
  assert.deepEqual([...new Set(problems.map(({ line }) => line))], [1, 2, 3, 5, 6, 8, 9, 10, 11, 12]);
  const text = JSON.stringify(problems);
  assert.equal(text.includes('hush-hush'), false);
  for (const { fault } of problems) for (const language of ['en', 'zh-CN'] as const) assert.ok(explain(fault, language).remedy !== '');
});

test('a sink is checked by its kind, its token read and never told', async () => {
  const good = await check(
    `${MINIMAL}sinks: [{ kind: influxdb, settings: { url: "http://10.0.0.9:8086", token: "\${env:T}", timeout: 3s } }, { kind: influxdb, id: city, settings: { url: "https://x/vm", measurement: "{indicator}" } }]\n`,
    { T: 'hush' },
  );
  assert.deepEqual(good.setup?.sinks, [
    {
      kind: 'influxdb',
      id: 'influxdb',
      settings: {
        url: 'http://10.0.0.9:8086',
        org: '',
        bucket: 'cityvitals',
        token: 'hush',
        measurement: 'cityvitals',
        batch: 1000,
        timeout: 3000,
      },
    },
    {
      kind: 'influxdb',
      id: 'city',
      settings: { url: 'https://x/vm', org: '', bucket: 'cityvitals', measurement: '{indicator}', batch: 1000, timeout: 10_000 },
    },
  ]);
  const bad = await check(
    [
      MINIMAL.trimEnd(),
      'sinks:',
      '  - kind: influxdb',
      '    settings:',
      '      url: "http://user:pass@x"',
      '      token: "hush hush"',
      '      batch: 0',
      '      colour: red',
      '  - kind: influxdb',
      '    settings: { measurement: "#x" }',
      '  - kind: influx',
      '    id: b',
      '    settings: { url: ftp://x }',
      '  - kind: 7',
      '',
    ].join('\n'),
  );
  assert.deepEqual([...new Set(bad.problems.map(({ line }) => line))], [7, 8, 9, 10, 11, 12, 13, 15, 16]);
  assert.deepEqual(
    bad.problems
      .filter(({ fault }) => ['CV_SINK_UNKNOWN', 'CV_ID_TWICE'].includes(fault.code))
      .map(({ line, fault }) => [line, fault.params.nearest ?? fault.params.firstLine]),
    [
      [11, 5],
      [13, 'influxdb'],
    ],
  );
  assert.equal(JSON.stringify(bad.problems).includes('hush'), false);
  assert.equal(JSON.stringify(bad.problems).includes('pass@'), false);
});

test('two edges with one id are told with both lines', async () => {
  const { problems } = await check(
    `${MINIMAL.replace('{ embedded: {} }', '\n  embedded:\n    edges:\n      - { id: a, token: t }\n      - { id: a, token: u }')}`,
  );
  assert.deepEqual(
    problems.map(({ line, fault }) => [line, fault.code, fault.params.firstLine]),
    [[7, 'CV_ID_TWICE', 6]],
  );
});

test('on another broker no consumer has the name of the gateway, of one of its client ids or of an edge, and no edge that of the gateway', async () => {
  const { problems } = await check(
    [
      'gateway: g',
      'centre: "500112001"',
      'broker:',
      '  url: mqtt://127.0.0.1',
      '  user: gate',
      '  password: p',
      '  edges:',
      '    - { id: pump, token: t }',
      '    - { id: gate, token: t }',
      '  consumers:',
      '    - { user: "gateway:g:in", password: p }',
      '    - { user: pump, password: p }',
      '    - { user: gate, password: p }',
      '    - { user: city, password: p }',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    problems.map(({ line, fault }) => [line, fault.code]),
    [9, 11, 12, 13].map((line) => [line, 'CV_SETTING_INVALID']),
  );
  assert.match(explain(problems[1]?.fault as never, 'zh-CN').message, /gateway:/);
});

test('mistakes in rules and catalogue are found with the configuration', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFile(join(dir, 'rule.yaml'), 'id: [\n');
  const { setup, problems } = await check(`${MINIMAL}rules: [${dir}, /nowhere.yaml]\n`);
  assert.equal(setup, null);
  assert.ok(problems.some(({ file }) => file === join(dir, 'rule.yaml')));
  assert.ok(problems.some(({ fault }) => fault.code === 'CV_CONFIG_UNREADABLE'));
});

test('whatever else is wrong, what rules, catalogue and lists of names hold is told too', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFile(
    join(dir, 'rule.yaml'),
    [
      'id: pump',
      'version: 1',
      'type: tresh',
      'select: { indicator: YJ-FLD-001 }',
      'levels: { 2: { when: "2.8" } }',
      'autoclose: true',
      '',
    ].join('\n'),
  );
  const { problems } = await check(
    [
      'gateway: g',
      'centre: "500112001"',
      'broker:',
      '  embedded:',
      '    edges: [{ id: a, token: t }, { id: 7 },',
      '      { id: a, token: u }]',
      'http: { port: many }',
      `rules: [${dir}, 7, /nowhere.yaml]`,
      'exercize: true',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    problems.filter(({ file }) => file === '/conf/gateway.yaml').map(({ line, fault }) => `${line} ${fault.code}`),
    ['5 CV_SETTING_INVALID', '6 CV_ID_TWICE', '7 CV_SETTING_INVALID', '8 CV_SETTING_INVALID', '9 CV_SETTING_UNKNOWN'],
  );
  assert.deepEqual(
    problems.filter(({ file }) => file === join(dir, 'rule.yaml')).map(({ line }) => line),
    [3, 5, 6],
  );
  assert.ok(problems.some(({ file, fault }) => file === '/nowhere.yaml' && fault.code === 'CV_CONFIG_UNREADABLE'));
});

test('every setting is explained in both languages', () => {
  const bare: string[] = [];
  const walk = (schema: z.ZodType, path: string): void => {
    const { zh, en } = metaOf(schema);
    if (path && !(zh && en)) bare.push(path);
    const inner = schema as unknown as { _zod: { def: { shape?: Record<string, z.ZodType>; innerType?: z.ZodType; element?: z.ZodType } } };
    const { shape, innerType, element } = inner._zod.def;
    for (const [key, field] of Object.entries(shape ?? {})) walk(field, `${path}.${key}`);
    for (const next of [innerType, element]) if (next) walkInside(next, path);
  };
  const walkInside = (schema: z.ZodType, path: string): void => {
    const { shape, innerType, element } = (
      schema as unknown as { _zod: { def: { shape?: Record<string, z.ZodType>; innerType?: z.ZodType; element?: z.ZodType } } }
    )._zod.def;
    for (const [key, field] of Object.entries(shape ?? {})) walk(field, `${path}.${key}`);
    for (const next of [innerType, element]) if (next) walkInside(next, path);
  };
  walk(GATEWAY_SCHEMA, '');
  assert.deepEqual(bare, []);
});
