/** What `check` and `discover` say of devices that speak, in full; what is set wrong, before anything opens. */
import assert from 'node:assert/strict';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import driver from './driver.ts';
import { loadDescription, loadProtocol, readDescription, shippedDescriptions } from './load-description.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { discover } from './discover.ts';
import { examine } from './examine.ts';
import { probe } from './probe.ts';
import { fakeNet, FakeSocket } from './testing/net.ts';

const ASKED =
  'version: 1\ntitle: { zh: 仪表, en: Meter }\nheader: "AA"\nfixed: 4\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nmessages: [{ name: a, when: { kind: 1 }, fields: [{ name: x }] }, { name: b, when: { kind: 2 }, fields: [{ name: y, type: ascii, size: 1 }] }]\npolls: [{ send: "AA 01 {identity} 00" }]\n';

const { dir: folder, remove } = await tempDir();
before(async () => {
  await writeFile(join(folder, 'asked.yaml'), ASKED);
  await writeFile(join(folder, 'heard.yaml'), ASKED.slice(0, ASKED.indexOf('polls')));
  await writeFile(join(folder, 'nobody.yaml'), ASKED.slice(0, ASKED.indexOf('polls')).replace('identity: id\n', ''));
});
after(remove);

const at = (name: string, more: Record<string, unknown>) => settings.parse({ description: join(folder, `${name}.yaml`), ...more });

/** Runs until it has settled, on virtual time. @returns what it gave, and after how many ms */
async function timed<T>(net: ReturnType<typeof fakeNet>, work: Promise<T>): Promise<[T, number]> {
  const from = net.clock.nowMs();
  let isOver = false;
  const over = work.finally(() => { isOver = true; });
  over.catch(() => {});
  while (!isOver) await net.clock.advanceMs(100);
  return [await over, net.clock.nowMs() - from];
}

test('a probe listens for 35 seconds, or until the device that it is for has spoken', async () => {
  const net = fakeNet();
  const udp = at('heard', { transport: 'udp', listen: '0.0.0.0:1', identity: '0b' });
  const [none, waited] = await timed(net, probe(udp, [], net.world, new AbortController().signal));
  assert.deepEqual(none, [{ en: 'Meter: no device sent anything within 35 s', zh: '仪表：35 秒内没有设备上报' }]);
  assert.ok(waited >= 35_000 && waited <= 35_200, `${waited}`);
  assert.equal(net.bound[0]?.isClosed, true);
  const work = probe(udp, [], net.world, new AbortController().signal);
  await net.clock.advanceMs(0);
  net.bound[1]?.emitDatagram('AA 01 0C 00 AA 02 0C 41 AA 09 0C 00', { host: '10.0.0.2', port: 9 });
  net.bound[1]?.emitDatagram('AA 01 0B 00');
  const [found, soon] = await timed(net, work);
  assert.deepEqual(found, [
    { en: 'another device: 0C from 10.0.0.2:9, sends a, b, ?', zh: '其他设备：0C，来自 10.0.0.2:9，上报 a、b、?' },
    { en: 'this device: 0B from 10.0.0.1:5000, sends a', zh: '本设备：0B，来自 10.0.0.1:5000，上报 a' },
  ]);
  assert.ok(soon < 1000);
  assert.deepEqual(net.codes(), [], 'who is listened for is no stranger');
});

test('without an identity whoever speaks is the device; without one in the description it goes by its title', async () => {
  const net = fakeNet();
  const work = probe(at('nobody', { transport: 'udp', listen: '0.0.0.0:1' }), [], net.world, new AbortController().signal);
  await net.clock.advanceMs(0);
  net.bound[0]?.emitDatagram('AA 01 0C 00');
  assert.deepEqual((await timed(net, work))[0], [
    { en: 'this device: Meter from 10.0.0.1:5000, sends a', zh: '本设备：仪表，来自 10.0.0.1:5000，上报 a' },
  ]);
});

test('an instrument is asked while it is listened to, and not after; a line that ends ends the probe', async () => {
  const net = fakeNet();
  const dialled = at('asked', { host: '10.0.0.9', port: 1, identity: '0b' });
  const work = probe(dialled, [], net.world, new AbortController().signal);
  await net.clock.advanceMs(1);
  const socket = net.dialled[0]?.socket as FakeSocket;
  assert.deepEqual(socket.sent, ['aa010b00']);
  socket.emitData('AA 01 0B 07');
  assert.deepEqual((await timed(net, work))[0].map(({ en }) => en), ['this device: 0B from 10.0.0.9:1, sends a']);
  const said = socket.sent.length;
  await net.clock.advanceMs(60_000);
  assert.equal(socket.sent.length, said);
  assert.equal(socket.destroyed, true);
  const cut = probe(dialled, [], net.world, new AbortController().signal);
  await net.clock.advanceMs(1);
  net.dialled[1]?.socket.destroy();
  const [none, waited] = await timed(net, cut);
  assert.match(String(none[0]?.en), /no device sent anything/);
  assert.ok(waited < 1000, `${waited}`);
});

test('a probe that is called off says so, and leaves nothing open', async () => {
  const net = fakeNet();
  const stop = new AbortController();
  const work = probe(at('asked', { host: '10.0.0.9', port: 1 }), [], net.world, stop.signal);
  const rejected = assert.rejects(work, /called off/);
  await net.clock.advanceMs(1);
  stop.abort(new Error('called off'));
  await net.clock.advanceMs(1);
  await rejected;
  assert.equal(net.dialled[0]?.socket.destroyed, true);
});

test('discover gives each field once, with its last value; of this device alone, for the whole time', async () => {
  const net = fakeNet();
  const work = discover(at('heard', { transport: 'udp', listen: '0.0.0.0:1', identity: '0b' }), net.world, new AbortController().signal);
  await net.clock.advanceMs(0);
  for (const hex of ['AA 01 0B 05', 'AA 02 0C 41', 'AA 01 0B 06', 'AA 02 0B 42', 'AA 09 0B 00']) net.bound[0]?.emitDatagram(hex);
  const [found, waited] = await timed(net, work);
  const row = (name: string, value: number | string) => ({ name, point: { read: name }, type: typeof value, value });
  assert.deepEqual(found, [row('a.kind', 1), row('a.id', '0B'), row('a.x', 6), row('b.kind', 2), row('b.id', '0B'), row('b.y', 'B')]);
  assert.ok(waited >= 35_000);
});

test('what a driver knows of a point by its description; without one, or of another field, nothing', () => {
  const own = settings.parse({ description: 'shipped:compound-terminal', listen: '0.0.0.0:1' });
  const known = (read: string, given: typeof own | null = own) =>
    [driver.pointDefaults, driver.unitless].map((ask) => ask?.({ id: 'p', ...point.parse({ read }) }, given ?? undefined));
  assert.deepEqual(known('state.temperature'), [{ unit: 'Cel' }, false]);
  assert.deepEqual(known('tags.reads.epc'), [{ kind: 'occurrence' }, true]);
  assert.deepEqual(known('state.doorOpen'), [{ kind: 'state' }, true]);
  assert.deepEqual(known('state.power'), [{}, true]);
  assert.deepEqual(known('crowd.nothing'), [{}, true]);
  assert.deepEqual(known('state.temperature', null), [{}, true]);
  assert.deepEqual(known('state.temperature', { ...own, description: '/nowhere.yaml' }), [{}, true]);
});

test('a description is read again when its file has changed, and not before', async () => {
  const file = join(folder, 'changing.yaml');
  await writeFile(file, ASKED);
  await utimes(file, 1000, 1000);
  const first = loadDescription(file);
  assert.equal(loadDescription(file), first);
  await utimes(file, 1001, 1001);
  const second = loadDescription(file);
  assert.notEqual(second, first);
  await writeFile(file, `${ASKED}# more\n`);
  await utimes(file, 1001, 1001);
  assert.notEqual(loadDescription(file), second, 'of another length');
  await writeFile(file, `# ${'x'.repeat((1 << 20) - Buffer.byteLength(ASKED) - 3)}\n${ASKED}`);
  assert.deepEqual(loadDescription(file).faults, [], 'as long as may be');
  await writeFile(file, `# ${'x'.repeat((1 << 20) - Buffer.byteLength(ASKED) - 2)}\n${ASKED}`);
  assert.deepEqual(loadDescription(file).faults, [
    {
      code: 'CV_DESCRIBED_FILE',
      params: { file, detail: `${(1 << 20) + 1} bytes`, shipped: 'shipped:compound-terminal, shipped:water-level, shipped:weighbridge' },
    },
  ]);
  assert.deepEqual(loadDescription('shipped:nothing').faults, [
    {
      code: 'CV_DESCRIBED_FILE',
      params: { file: 'shipped:nothing', detail: 'ENOENT', shipped: 'shipped:compound-terminal, shipped:water-level, shipped:weighbridge' },
    },
  ]);
  assert.deepEqual(shippedDescriptions(), ['compound-terminal', 'water-level', 'weighbridge']);
  assert.equal(loadDescription('shipped:../descriptions/weighbridge').faults.length, 0, 'no other folder');
  assert.throws(
    () => loadProtocol('/nowhere.yaml'),
    (error) => error instanceof FaultError && error.fault.code === 'CV_DESCRIBED_FILE' && error.fault.params.detail === 'ENOENT',
  );
  assert.equal(loadProtocol('shipped:weighbridge').title.en, 'Weighing indicator (example)');
  const [fault] = readDescription('d.yaml', 'version: 1\n  x: [').faults;
  assert.equal(fault?.code, 'CV_DESCRIBED_INVALID');
});

test('what an installer writes wrongly is told, in both languages', () => {
  const base = { description: 'x' };
  const told = (written: Record<string, unknown>) => {
    const read = settings.safeParse({ ...base, ...written });
    return read.success ? [] : read.error.issues.map(({ path }) => path.join('.'));
  };
  const rows: [written: Record<string, unknown>, paths: string[]][] = [
    [{ listen: '0.0.0.0:7600' }, []],
    [{ host: 'h', port: 1 }, []],
    [{ transport: 'udp', listen: '[::]:7600' }, []],
    [{ transport: 'udp', host: 'h', port: 65_535 }, []],
    [{ transport: 'serial', port: '/dev/ttyS1' }, []],
    [{}, ['listen']],
    [{ listen: '0.0.0.0:1', host: 'h', port: 1 }, ['listen']],
    [{ host: 'h' }, ['port']],
    [{ host: 'h', port: '/dev/ttyS1' }, ['port']],
    [{ transport: 'serial' }, ['port']],
    [{ transport: 'serial', port: 1 }, ['port']],
    [{ host: 'h', port: 0 }, ['port']],
    [{ host: 'h', port: 65_536 }, ['port']],
    [{ listen: '7600' }, ['listen']],
    [{ listen: '0.0.0.0:123456' }, ['listen']],
    [{ listen: 'h:1', baudRate: 299 }, ['baudRate']],
    [{ listen: 'h:1', baudRate: 300 }, []],
    [{ listen: 'h:1', baudRate: 4_000_000 }, []],
    [{ listen: 'h:1', baudRate: 4_000_001 }, ['baudRate']],
    [{ listen: 'h:1', dataBits: 6 }, ['dataBits']],
    [{ listen: 'h:1', dataBits: 7, stopBits: 2, parity: 'odd' }, []],
    [{ listen: 'h:1', stopBits: 3 }, ['stopBits']],
    [{ listen: 'h:1', parity: 'mark' }, ['parity']],
    [{ listen: 'h:1', identity: '' }, ['identity']],
    [{ listen: 'h:1', identity: 'x'.repeat(64) }, []],
    [{ listen: 'h:1', identity: 'x'.repeat(65) }, ['identity']],
    [{ listen: 'h:1', identity: 'a b' }, ['identity']],
    [{ listen: 'h:1', pollEvery: '49ms' }, ['pollEvery']],
    [{ listen: 'h:1', pollEvery: '50ms' }, []],
    [{ listen: 'h:1', pollEvery: '1d' }, []],
    [{ listen: 'h:1', pollEvery: '25h' }, ['pollEvery']],
    [{ listen: 'h:1', description: '' }, ['description']],
  ];
  for (const [written, paths] of rows) assert.deepEqual(told(written), paths, JSON.stringify(written));
  const words = (written: Record<string, unknown>) => JSON.stringify(settings.safeParse({ ...base, ...written }).error?.issues);
  for (const [written, en, zh] of [
    [
      {},
      'either `listen` (devices connect to us) or `host` and `port` (we connect to the device)',
      'listen（设备接入）与 host 加 port（主动连接）须有且只有一种',
    ],
    [{ transport: 'serial' }, 'serial needs a port such as /dev/ttyUSB0', 'serial 需要串口，如 /dev/ttyUSB0'],
    [{ host: 'h' }, 'a host needs a port number', '写了 host 就需要端口号'],
    [{ listen: 'h:1', pollEvery: '49ms' }, 'must be from 50ms to 1d', '必须在 50ms 到 1d 之间'],
  ] as const)
    assert.ok(
      [en, zh].every((said) => words(written).includes(`"${said}"`)),
      words(written),
    );
  assert.deepEqual(settings.parse({ ...base, listen: 'h:1' }), {
    description: 'x',
    transport: 'tcp',
    listen: 'h:1',
    baudRate: 9600,
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
  });
  assert.deepEqual(point.parse({ read: 'a.b' }), { read: 'a.b', where: {} });
  for (const [read, isRight] of [
    ['a', false],
    ['a.b', true],
    ['a.b.c.d.e', true],
    ['a.b.c.d.e.f', false],
    ['1.b', false],
  ] as const)
    assert.equal(point.safeParse({ read }).success, isRight, read);
});

test('what does not fit the description is told before anything opens, in full', async () => {
  const own = settings.parse({ description: 'shipped:compound-terminal', listen: '0.0.0.0:1', identity: '12' });
  const points = [
    { id: 'a', read: 'crowd.x' },
    { id: 'b', read: 'tags.reads.epc', where: { epc: 30, x: 1, antenna: 1 } },
  ].map((one) => ({ id: one.id, ...point.parse(one) }) as ConfiguredFramePoint);
  const faults = await examine(own, points);
  assert.deepEqual(
    faults.map(({ code, params }) => [code, params.problem ?? params.read, params.problemZh]),
    [
      ['CV_DESCRIBED_IDENTITY', 'it does not fit the identity field of the description', '与描述中的标识字段不符'],
      ['CV_DESCRIBED_POINT', 'crowd.x', undefined],
      ['CV_DESCRIBED_WHERE', '30: hex digits must be quoted, two per byte, such as "901F"', '30：十六进制须加引号，每字节两位，如 "901F"'],
      ['CV_DESCRIBED_WHERE', 'there is no such field in the same message or repetition', '其旁没有该字段'],
    ],
  );
  assert.match(String(faults[1]?.params.known), /^heartbeat\.terminal, heartbeat\.number, /);
  assert.match(String(faults[3]?.params.known), /terminal, number, kind, /);
});
