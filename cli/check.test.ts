import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realFiles } from '../core/world.ts';
import centernet320 from '../models/centernet-320/model.ts';
import { manifestText } from '../models/manifest-text.ts';
import { graphPath, verifyModel } from '../models/verify.ts';
import { startDevice, type DeviceProcess } from '../test-rigs/processes/device.ts';

let folder: string;
let pump: DeviceProcess;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cv-check-'));
  pump = await startDevice('pump', join(import.meta.dirname, '../test-rigs/town/pump-station.ts'), ['--port', '0', '--seed', '1']);
});
after(async () => {
  await pump.stop();
  await rm(folder, { recursive: true });
});

interface Run {
  code: number;
  lines: Record<string, unknown>[];
  out: string;
}

async function check(yaml: string, ...more: string[]): Promise<Run> {
  const file = join(folder, `${Math.abs(hash(yaml))}.yaml`);
  await writeFile(file, yaml);
  const env = { ...process.env, CITYVITALS_LANG: 'en', HOME: folder };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'check', '--config', file, ...more], { env }, (error, out) => {
      const lines = more.includes('--json')
        ? out
            .trim()
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as Record<string, unknown>)
        : [];
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, lines, out });
    });
  });
}
const hash = (text: string): number => [...text].reduce((sum, char) => (Math.imul(sum, 31) + (char.codePointAt(0) ?? 0)) | 0, 7);

const edge = (devices: string) => `edge: e1\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:1883 }\ndevices:\n${devices}`;
const plc = (id: string, port: number) => `  - id: ${id}
    driver: modbus
    timeout: 300ms
    settings: { host: 127.0.0.1, port: ${port} }
    points:
      - { id: level, address: "holding:100", type: float32, unit: m, indicator: A, scale: 100, range: [0, 1000] }
      - { id: nothing, address: "holding:9000", unit: m, indicator: B }
      - { id: running, address: "coil:3", indicator: C }
`;
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

test('a unit that cannot become that of the catalogue is told with what is wanted, exit 2; so is a catalogue that cannot be read', async () => {
  const catalogue = join(import.meta.dirname, '..', 'configs', 'catalogue', 'yj-emergency.yaml');
  const device = (unit: string) =>
    edge(
      `  - { id: plc, driver: modbus, settings: { host: 127.0.0.1, port: 9 }, points: [{ id: level, address: "holding:1", unit: ${unit}, indicator: YJ-FLD-001 }] }\n`,
    );
  const wrong = await check(`${device('kg')}catalogue: ["${catalogue}"]\n`, '--json', '--offline');
  assert.equal(wrong.code, 2);
  assert.deepEqual(
    wrong.lines
      .filter((line) => 'fault' in line)
      .map(({ device: of, fault, message }) => [of, fault, /plc\/level.*"kg".*"m"/.test(String(message))]),
    [['plc', 'CV_UNIT_UNCONVERTIBLE', true]],
  );
  assert.equal((await check(`${device('cm')}catalogue: ["${catalogue}"]\n`, '--json', '--offline')).code, 0);
  const broken = await check(`${device('cm')}catalogue: ["${import.meta.filename}"]\n`, '--json', '--offline');
  assert.equal(broken.code, 2);
  assert.equal(broken.lines.filter((line) => 'fault' in line).length, 1);
});

test('each point is read once, scaled and checked; a device that is not there is told, others go on; exit 1', async () => {
  const dead = await closedPort();
  const { code, lines } = await check(edge(plc('dead', dead) + plc('plc', pump.port)), '--json');
  assert.equal(code, 1);
  const samples = lines.filter((line) => 'point' in line);
  assert.deepEqual(samples.map(({ device, point, quality, unit }) => [device, point, quality, unit]), [
    ['plc', 'level', 'good', 'm'], ['plc', 'nothing', 'bad', 'm'], ['plc', 'running', 'good', ''],
  ]);
  assert.ok((samples[0]?.value as number) > 150 && (samples[0]?.value as number) < 400, 'scale is applied');
  assert.equal(samples[1]?.value, null);
  assert.equal(typeof samples[2]?.value, 'boolean');
  const faults = lines.filter((line) => 'fault' in line);
  assert.deepEqual(faults.map(({ device, fault }) => [device, fault])[0], ['dead', 'CV_LINK_REFUSED']);
  assert.ok(faults.every((fault) => fault.message && 'remedy' in fault && fault.stage && fault.at));
  assert.match(String(faults[0]?.message), new RegExp(`127\\.0\\.0\\.1:${dead}`));
});

test('for people: values with unit, quality and time taken; exit 0 when all is well', async () => {
  const { code, out } = await check(edge(plc('plc', pump.port).replace(/.*nothing.*\n/, '')));
  assert.equal(code, 0, out);
  assert.match(out, /level +\d+(\.\d+)? m +good +\d+ ms/);
  assert.match(out, /running +(true|false) +good/);
});

test('a wrong file: every problem as a line of its own, exit 2, and no device is opened', async () => {
  const { code, lines } = await check(
    edge(plc('plc', pump.port)).replace('holding:100', 'hold:100').replace('e1', 'E 1').replace('    timeout', '    timout'),
    '--json',
  );
  assert.equal(code, 2);
  assert.deepEqual(
    lines.map(({ line, fault }) => `${line} ${fault}`),
    ['1 CV_SETTING_INVALID', '7 CV_SETTING_UNKNOWN', '10 CV_SETTING_INVALID'],
  );
  assert.deepEqual(Object.keys(lines[0] ?? {}), ['file', 'line', 'column', 'path', 'fault', 'message', 'remedy']);
});

test('a part that is missing on this machine is told before anything opens, offline too: exit 3', async () => {
  const { code, lines } = await check(
    edge('  - { id: cam, driver: camera, settings: { url: "file:./no-such-clip.avi" } }\n'),
    '--json',
    '--offline',
  );
  assert.equal(code, 3);
  assert.equal(lines[0]?.fault, 'CV_VIDEO_MISSING');
  assert.match(String(lines[0]?.message), new RegExp(folder), 'the clip is looked for beside the file');
});

const graphFault = await verifyModel(centernet320, realFiles);

test(
  "each camera's model is run once, on its picture: what it sees, or what is wrong with it",
  { skip: graphFault ? graphFault.code : false },
  async () => {
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=gray:size=64x48:rate=5',
      '-frames:v',
      '10',
      '-c:v',
      'mjpeg',
      join(folder, 'grey.avi'),
    ]);
    // Numbers that are too large for the graph become none on the way through it.
    await writeFile(
      join(folder, 'bright.yaml'),
      manifestText({
        ...centernet320,
        id: 'bright',
        file: graphPath(centernet320),
        input: { ...centernet320.input, scale: [1e38, 1e38, 1e38] },
      }),
    );
    const camera = (id: string, model: string) =>
      `  - { id: ${id}, driver: camera, settings: { url: "file:./grey.avi", speed: max, model: ${model} } }\n`;
    const yaml = edge(camera('bad', './bright.yaml') + camera('well', 'centernet-320'));
    const [{ code, lines }, { out }] = await Promise.all([check(yaml, '--json'), check(`${yaml}# for people\n`)]);
    assert.equal(code, 1);
    assert.deepEqual(
      lines.map(({ device, fault, model, seen, point, value }) => [device, fault ?? model ?? point, seen ?? value]),
      [
        ['bad', 'CV_MODEL_OUTPUT', undefined],
        ['well', 'centernet-320', {}],
        ['well', 'persons', 0],
        ['well', 'vehicles', 0],
        ['well', 'occupancy', 0],
      ],
    );
    assert.match(
      out,
      /well \(camera\)[\s\S]*centernet-320 \(cpu\) detected no configured class in \d+ ms\n {2}persons +0 \{person\} +good/,
    );
  },
);

test('a gateway file is known by its keys', async () => {
  const { code, out } = await check('gateway: g1\ncentre: "500112001"\nbroker: { embeded: {} }\n', '--json');
  assert.equal(code, 2);
  assert.match(out, /embedded/);
});

test('no file: exit 2', async () => {
  const run = await new Promise<number>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'check', '--config', join(folder, 'none.yaml')], (error) =>
      resolve(Number(error?.code)),
    );
  });
  assert.equal(run, 2);
});
