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
    return problems.length > 0 ? problems.map(({ path, fault }) => `${path} ${fault.code}`) : [setup?.devices[0]?.points[0]?.window, setup?.devices[0]?.points[0]?.deadband];
  };
  assert.deepEqual(await windowOf(', window: 1m'), [{ lengthMs: 60_000, value: 'mean' }, undefined]);
  assert.deepEqual(await windowOf(', window: { every: 5m, value: sum }'), [{ lengthMs: 300_000, value: 'sum' }, undefined]);
  assert.deepEqual(await windowOf(', window: 1m, deadband: 0, heartbeat: 10s'), ['devices[0].points[0].deadband CV_SETTING_INVALID', 'devices[0].points[0].heartbeat CV_SETTING_INVALID']);
  for (const wrong of ['500ms', '2d', 'forever', '{ every: 1m, value: middle }', '{ value: max }']) assert.match(String(await windowOf(`, window: ${wrong}`)), /CV_SETTING/, wrong);
});

test('files that the edge would read as it starts are missed before', async () => {
  const readFile = (path: string): string => {
    if (path === '/there.yaml') return '';
    throw Object.assign(new Error('no'), { code: 'ENOENT' });
  };
  const { problems } = await checkEdge({ path: '/edge.yaml', text: `catalogue: [./there.yaml, ./gone.yaml]\nrules: [/r.yaml]\n${yaml('')}` }, { env: {}, readFile, drivers: DRIVERS });
  assert.deepEqual(problems.map(({ line, fault }) => `${line} ${fault.code} ${String(fault.params.path)}`), ['1 CV_CONFIG_UNREADABLE /gone.yaml', '2 CV_CONFIG_UNREADABLE /r.yaml']);
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
  for (const words of [problem?.fault.params.hint, problem?.fault.params.hintZh]) assert.match(String(words), /^points: \[\{ id: yard\.bicycle, indicator: … \}\]/);
  const mended = await checkEdge({ path: '/edge.yaml', text: `${text}    points: [{ id: yard.bicycle, indicator: SS-TRF-004 }]\n` }, { env: {}, drivers: DRIVERS });
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
  const mended = await checkEdge({ path: '/edge.yaml', text: text.replace('indicator', 'unit: "", indicator') }, { env: {}, drivers: DRIVERS });
  assert.deepEqual(mended.problems, []);
});

test('cameras go by the clocks of their edge, China unless it says otherwise, or by their own', async () => {
  const checked = (zone: string, own = '') => checkEdge({ path: '/etc/edge.yaml', text: `edge: e1
centre: "500112001"
${zone}
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - { id: gate, driver: camera, settings: { url: "file:./a.mp4"${own} } }
` }, { env: {}, drivers: DRIVERS });
  const zoneOf = async (...texts: [string, string?]) => ((await checked(...texts)).setup?.devices[0]?.settings as { timeZone?: string } | undefined)?.timeZone;
  assert.deepEqual([await zoneOf(''), await zoneOf('timeZone: Europe/Berlin'), await zoneOf('timeZone: Europe/Berlin', ', timeZone: Asia/Urumqi')], ['Asia/Shanghai', 'Europe/Berlin', 'Asia/Urumqi']);
  for (const [zone, own, path] of [['timeZone: Asia/Beijing', '', 'timeZone'], ['timeZone: "+08:00"', '', 'timeZone'], ['', ', timeZone: GMT+8', 'devices[0].settings.timeZone']] as const) {
    const { problems } = await checked(zone, own);
    assert.deepEqual(problems.map((problem) => [problem.path, problem.fault.code]), [[path, 'CV_SETTING_INVALID']], zone);
    assert.match(explain(problems[0]?.fault as Fault, 'en').message, /no time zone of the IANA database, such as Asia\/Shanghai/);
    assert.match(explain(problems[0]?.fault as Fault, 'zh-CN').message, /不是 IANA 时区名称/);
  }
});
