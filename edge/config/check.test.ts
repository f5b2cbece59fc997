import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVERS } from '../../drivers/index.ts';
import { explain, type Fault } from '../../core/faults.ts';
import { checkEdge } from './check.ts';

const yaml = (point: string) => `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - { id: plc, driver: modbus, settings: { host: 127.0.0.1 }, points: [{ id: running, address: "coil:3", type: bool, indicator: SS-DRN-011${point} }] }
`;

async function deadbandOf(point: string): Promise<unknown> {
  const { setup, problems } = await checkEdge({ path: '/edge.yaml', text: yaml(point) }, { env: {}, drivers: DRIVERS });
  assert.deepEqual(problems, []);
  return setup?.devices[0]?.points[0]?.deadband;
}

test('a heartbeat alone means: silent while nothing changes', async () => {
  assert.equal(await deadbandOf(', heartbeat: 10s'), 0);
  assert.equal(await deadbandOf(', heartbeat: 10s, deadband: 0.5'), 0.5);
  assert.equal(await deadbandOf(''), undefined, 'neither: every value is sent');
});

test('a window puts values together; beside it a deadband or a heartbeat makes no sense', async () => {
  const windowOf = async (point: string) => {
    const { setup, problems } = await checkEdge({ path: '/edge.yaml', text: yaml(point) }, { env: {}, drivers: DRIVERS });
    return problems.length > 0
      ? problems.map(({ path, fault }) => `${path} ${fault.code}`)
      : [setup?.devices[0]?.points[0]?.window, setup?.devices[0]?.points[0]?.deadband];
  };
  assert.deepEqual(await windowOf(', window: 1m'), [{ lengthMs: 60_000, value: 'mean' }, undefined]);
  assert.deepEqual(await windowOf(', window: { every: 5m, value: sum }'), [{ lengthMs: 300_000, value: 'sum' }, undefined]);
  assert.deepEqual(await windowOf(', window: 1m, deadband: 0, heartbeat: 10s'), [
    'devices[0].points[0].deadband CV_SETTING_INVALID',
    'devices[0].points[0].heartbeat CV_SETTING_INVALID',
  ]);
  for (const wrong of ['500ms', '2d', 'forever', '{ every: 1m, value: middle }', '{ value: max }'])
    assert.match(String(await windowOf(`, window: ${wrong}`)), /CV_SETTING/, wrong);
});

test('files that the edge would read as it starts are missed before', async () => {
  const readFile = (path: string): string => {
    if (path === '/there.yaml') return '';
    throw Object.assign(new Error('no'), { code: 'ENOENT' });
  };
  const { problems } = await checkEdge(
    { path: '/edge.yaml', text: `catalogue: [./there.yaml, ./gone.yaml]\nrules: [/r.yaml]\n${yaml('')}` },
    { env: {}, readFile, drivers: DRIVERS },
  );
  assert.deepEqual(
    problems.map(({ line, fault }) => `${line} ${fault.code} ${String(fault.params.path)}`),
    ['1 CV_CONFIG_UNREADABLE /gone.yaml', '2 CV_CONFIG_UNREADABLE /r.yaml'],
  );
});

test('clips are of cameras that are there and may be recorded, and nothing is sent that nobody is wiped out of', async () => {
  const clip = (evidence: string) => checkEdge({ path: '/etc/edge.yaml', text: `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
evidence: ${evidence}
devices:
  - { id: gate, driver: camera, settings: { url: "file:./a.mp4" } }
  - { id: yard, driver: camera, settings: { url: "file:./a.mp4", mask: [[[0, 0], [1, 0], [1, 1]]] } }
` }, { env: {}, drivers: DRIVERS });
  const paths = async (evidence: string) => (await clip(evidence)).problems.map(({ path }) => path);
  assert.deepEqual(await paths('{ clip: { cameras: [gate, yard, gone] } }'), ['evidence.clip.cameras[1]', 'evidence.clip.cameras[2]']);
  assert.deepEqual(await paths('{ clip: { before: 2m } }'), ['evidence.clip.before']);
  assert.deepEqual(await paths('{ blur: { faces: false }, clip: { upload: blurred } }'), ['evidence.clip.upload']);
  assert.deepEqual(await paths('{ blur: { faces: false }, clip: {} }'), []);
  const { setup } = await clip('{ clip: { ring: { dir: ./r } } }');
  const { dir, ring, upload, before, after } = setup?.evidence?.clip ?? {};
  assert.deepEqual([dir, ring?.dir, upload, before, after], ['/etc/data/e1/evidence/clips', '/etc/r', 'never', 5000, 10_000]);
  assert.equal((await clip('{}')).setup?.evidence?.clip, null, 'none by default');
});

test('a point of a zone that has no indicator is shown as the line that gives it one', async () => {
  const text = `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - id: gate
    driver: camera
    settings: { url: "file:./a.mp4", zones: [{ id: yard, polygon: [[0, 0], [1, 0], [1, 1]], count: [bicycle] }] }
`;
  const { problems } = await checkEdge({ path: '/edge.yaml', text }, { env: {}, drivers: DRIVERS });
  const [problem, ...others] = problems;
  assert.deepEqual([problem?.fault.code, others], ['CV_SETTING_MISSING', []]);
  for (const words of [problem?.fault.params.hint, problem?.fault.params.hintZh])
    assert.match(String(words), /^points: \[\{ id: yard\.bicycle, indicator: … \}\]/);
  const mended = await checkEdge(
    { path: '/edge.yaml', text: `${text}    points: [{ id: yard.bicycle, indicator: SS-TRF-004 }]\n` },
    { env: {}, drivers: DRIVERS },
  );
  assert.deepEqual(mended.problems, []);
});

test('where a unit is missing, the remedy says what a value without one needs', async () => {
  const text = `edge: e1\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:1883 }\ndevices:\n  - id: plc\n    driver: opcua\n    settings: { endpoint: "opc.tcp://127.0.0.1:4840", security: none }\n    points: [{ id: running, node: i=2258, indicator: C }]\n`;
  const { problems } = await checkEdge({ path: '/edge.yaml', text }, { env: {}, drivers: DRIVERS });
  const remedies = problems.map(({ fault }) => [fault.code, explain(fault, 'en').remedy, explain(fault, 'zh-CN').remedy]);
  assert.equal(remedies.length, 1);
  assert.equal(remedies[0]?.[0], 'CV_SETTING_MISSING');
  assert.match(String(remedies[0]?.[1]), /none: write ""/);
  assert.match(String(remedies[0]?.[2]), /没有单位，写 ""/);
  assert.doesNotMatch(remedies.join(), /leave it out|省略/);
  const mended = await checkEdge(
    { path: '/edge.yaml', text: text.replace('indicator', 'unit: "", indicator') },
    { env: {}, drivers: DRIVERS },
  );
  assert.deepEqual(mended.problems, []);
});

test('bounds of durations and ranges: what is just within is taken, what is not says why in both languages', async () => {
  const complaintsOf = async (device: string, point = '') => {
    const text = yaml(point).replace('settings: {', `${device} settings: {`);
    const { problems } = await checkEdge({ path: '/edge.yaml', text }, { env: {}, drivers: DRIVERS });
    return problems.map(({ fault }) => [explain(fault, 'en').message, explain(fault, 'zh-CN').message]);
  };
  for (const [device, point] of [
    ['every: 10ms,', ''],
    ['every: 1d,', ''],
    ['timeout: 10ms,', ''],
    ['timeout: 10m,', ''],
    ['', ', window: 1s'],
    ['', ', window: 1d'],
    ['', ', heartbeat: 1ms'],
    ['', ', heartbeat: 365d'],
    ['', ', stuckFor: 1ms'],
    ['', ', range: [0, 0.1]'],
    ['', ', deadband: 0'],
    ['', ', deadband: { percent: 100 }'],
    ['position: { lon: 180, lat: -90 },', ''],
  ] as const) {
    assert.deepEqual(await complaintsOf(device, point), [], device + point);
  }
  for (const [device, point, en, zh] of [
    ['every: 9ms,', '', 'must be from 10ms to 1d', '必须在 10ms 到 1d 之间'],
    ['every: 2d,', '', 'must be from 10ms to 1d', '必须在 10ms 到 1d 之间'],
    ['timeout: 9ms,', '', 'must be from 10ms to 10m', '必须在 10ms 到 10m 之间'],
    ['timeout: 11m,', '', 'must be from 10ms to 10m', '必须在 10ms 到 10m 之间'],
    ['', ', heartbeat: 366d', 'must be above 0 and at most 365d', '必须大于 0 且不超过 365d'],
    ['', ', heartbeat: forever', 'must be above 0 and at most 365d', '必须大于 0 且不超过 365d'],
    ['', ', stuckFor: 0s', 'must be a finite time above 0', '必须是大于 0 的有限时长'],
    ['', ', stuckFor: forever', 'must be a finite time above 0', '必须是大于 0 的有限时长'],
    ['', ', range: [1, 1]', 'the first number must be below the second', '第一个数必须小于第二个'],
    ['', ', scale: 0', '0 would make every value 0', '0 会使所有值变为 0'],
    ['', ', maxRate: 0/1m', 'must be above 0', '必须大于 0'],
  ] as const) {
    const [complaint] = await complaintsOf(device, point);
    assert.deepEqual([complaint?.[0]?.split(/[:;] /).at(-1), complaint?.[1]?.split(/[：；]/).at(-1)], [en, zh], device + point);
  }
});

test('a list of brokers has at least one', async () => {
  const urls = async (url: string) =>
    (
      await checkEdge(
        { path: '/edge.yaml', text: yaml('').replace('url: mqtt://127.0.0.1:1883', `url: ${url}`) },
        { env: {}, drivers: DRIVERS },
      )
    ).problems.map(({ path, fault }) => `${path} ${fault.code}`);
  assert.deepEqual(await urls('[mqtt://127.0.0.1:1883]'), []);
  assert.deepEqual(await urls('[mqtt://127.0.0.1:1883, mqtts://gateway.example:8883]'), []);
  assert.deepEqual(await urls('[]'), ['gateway.url CV_SETTING_INVALID']);
});

test('cameras go by the clocks of their edge, China unless it says otherwise, or by their own', async () => {
  const checked = (zone: string, own = '') => checkEdge({ path: '/etc/edge.yaml', text: `edge: e1
centre: "500112001"
${zone}
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - { id: gate, driver: camera, settings: { url: "file:./a.mp4"${own} } }
`,
      },
      { env: {}, drivers: DRIVERS },
    );
  const zoneOf = async (...texts: [string, string?]) =>
    ((await checked(...texts)).setup?.devices[0]?.settings as { timeZone?: string } | undefined)?.timeZone;
  assert.deepEqual(
    [await zoneOf(''), await zoneOf('timeZone: Europe/Berlin'), await zoneOf('timeZone: Europe/Berlin', ', timeZone: Asia/Urumqi')],
    ['Asia/Shanghai', 'Europe/Berlin', 'Asia/Urumqi'],
  );
  for (const [zone, own, path] of [
    ['timeZone: Asia/Beijing', '', 'timeZone'],
    ['timeZone: "+08:00"', '', 'timeZone'],
    ['', ', timeZone: GMT+8', 'devices[0].settings.timeZone'],
  ] as const) {
    const { problems } = await checked(zone, own);
    assert.deepEqual(problems.map((problem) => [problem.path, problem.fault.code]), [[path, 'CV_SETTING_INVALID']], zone);
    assert.match(explain(problems[0]?.fault as Fault, 'en').message, /no time zone of the IANA database, such as Asia\/Shanghai/);
    assert.match(explain(problems[0]?.fault as Fault, 'zh-CN').message, /不是 IANA 时区名称/);
  }
});

test('devices that cannot share a port are told at their settings, both with their lines; those of another driver are no matter', async () => {
  const device = (id: string, more: string) =>
    `  - { id: ${id}, driver: frame, settings: { description: "shipped:compound-terminal", listen: "0.0.0.0:7600"${more} }, points: [{ id: crowd, read: crowd.devices, indicator: SH-CRD-901 }] }\n`;
  const text =
    yaml('') +
    device('gate-1', ', identity: "000000000001"') +
    device('gate-2', ', identity: "000000000002"') +
    device('gate-3', ', identity: "000000000001"') +
    device('gate-4', ', description: "shipped:water-level", identity: "1"').replace('description: "shipped:compound-terminal", ', '');
  const { setup, problems } = await checkEdge({ path: '/edge.yaml', text }, { env: {}, drivers: DRIVERS });
  assert.equal(setup, null);
  assert.deepEqual(
    problems.map(({ line, path, fault }) => `${line} ${path} ${fault.code}`),
    ['8 devices[3].settings.identity CV_SETTING_INVALID', '9 devices[4].settings.description CV_SETTING_INVALID'],
  );
  assert.match(
    explain(problems[0]?.fault as Fault, 'en').message + explain(problems[0]?.fault as Fault, 'en').remedy,
    /gate-1.*0\.0\.0\.0:7600/,
  );
  assert.match(
    explain(problems[1]?.fault as Fault, 'zh-CN').message + explain(problems[1]?.fault as Fault, 'zh-CN').remedy,
    /gate-1.*header 不同/,
  );
  const mended = await checkEdge(
    {
      path: '/edge.yaml',
      text: yaml('') + device('gate-1', ', identity: "000000000001"') + device('gate-2', ', identity: "000000000002"'),
    },
    { env: {}, drivers: DRIVERS },
  );
  assert.deepEqual(mended.problems, []);
});
