import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { scenePoints } from '../../scene/points.ts';
import { checkEdge } from '../../edge/config/check.ts';
import { driverById } from '../index.ts';
import { settings as cameraSettings } from './settings.ts';

const POLYGON = '[[0.1, 0.5], [0.9, 0.5], [0.9, 1], [0.1, 1]]';
const GROUND = '{ picture: [[0.2, 0.5], [0.8, 0.5], [1, 1], [0, 1]], ground: [[0, 20], [10, 20], [10, 0], [0, 0]] }';

const check = (settings: string, points = '[]', files: Record<string, string> = {}) =>
  checkText(
    `edge: e\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:1883 }\ndevices:\n  - id: cam\n    driver: camera\n    settings: { url: "file:a.avi", ${settings} }\n    points: ${points}\n`,
    files,
  );

async function checkText(text: string, files: Record<string, string> = {}) {
  const readFile = (path: string): string =>
    files[path] ??
    (() => {
      throw Object.assign(new Error(path), { code: 'ENOENT' });
    })();
  const { setup, problems } = await checkEdge(
    { path: '/edge.yaml', text },
    {
      drivers: [{ id: 'camera', load: async () => (await driverById('camera')) as NonNullable<Awaited<ReturnType<typeof driverById>>> }],
      env: {},
      readFile,
    },
  );
  return {
    points: setup?.devices[0]?.points ?? [],
    problems: problems.map(({ path, fault }) => `${path}: ${fault.code} ${String(fault.params.problem ?? fault.params.hint ?? '')}`),
  };
}

const ofScene = <P extends { id: string }>(points: readonly P[]) => points.filter(({ id }) => id.includes('.'));

test('points follow from zones and lines, with unit, kind and indicator, and can be changed like the others', async () => {
  const { points, problems } = await check(
    `zones: [{ id: gate, zh: 大门, polygon: ${POLYGON}, count: [person, vehicle], density: true, intrusion: { schedule: [{ from: "22:00", to: "06:00" }] }, present: [{ id: lying, of: [suitcase], indicator: X-1 }] }], lines: [{ id: stop-line, from: [0.1, 0.6], to: [0.9, 0.6], inside: [0.5, 0.9] }], homography: ${GROUND}`,
    '[{ id: gate.persons, limits: [30], indicator: SH-CRD-002 }]',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    ofScene(points).map(({ id, unit, kind, indicator }) => [id, unit, kind, indicator].join(' ')),
    [
      'gate.persons {person} measurement SH-CRD-002',
      'gate.vehicles {vehicle} measurement SS-TRF-004',
      'gate.density {person}/m2 measurement SH-CRD-001',
      'gate.intrusion {person} state SH-SEC-001',
      'gate.lying {event} state X-1',
      'stop-line.in {person} occurrence SH-CRD-907',
      'stop-line.out {person} occurrence SH-CRD-908',
    ],
  );
  assert.deepEqual(points.find(({ id }) => id === 'gate.persons')?.limits, [30]);
});

const wrong: readonly [string, string, RegExp][] = [
  ['two corners', 'zones: [{ id: a, polygon: [[0, 0], [1, 1]], count: [person] }]', /zones\[0\]\.polygon: CV_SETTING_INVALID/],
  ['crosses itself', 'zones: [{ id: a, polygon: [[0, 0], [1, 1], [1, 0], [0, 1]], count: [person] }]', /polygon: .*corners 1 and 3 cross/],
  ['no area', 'zones: [{ id: a, polygon: [[0, 0], [0.5, 0.5], [1, 1]], count: [person] }]', /polygon: .*one line/],
  [
    'outside the picture',
    'zones: [{ id: a, polygon: [[0, 0], [1.2, 0], [1, 1]], count: [person] }]',
    /polygon\[1\]\[0\]: CV_SETTING_INVALID/,
  ],
  ['unknown class', `zones: [{ id: a, polygon: ${POLYGON}, count: [persn] }]`, /count\[0\]: .*no class "persn": did you mean "person"/],
  [
    'a class of another model',
    `zones: [{ id: a, polygon: ${POLYGON}, present: [{ id: smoke, of: [smoke], indicator: YJ-FOR-002 }] }]`,
    /present\[0\]\.of\[0\]: .*no class "smoke"/,
  ],
  [
    'a class by its Chinese name',
    `zones: [{ id: a, polygon: ${POLYGON}, count: [人] }]`,
    /count\[0\]: .*no class "人": did you mean "person"/,
  ],
  ['nothing measured', `zones: [{ id: a, polygon: ${POLYGON} }]`, /zones\[0\]: .*measures nothing/],
  ['no ground', `zones: [{ id: a, polygon: ${POLYGON}, density: true }]`, /density: .*needs homography/],
  [
    'sky',
    `zones: [{ id: a, polygon: [[0, 0], [1, 0], [1, 1]], density: true }], homography: ${GROUND.replaceAll('0.2,', '0.4,').replaceAll('0.8,', '0.6,')}`,
    /polygon: .*horizon/,
  ],
  [
    'ground on one line',
    'homography: { picture: [[0, 0], [0.5, 0.5], [1, 1], [0, 1]], ground: [[0, 20], [10, 20], [10, 0], [0, 0]] }',
    /ground: .*one line/,
  ],
  [
    'the same name twice',
    `zones: [{ id: a, polygon: ${POLYGON}, count: [person] }], lines: [{ id: a, from: [0, 0], to: [1, 0], inside: [0.5, 1] }]`,
    /lines\[0\]\.id: .*another zone or line/,
  ],
  [
    'a point twice',
    `zones: [{ id: a, polygon: ${POLYGON}, count: [person], present: [{ id: persons, of: [person], indicator: X }] }]`,
    /present\[0\]\.id: .*a\.persons/,
  ],
  ['a line without length', 'lines: [{ id: a, from: [0.5, 0.5], to: [0.5, 0.5], inside: [0.5, 1] }]', /to: .*one place/],
  ['no side', 'lines: [{ id: a, from: [0, 0.5], to: [1, 0.5], inside: [0.5, 0.5] }]', /inside: .*no side/],
  ['limits that fall', `zones: [{ id: a, polygon: ${POLYGON}, crowd: [3, 2] }], homography: ${GROUND}`, /crowd: .*rise/],
  [
    'a corner twice',
    'zones: [{ id: a, polygon: [[0, 0], [1, 0], [1, 1], [0, 0]], count: [person] }]',
    /polygon: .*corner 4 is where the next one is/,
  ],
  ['a class counted twice', `zones: [{ id: a, polygon: ${POLYGON}, count: [person, person] }]`, /count\[1\]: .*a\.persons/],
  [
    'a way that goes nowhere',
    `zones: [{ id: a, polygon: ${POLYGON}, wrongWay: { from: [0.5, 0.5], to: [0.5, 0.5] } }]`,
    /wrongWay: .*no way/,
  ],
  ['a mask that hides nothing', 'mask: [[[0, 0], [0.5, 0.5], [1, 1]]]', /mask\[0\]: .*hides nothing/],
  ['no time of day', `zones: [{ id: a, polygon: ${POLYGON}, intrusion: { schedule: [{ from: "25:00", to: "06:00" }] } }]`, /from: .*25:00/],
];
for (const [what, settings, problem] of wrong) {
  test(`${what}: said once, with its place, and no word about points that hang on it`, async () => {
    const { problems } = await check(settings, '[{ id: a.persons, limits: [30] }]');
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] as string, problem);
  });
}

test('what counts neither people nor vehicles alone has no indicator of its own: the file says it', async () => {
  const zones = `zones: [{ id: a, polygon: ${POLYGON}, count: [dog, truck], stopped: { of: [truck, bus] } }], lines: [{ id: l, from: [0, 0.5], to: [1, 0.5], inside: [0.5, 0.9], of: [person, vehicle] }]`;
  assert.deepEqual(
    (await check(zones)).problems.map((text) => text.split(' ')[1]),
    ['CV_SETTING_MISSING', 'CV_SETTING_MISSING', 'CV_SETTING_MISSING'],
  );
  const { points, problems } = await check(
    zones,
    '[{ id: a.dog, indicator: X-1 }, { id: l.in, indicator: X-2 }, { id: l.out, indicator: X-3 }]',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    ofScene(points).map(({ id, indicator }) => `${id} ${indicator}`),
    ['a.dog X-1', 'a.truck SS-TRF-004', 'a.stopped SS-TRF-003', 'l.in X-2', 'l.out X-3'],
  );
});

const MANIFEST = `name: helmets-640
version: "1"
task: object-detection
licence: none
source: here
file: helmets.onnx
sha256: ${'a'.repeat(64)}
input: { name: images, shape: [1, 3, 640, 640], layout: NCHW, color: RGB, fit: letterbox }
outputs: { output0: [1, 7, 8400] }
family: yolov8
classes: [helmet, { en: no helmet, zh: 未戴安全帽 }, person]
scoreThreshold: 0.4
indicators: { no helmet: AQ-PPE-001, person: AQ-PPE-002 }
`;
const OWN = 'model: ./models/helmets.yaml';
const FILES = { '/models/helmets.yaml': MANIFEST };

test("a model of one's own: its classes are held against its manifest, as wherever else with their place", async () => {
  const { problems } = await check(
    `${OWN}, zones: [{ id: a, polygon: ${POLYGON}, present: [{ id: bare, of: [no-helmet] }], count: [car] }], indicators: { cap: X-1 }`,
    '[]',
    FILES,
  );
  assert.equal(problems.length, 3, problems.join('\n'));
  for (const wrong of [
    /zones\[0\]\.count\[0\]: .*no class "car"/,
    /present\[0\]\.of\[0\]: .*no class "no-helmet": did you mean "no helmet"/,
    /indicators\.cap: .*no class "cap"/,
  ])
    assert.match(problems.join('\n'), wrong);
});

test('a class that is named in Chinese alone cannot name a point: count says so, present takes it', async () => {
  const files = { '/models/helmets.yaml': MANIFEST.replace('[helmet,', '[安全帽, 反光衣,') };
  const { problems } = await check(`${OWN}, zones: [{ id: a, polygon: ${POLYGON}, count: [安全帽, 反光衣] }]`, '[]', files);
  assert.deepEqual(
    problems.map((text) => text.replace(/;.*/, '')),
    [0, 1].map(
      (at) =>
        `devices[0].settings.zones[0].count[${at}]: CV_SETTING_INVALID "${at === 0 ? '安全帽' : '反光衣'}" has no letters to name its point by: give the class an English name in the model's manifest, { en: helmet, zh: ${at === 0 ? '安全帽' : '反光衣'} }, and write that`,
    ),
  );
  assert.deepEqual(
    (await check(`${OWN}, zones: [{ id: a, polygon: ${POLYGON}, present: [{ id: helmet, of: [安全帽], indicator: X-1 }] }]`, '[]', files))
      .problems,
    [],
  );
});

test('what a class stands for comes from the manifest, unless the settings or the point say otherwise', async () => {
  const indicatorsOf = async (settings: string, points = '[]') => {
    const checked = await check(`${OWN}, ${settings}`, points, FILES);
    assert.deepEqual(checked.problems, []);
    return ofScene(checked.points).map(({ id, indicator }) => `${id} ${indicator}`);
  };
  const zone = (rest: string) => `zones: [{ id: a, polygon: ${POLYGON}, ${rest} }]`;
  assert.deepEqual(
    await indicatorsOf(
      zone('count: ["no helmet", person], present: [{ id: bare, of: [no helmet] }, { id: other, of: [no helmet], indicator: X-2 }]'),
    ),
    ['a.no-helmet AQ-PPE-001', 'a.persons AQ-PPE-002', 'a.bare AQ-PPE-001', 'a.other X-2'],
  );
  assert.deepEqual(
    await indicatorsOf(`${zone('count: [helmet], present: [{ id: bare, of: [no helmet] }]')}, indicators: { helmet: X-3, no helmet: X-4 }`),
    ['a.helmet X-3', 'a.bare X-4'],
  );
  assert.deepEqual(await indicatorsOf(zone('present: [{ id: any, of: [helmet, no helmet] }]'), '[{ id: a.any, indicator: X-5 }]'), [
    'a.any X-5',
  ]);
  const { problems } = await check(`${OWN}, ${zone('present: [{ id: any, of: [helmet, no helmet] }]')}`, '[]', FILES);
  assert.deepEqual(problems.map((text) => text.split(' ')[1]), ['CV_SETTING_MISSING'], 'two classes that do not stand for the same');
});

test('a manifest that cannot be read is told where points hang on it; where none does, the edge can start without it', async () => {
  const present = await check(`${OWN}, zones: [{ id: a, polygon: ${POLYGON}, present: [{ id: bare, of: [no helmet] }] }]`);
  assert.deepEqual(present.problems.map((text) => text.split(' ')[1]).toSorted(), ['CV_MODEL_MANIFEST', 'CV_SETTING_MISSING']);
  assert.deepEqual((await check(`${OWN}, zones: [{ id: a, polygon: ${POLYGON}, count: [person] }]`)).problems, []);
});

test('where the settings are sound, a point that does not follow from them is unknown', async () => {
  const { problems } = await check(`zones: [{ id: gate, polygon: ${POLYGON}, count: [person] }]`, '[{ id: gate.person }]');
  assert.equal(problems.length, 1);
  assert.match(problems[0] as string, /CV_POINT_UNKNOWN.*gate\.persons/);
});

test('the guide is right: its file passes the check, its classes need a model of one\'s own, and it names every measure', async () => {
  const guide = await readFile(join(import.meta.dirname, '../../docs/zones.md'), 'utf8');
  const [file = '', present = ''] = [...guide.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text);
  const { points, problems } = await checkText(file);
  assert.deepEqual(problems, []);
  assert.ok(points.length > 12);
  const polygon = [[0, 0], [1, 0], [1, 1]];
  const smoke = cameraSettings.safeParse({ url: 'file:a', zones: [{ id: 'z', polygon, ...(parse(present) as object) }] });
  assert.deepEqual(
    smoke.error?.issues.map(({ path }) => path.join('.')),
    ['zones.0.present.0.of.0', 'zones.0.present.0.of.1'],
  );
  const all = cameraSettings.parse({
    url: 'file:a',
    homography: parse(GROUND) as never,
    lines: [{ id: 'l', from: [0, 0.5], to: [1, 0.5], inside: [0.5, 0.9] }],
    zones: [
      {
        id: 'z',
        polygon: [
          [0.1, 0.5],
          [0.9, 0.5],
          [0.9, 1],
        ],
        count: ['person', 'vehicle'],
        density: true,
        crowd: [1],
        dwell: {},
        loitering: {},
        intrusion: {},
        wrongWay: { from: [0, 0], to: [1, 1] },
        queue: {},
        stopped: {},
        abandoned: {},
        removed: { of: ['bench'] },
      },
    ],
  });
  for (const id of Object.keys(scenePoints(all))) assert.match(guide, new RegExp(`\\| [^|]*\`${id.slice(2)}\`[^|]*\\|`), id);
});
