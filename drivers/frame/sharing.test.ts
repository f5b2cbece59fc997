/** Several descriptions on one port: who gets which frame, and what cannot share. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { explain, FaultError, type Fault } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { freePort } from '../../core/free-port.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realNet } from '../../core/world.ts';
import { checkTogether } from './check-together.ts';
import { unstuff } from './cutter.ts';
import { decode } from './decode.ts';
import type { DescribedFrame } from './frame.ts';
import { open, type FrameLink } from './link.ts';
import { loadDescription, readDescription } from './load-description.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { byCondition, sharingProblem } from './sharing.ts';
import type { FrameProtocol } from './protocol.ts';
import { discover } from './discover.ts';
import { probe } from './probe.ts';

const GUIDE = readFileSync(new URL('../../docs/described-frames.md', import.meta.url), 'utf8');
const guideOf = (edition: string) =>
  new RegExp(`\`\`\`yaml\\n(version: 1\\ntitle: \\{ zh: 车载终端（JT/T 808-${edition}）[\\s\\S]*?)\`\`\``).exec(GUIDE)?.[1] ?? '';

const A =
  'version: 1\ntitle: { zh: 甲, en: alpha }\nheader: "AA"\nfixed: 6\nchecksum: { type: sum8 }\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nwhen: { kind: 1 }\nmessages: [{ name: a, fields: [{ name: x }] }]\n';
const B = A.replace('alpha', 'beta')
  .replace('甲', '乙')
  .replace('name: kind', 'name: what')
  .replace('when: { kind: 1 }', 'when: { what: [2, 3] }')
  .replace('name: a,', 'name: b,');
const REST = A.replace('alpha', 'rest').replace('when: { kind: 1 }\n', '').replace('name: a,', 'name: rest,');

const { dir: folder, remove } = await tempDir();
const fileOf = (name: string) => join(folder, `${name}.yaml`);
before(async () => {
  const files = {
    a: A,
    b: B,
    rest: REST,
    same: A.replace('alpha', 'other'),
    longer: A.replace('fixed: 6', 'fixed: 7').replace('kind: 1', 'kind: 9'),
    'jt808-2013': guideOf('2013'),
    'jt808-2019': guideOf('2019'),
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(fileOf(name), text)));
});
after(remove);

/** AA kind id x 00 sum. */
const frame = (kind: number, id: number, x: number) => Buffer.from([0xaa, kind, id, x, 0, (0xaa + kind + id + x) & 0xff]);

function testbed() {
  const world = testWorld();
  return {
    world: { ...world, net: { ...realNet } },
    clock: world.clock,
    faults: (): Fault[] => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : [])),
    lost: () => world.told.flatMap((event) => (event.kind === 'samples_lost' ? [event.reason] : [])),
    unknown: () => world.told.flatMap((event) => (event.kind === 'unknown_device' ? [event.yaml] : [])),
  };
}

const pointOf = (read: string) => ({ id: read, ...point.parse({ read }) }) as ConfiguredFramePoint;

/** What a link gives, as it comes. */
function heardBy(link: FrameLink): { values: unknown[]; stop: AbortController; over: Promise<void> } {
  const [values, stop] = [[] as unknown[], new AbortController()];
  const over = (async () => {
    for await (const one of linkFrames(link, stop.signal)) {
      const decoded = decode(one as DescribedFrame);
      values.push(...(decoded.ok ? (decoded.values ?? []).map(({ point: id, value }) => `${id} ${String(value)}`) : [decoded.fault.code]));
    }
  })().catch(() => {});
  return { values, stop, over };
}

async function dialled(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
  });
  return socket;
}

test('frames of one connection go to the description whose condition holds, of one port; each device gets its own', async () => {
  const { world, clock, faults, lost, unknown } = testbed();
  const port = await freePort();
  const at = (name: string, identity: string) => settings.parse({ description: fileOf(name), listen: `127.0.0.1:${port}`, identity });
  const links = await Promise.all([
    open(at('rest', '07'), [pointOf('rest.x')], world),
    open(at('a', '07'), [pointOf('a.x')], world),
    open(at('b', '07'), [pointOf('b.x')], world),
    open(at('b', '08'), [pointOf('b.x')], world),
  ]);
  const heard = links.map(heardBy);
  const socket = await dialled(port);
  socket.write(Buffer.concat([frame(1, 7, 10), frame(2, 7, 20), frame(3, 8, 30), frame(9, 7, 40), frame(2, 9, 50), frame(1, 7, 11)]));
  await until(() => heard[1]?.values.length === 2 && faults().length > 0);
  assert.deepEqual(
    heard.map(({ values }) => values),
    [['rest.x 40'], ['a.x 10', 'a.x 11'], ['b.x 20'], ['b.x 30']],
  );
  assert.deepEqual(
    faults().map(({ code, params }) => [code, params.identity]),
    [['CV_DESCRIBED_UNKNOWN', '09']],
  );
  assert.match(String(unknown()[0]), new RegExp(`description: ${fileOf('b')}`), 'the lines that take it in name its description');
  assert.deepEqual(lost(), ['point_unknown']);
  // One description is left: its frames still come, those of the others are told.
  await links[0]?.close();
  socket.destroy();
  for (const link of links) await link.close();
  for (const { stop, over } of heard) {
    stop.abort();
    await over;
  }
  await clock.advanceMs(300);
});

test('a frame of no description is counted each time and told once a connection, with its first bytes; too short a one is no frame', async () => {
  const { world, clock, faults, lost } = testbed();
  const port = await freePort();
  const at = (name: string) => settings.parse({ description: fileOf(name), listen: `127.0.0.1:${port}` });
  const links = await Promise.all([open(at('a'), [pointOf('a.x')], world), open(at('b'), [pointOf('b.x')], world)]);
  const heard = links.map(heardBy);
  const socket = await dialled(port);
  socket.write(Buffer.concat([frame(8, 1, 1), frame(9, 1, 2), frame(1, 1, 3)]));
  await until(() => heard[0]?.values.length === 1);
  assert.deepEqual(
    heard.map(({ values }) => values),
    [['a.x 3'], []],
  );
  assert.deepEqual(lost(), ['frame_unreadable', 'frame_unreadable']);
  const [fault, ...more] = faults();
  assert.equal(more.length, 0);
  assert.equal(fault?.code, 'CV_DESCRIBED_UNCLAIMED');
  assert.match(explain(fault as Fault, 'en').message, new RegExp(`127\\.0\\.0\\.1:${port} \\(.*aa08010100`));
  assert.match(explain(fault as Fault, 'zh-CN').message, /不属于此处的任何描述：aa08/);
  socket.destroy();
  for (const link of links) await link.close();
  await clock.advanceMs(300);
});

test('what is not framed alike, or has the same condition, cannot be opened beside it; once that has left, it can', async () => {
  const { world, clock } = testbed();
  const port = await freePort();
  const at = (name: string) => settings.parse({ description: fileOf(name), listen: `127.0.0.1:${port}` });
  const first = await open(at('a'), [pointOf('a.x')], world);
  for (const [name, words] of [
    ['longer', /`fixed` differs/],
    ['same', /both have the same `when`/],
  ] as const)
    await assert.rejects(open(at(name), [], world), (error) => {
      assert.ok(error instanceof FaultError && error.fault.code === 'CV_DESCRIBED_SHARED');
      assert.match(explain(error.fault, 'en').message, words);
      assert.match(explain(error.fault, 'zh-CN').message, /共用.*(相同|不同)/);
      assert.match(String(error.fault.params.other), /a\.yaml$/);
      return true;
    });
  const socket = await dialled(port);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  // It is answered by nobody; that it was taken in is seen by what it ends with.
  await clock.advanceMs(1);
  await first.close();
  const second = await open(at('longer'), [pointOf('a.x')], world);
  const heard = heardBy(second);
  await ended;
  const again = await dialled(port);
  again.write(Buffer.from([0xaa, 9, 1, 5, 0, 0, 0xaa + 9 + 1 + 5]));
  await until(() => heard.values.length === 1);
  assert.deepEqual(heard.values, ['a.x 5'], 'cut by the framing of those who are here now');
  again.destroy();
  await second.close();
  await clock.advanceMs(300);
});

test('on a dialled line several descriptions ask and are answered, each by its own', async () => {
  const { world, clock } = testbed();
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => { socket.destroy(); });
    socket.on('data', (bytes) => {
      asked.push(bytes.toString('hex'));
      const kind = bytes[1] as number;
      socket.write(Buffer.concat([frame(kind, 1, kind * 10)]));
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  const polling = (text: string, kind: string) => `${text}polls: [{ send: "AA ${kind} 01 00 00 {checksum}", every: 1s, timeout: 500ms }]\n`;
  await writeFile(fileOf('ask-a'), polling(A, '01'));
  await writeFile(fileOf('ask-b'), polling(B, '02'));
  const at = (name: string) => settings.parse({ description: fileOf(name), host: '127.0.0.1', port, identity: '01' });
  const links = [await open(at('ask-a'), [pointOf('a.x')], world), await open(at('ask-b'), [pointOf('b.x')], world)];
  const heard = links.map(heardBy);
  await until(async () => { await clock.advanceMs(10); return heard.every(({ values }) => values.length > 0); });
  assert.deepEqual(heard.map(({ values }) => values[0]), ['a.x 10', 'b.x 20']);
  assert.deepEqual(asked.slice(0, 2), ['aa01010000ac', 'aa02010000ad'], 'one question at a time on one connection');
  assert.equal(await new Promise<number>((resolve) => { server.getConnections((_error, count) => resolve(count)); }), 1);
  for (const link of links) await link.close();
  await Promise.all(heard.map(({ over }) => over));
  await new Promise<void>((resolve) => { server.close(() => resolve()); });
});

test('a probe names the devices of its own description alone; discover gives their fields', async () => {
  const { world, clock } = testbed();
  const port = await freePort();
  const at = settings.parse({ description: fileOf('b'), listen: `127.0.0.1:${port}`, identity: '07' });
  const other = await open(settings.parse({ ...at, description: fileOf('a') }), [pointOf('a.x')], world);
  const stop = new AbortController();
  let isOver = false;
  const found = Promise.all([probe(at, [], world, stop.signal), discover(at, world, stop.signal)]).finally(() => {
    isOver = true;
  });
  const socket = await dialled(port);
  socket.write(Buffer.concat([frame(1, 7, 1), frame(2, 7, 2), frame(2, 9, 3)]));
  await until(async () => {
    await clock.advanceMs(1000);
    return isOver;
  });
  const [findings, fields] = await found;
  assert.deepEqual(
    findings.map(({ en }) => en.replace(/from .*?,/, 'from X,')),
    ['this device: 07 from X, sends b', 'another device: 09 from X, sends b'],
  );
  assert.deepEqual(
    fields.map(({ name, value }) => [name, value]),
    [
      ['b.what', 2],
      ['b.id', '07'],
      ['b.x', 2],
    ],
  );
  socket.destroy();
  await other.close();
  await clock.advanceMs(300);
});

/** A terminal of JT/T 808 whose heartbeat is answered by its edition. */
function heartbeat(head: string): Buffer {
  const body = Buffer.from(head, 'hex');
  return Buffer.concat([Buffer.from([0x7e]), body, Buffer.from([body.reduce((all, byte) => all ^ byte, 0), 0x7e])]);
}

test('two editions of JT/T 808 on one port, as the guide describes them: each answered in its own', async () => {
  const { world, clock, faults } = testbed();
  const port = await freePort();
  const at = (edition: string, identity: string) =>
    settings.parse({ description: fileOf(`jt808-${edition}`), listen: `127.0.0.1:${port}`, identity });
  const links = [
    await open(at('2013', '013800138000'), [pointOf('position.lat')], world),
    await open(at('2019', '00000000013900139000'), [pointOf('position.lat')], world),
  ];
  const heard = links.map(heardBy);
  for (const [head, answer] of [
    ['00020000013800138000000a', /^7e800100050138001380000001000a0002006?/],
    ['0002400001000000000139001390000b0b', /^7e8001400501000000000139001390000001/],
  ] as const) {
    const socket = await dialled(port);
    let said = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      said = Buffer.concat([said, bytes]);
    });
    socket.write(heartbeat(head));
    await until(() => said.length > 1 && said.at(-1) === 0x7e);
    assert.match(said.toString('hex'), answer);
    assert.equal(
      unstuff(said, loadDescription(fileOf('jt808-2013')).protocol as FrameProtocol)
        ?.subarray(1, -1)
        .reduce((all, byte) => all ^ byte, 0),
      0,
      'the check value is right',
    );
    socket.destroy();
  }
  assert.deepEqual(faults(), []);
  for (const link of links) await link.close();
  await Promise.all(heard.map(({ over }) => over));
  await clock.advanceMs(300);
});

const protocolOf = (text: string) => {
  const loaded = readDescription('d.yaml', text);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
};

test('conditions are the same by bytes and values, whatever fields are called; all of the framing must be', () => {
  const a = protocolOf(A);
  const same = (text: string) => sharingProblem(a, protocolOf(text))?.en;
  assert.match(String(same(A)), /both have the same `when`/);
  assert.match(String(same(A.replaceAll('kind', 'what'))), /both have the same/);
  assert.match(
    String(same(A.replace('{ name: kind }', '{ name: other, type: u16, at: 3 }, { name: kind, at: 1 }'))),
    /both have the same/,
    'the same byte',
  );
  assert.equal(same(A.replace('kind: 1', 'kind: 2')), undefined);
  assert.equal(same(A.replace('kind: 1', 'kind: ">= 1"')), undefined);
  assert.equal(same(A.replace('kind: 1', 'id: "01"')), undefined);
  assert.equal(same(A.replace('kind: 1', 'kind: 1, id: "01"')), undefined);
  assert.equal(
    same(
      A.replace('{ name: kind }', '{ name: kind, type: i8 }')
        .replace('name: kind,', 'name: kind, bits: { one: 0 },')
        .replace('kind: 1', 'one: true'),
    ),
    undefined,
  );
  const headed = (head: string, when: string) =>
    protocolOf(
      A.replace(/head: .*/, `head: [${head}]`)
        .replace('identity: id\n', '')
        .replace('{ kind: 1 }', when),
    );
  const apart = (a1: [head: string, when: string], b1: [head: string, when: string]) =>
    sharingProblem(headed(...a1), headed(...b1)) === null;
  const second: [string, string] = ['{ name: a }, { name: b }', '{ b: 1 }'];
  assert.equal(apart(second, ['{ name: w }, { name: y }', '{ y: 1 }']), false, 'the second byte');
  assert.equal(apart(second, ['{ skip: 1 }, { name: y }', '{ y: 1 }']), false);
  assert.equal(apart(second, ['{ name: w, type: u16 }, { name: y }', '{ y: 1 }']), true, 'the third byte');
  assert.equal(apart(second, ['{ name: w, at: 3 }, { name: z }, { name: y }', '{ y: 1 }']), false, 'what has its place takes none');
  assert.equal(apart(second, ['{ name: y, at: 2 }', '{ y: 1 }']), false);
  assert.equal(apart(second, ['{ name: w }, { name: y, type: i8 }', '{ y: 1 }']), true, 'read otherwise');
  assert.equal(apart(second, ['{ name: w }, { name: y, order: little }', '{ y: 1 }']), false, 'a byte has no order');
  assert.equal(apart(['{ name: a, type: u16 }', '{ a: 1 }'], ['{ name: a, type: u16, order: little }', '{ a: 1 }']), true);
  assert.equal(
    apart(
      ['{ name: n }, { name: a, type: hex, size: n }, { name: b }', '{ b: 1 }'],
      ['{ name: n }, { name: a, type: hex, size: n }, { name: c }', '{ c: 1 }'],
    ),
    true,
    'a place that frames say goes by its name',
  );
  assert.equal(
    apart(
      ['{ name: n }, { name: a, when: { n: 1 } }, { name: b }', '{ b: 1 }'],
      ['{ name: n }, { name: c, when: { n: 1 } }, { name: b }', '{ b: 1 }'],
    ),
    false,
  );
  assert.equal(apart(['{ name: n, bits: { up: 0 } }', '{ up: true }'], ['{ name: m, bits: { on: 0 } }', '{ on: true }']), false);
  assert.equal(apart(['{ name: n, bits: { up: 0 } }', '{ up: true }'], ['{ name: m, bits: { on: 1 } }', '{ on: true }']), true);
  assert.equal(apart(['{ name: n, bits: { up: 0-1 } }', '{ up: 1 }'], ['{ name: m, bits: { on: 0-2 } }', '{ on: 1 }']), true);
  assert.equal(
    apart(['{ name: a }, { name: b }', '{ a: [1, 2], b: ">= 3" }'], ['{ name: a }, { name: b }', '{ b: ">= 3", a: [2, 1, 2] }']),
    false,
    'in any order',
  );
  assert.equal(apart(['{ name: a }', '{ a: "!= 1" }'], ['{ name: a }', '{ a: 1 }']), true);
  const little = (order: string, checksum: string) =>
    protocolOf(A.replace('title', `order: ${order}\ntitle`).replace('{ type: sum8 }', checksum));
  assert.equal(sharingProblem(little('big', '{ type: sum16 }'), little('little', '{ type: sum16 }'))?.en.slice(0, 10), '`checksum`');
  assert.match(
    String(sharingProblem(little('big', '{ type: sum8, form: hex }'), little('little', '{ type: sum8, form: hex }'))?.en),
    /same `when`/,
  );
  const counted = (order: string, length: string) =>
    protocolOf(
      A.replace('title', `order: ${order}\ntitle`)
        .replace('fixed: 6', `length: { at: 1, ${length} }`)
        .replace('{ type: sum8 }', '{ type: sum8, order: big }'),
    );
  assert.match(String(sharingProblem(counted('big', 'type: u16'), counted('little', 'type: u16'))?.en), /^`length`/);
  for (const orderless of ['type: u8', 'type: bcd, size: 2', 'type: digits, size: 2', 'type: hex-digits, size: 2'])
    assert.match(String(sharingProblem(counted('big', orderless), counted('little', orderless))?.en), /same `when`/, orderless);
  const rest = protocolOf(REST);
  assert.match(String(sharingProblem(rest, rest)?.en), /neither has a `when`/);
  assert.match(String(sharingProblem(rest, rest)?.zh), /均未写 when/);
  assert.equal(sharingProblem(a, rest), null);
  const framings: [key: string, text: string][] = [
    ['header', A.replace('"AA"', '"AB"')],
    ['terminator', A.replace('fixed: 6', 'fixed: 6\nterminator: "0D"')],
    ['length', A.replace('fixed: 6', 'length: { at: 1 }')],
    ['fixed', A.replace('fixed: 6', 'fixed: 7')],
    ['max', A.replace('fixed: 6', 'fixed: 6\nmax: 100')],
    ['idle', A.replace('fixed: 6', 'fixed: 6\nidle: FE')],
    ['checksum', A.replace('sum8', 'xor8')],
    ['tail', A.replace('fixed: 6', 'fixed: 6\ntail: 1')],
    ['escape', A.replace('fixed: 6', 'terminator: "0D"\nescape: { "7D 02": "AA" }')],
  ];
  for (const [key, text] of framings)
    assert.match(String(same(text)), new RegExp(`\`${key === 'escape' ? 'terminator' : key}\` differs`), key);
  for (const free of [A.replace('title', 'order: little\ntitle'), A.replace('fixed: 6', 'fixed: 6\ntransform: { from: 3, xor: 1 }')])
    assert.match(String(same(free)), /same `when`/);
});

test('more conditions go before fewer, then by name: the order of opening says nothing', () => {
  const of = (description: string, text: string) => ({ description, protocol: protocolOf(text) });
  const all = [of('z', A.replace('kind: 1', 'kind: 1, id: "01"')), of('a', A), of('m', B), of('0', REST)];
  for (const order of [all, all.toReversed(), [...all.slice(2), ...all.slice(0, 2)]])
    assert.deepEqual(
      order.toSorted(byCondition).map(({ description }) => description),
      ['z', 'a', 'm', '0'],
    );
});

test('devices beside each other: what cannot share an address is told at the later one; the same address of another kind is another', () => {
  const devices = (...all: Record<string, unknown>[]) =>
    checkTogether(all.map((one, at) => ({ id: `d${at}`, settings: settings.parse(one) })));
  const listen = '127.0.0.1:7600';
  assert.deepEqual(
    devices(
      { description: fileOf('a'), listen },
      { description: fileOf('b'), listen },
      { description: fileOf('rest'), listen, identity: '01' },
      { description: fileOf('rest'), listen, identity: '02' },
    ),
    [],
  );
  const rows: [all: Record<string, unknown>[], at: number, path: string, words: RegExp][] = [
    [
      [
        { description: fileOf('a'), listen },
        { description: fileOf('b'), listen },
        { description: fileOf('longer'), listen },
      ],
      2,
      'description',
      /device "d0" is also on 127\.0\.0\.1:7600, with .*a\.yaml: `fixed` differs/,
    ],
    [
      [
        { description: fileOf('b'), listen },
        { description: fileOf('a'), listen },
        { description: fileOf('same'), listen },
      ],
      2,
      'description',
      /device "d1".*both have the same `when`/,
    ],
    [
      [
        { description: fileOf('a'), listen, identity: 'ab' },
        { description: fileOf('a'), listen, identity: 'AB' },
      ],
      1,
      'identity',
      /device "d0" has the same description and identity/,
    ],
    [
      [
        { description: fileOf('a'), listen },
        { description: fileOf('a'), listen },
      ],
      1,
      'description',
      /same description and identity/,
    ],
    [
      [
        { description: fileOf('a'), host: 'h', port: 1 },
        { description: fileOf('same'), host: 'h', port: 1 },
      ],
      1,
      'description',
      /also on h:1/,
    ],
    [
      [
        { description: fileOf('a'), transport: 'serial', port: 'ttyS1' },
        { description: fileOf('b'), transport: 'serial', port: '/dev/ttyS1', baudRate: 19_200 },
      ],
      1,
      'baudRate',
      /\/dev\/ttyS1, with baudRate 9600/,
    ],
    [
      [
        { description: fileOf('a'), transport: 'serial', port: '/dev/ttyS1', parity: 'even' },
        { description: fileOf('b'), transport: 'serial', port: '/dev/ttyS1' },
      ],
      1,
      'parity',
      /with parity even/,
    ],
  ];
  for (const [all, at, path, words] of rows) {
    const found = devices(...all);
    assert.deepEqual(
      found.map((one) => [one.index, one.problem.path]),
      [[at, [path]]],
    );
    assert.match(String(found[0]?.problem.en), words);
    assert.match(String(found[0]?.problem.zh), /设备“d\d”/);
  }
  assert.deepEqual(
    devices(
      { description: fileOf('a'), listen },
      { description: fileOf('same'), listen, transport: 'udp' },
      { description: fileOf('same'), listen: '127.0.0.1:7601' },
      { description: '/nowhere.yaml', listen },
    ),
    [],
  );
});

test('a frame of another description gives no value of this one, and says so', () => {
  const protocol = loadDescription(fileOf('a')).protocol as FrameProtocol;
  const decoded = decode({ is: 'message', bytes: frame(2, 7, 1), pointMap: { protocol, byField: null } });
  assert.ok(!decoded.ok && decoded.fault.code === 'CV_DESCRIBED_UNCLAIMED');
  assert.match(explain(decoded.fault, 'en').message, /^alpha: .*aa0207/);
  assert.match(explain(decoded.fault, 'zh-CN').message, /^甲：/);
  assert.deepEqual(
    readDescription('d.yaml', A.replace('kind: 1', 'knid: 1')).faults.map(({ params }) => [
      params.line,
      /knid; known here: kind, id/.test(String(params.problem)),
    ]),
    [[8, true]],
  );
});
