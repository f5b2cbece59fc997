/** Lines of a port: what is told of them, once; who keeps his place; when they are opened, shared, and let go of. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import type { DescribedFrame } from './frame.ts';
import { open } from './link.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { fakeNet, FakeSocket } from './testing/net.ts';

const { dir: folder, remove } = await tempDir();
const HEAD = 'version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nfixed: 5\nchecksum: { type: sum8, from: 1 }\n';
const FILES: Record<string, string> = {
  one: `${HEAD}head: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nwhen: { kind: [1, 2] }\nmessages: [{ name: m, fields: [{ name: x }], answer: "AA 81 {id} {x} {checksum}" }]\n`,
  two: `${HEAD}head: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nwhen: { kind: 3 }\nmessages: [{ name: n, fields: [{ name: x }] }]\n`,
  long: 'version: 1\ntitle: { zh: 甲, en: a }\nheader: "24"\nterminator: "0D"\nmax: 200\nhead: [{ name: id, type: ascii, size: 70 }]\nidentity: id\nmessages: [{ name: m }]\n',
  headed: `${HEAD}head: [{ name: a, type: hex, size: 3 }]\nidentity: a\nmessages: [{ name: m }]\n`,
};
before(async () => {
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, `${name}.yaml`), text)));
});
after(remove);

const at = (name: string, more: Record<string, unknown>) => settings.parse({ description: join(folder, `${name}.yaml`), ...more });
const M = [{ id: 'x', ...point.parse({ read: 'm.x' }) } as ConfiguredFramePoint];
const frame = (kind: number, id: number, x: number) => Buffer.from([0xaa, kind, id, x, (kind + id + x) & 0xff]).toString('hex');

async function listened(net: ReturnType<typeof fakeNet>, ...names: [name: string, identity?: string][]) {
  const frames: DescribedFrame[] = [];
  const links = await Promise.all(
    names.map(([name, identity]) => open(at(name, { listen: '0.0.0.0:7600', ...(identity && { identity }) }), M, net.world)),
  );
  for (const link of links) void link.listen?.((one) => frames.push(one), new AbortController().signal);
  const [port] = net.listening;
  assert.ok(port);
  const dial = (host?: string, from?: number) => {
    const socket = new FakeSocket(host, from);
    port.accept(socket);
    return socket;
  };
  return {
    frames,
    links,
    port,
    dial,
    close: async () => {
      for (const link of links) await link.close();
      await net.clock.advanceMs(300);
    },
  };
}

test('what cannot be read is counted each time and told once a line: of each kind in its words', async () => {
  const net = fakeNet();
  const { dial, close } = await listened(net, ['one', '0b']);
  const lost = { kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false };
  const told = (socket: FakeSocket, hex: string) => {
    const from = net.world.told.length;
    socket.emitData(hex);
    return net.world.told.slice(from);
  };
  const peer = '0.0.0.0:7600 (10.0.0.1:5000)';
  const many = '01'.repeat(1024);
  const noisy = dial();
  assert.deepEqual(told(noisy, many), [
    lost,
    { kind: 'fault', fault: { code: 'CV_DESCRIBED_STREAM', params: { address: peer, count: 1024, bytes: '01'.repeat(24) } } },
  ]);
  assert.deepEqual(told(noisy, many), [lost]);
  const wrong = dial();
  assert.deepEqual(told(wrong, 'AA 01 0B 07 00').slice(0, 2), [
    lost,
    { kind: 'fault', fault: { code: 'CV_FRAME_CHECKSUM', params: { detail: `${peer}: aa010b0700`, detailZh: `${peer}：aa010b0700` } } },
  ]);
  const other = dial();
  const unclaimed = { kind: 'fault', fault: { code: 'CV_DESCRIBED_UNCLAIMED', params: { address: peer, bytes: frame(9, 11, 1) } } };
  assert.deepEqual(told(other, frame(9, 11, 1)), [lost, unclaimed]);
  assert.deepEqual(told(other, frame(9, 11, 2)), [lost]);
  const short = dial();
  short.emitData('AA 01 0B');
  const from = net.world.told.length;
  short.emit('end');
  assert.deepEqual(net.world.told.slice(from), [
    lost,
    {
      kind: 'fault',
      fault: {
        code: 'CV_FRAME_LENGTH',
        params: { detail: `${peer}: a frame cut short after 3 bytes: aa010b`, detailZh: `${peer}：帧不完整，只有 3 字节：aa010b` },
      },
    },
  ]);
  assert.equal(short.destroyed, true);
  const after = net.world.told.length;
  short.emitData(frame(1, 11, 1));
  assert.equal(net.world.told.length, after, 'a line that is over hears nothing');
  await close();
});

test('a frame that is too short for any head is no frame', async () => {
  const net = fakeNet();
  const { dial, close } = await listened(net, ['headed']);
  dial().emitData('AA 01 0B 07 13');
  assert.deepEqual(net.codes(), []);
  await close();
  const file = join(folder, 'headed.yaml');
  await writeFile(file, FILES.headed?.replace('size: 3', 'size: 4') ?? '');
  const again = fakeNet();
  const { dial: dialAgain, close: closeAgain } = await listened(again, ['headed']);
  dialAgain().emitData('AA 01 0B 07 13');
  assert.deepEqual(again.faults().map(({ code, params }) => [code, params.bytes]), [['CV_DESCRIBED_STREAM', 'aa010b0713']]);
  await closeAgain();
});

test('a stranger is told once with the first 64 characters of its name, until it is configured', async () => {
  const net = fakeNet();
  const { dial, close } = await listened(net, ['long', 'X']);
  const socket = dial();
  const said = `24${Buffer.from('N'.repeat(70)).toString('hex')}0D`;
  socket.emitData(said);
  socket.emitData(said);
  assert.deepEqual(
    net.faults().map(({ code, params }) => [code, params.identity, params.address, params.peer, params.bytes]),
    [['CV_DESCRIBED_UNKNOWN', 'N'.repeat(64), '0.0.0.0:7600', '10.0.0.1:5000', said.toLowerCase().slice(0, 48)]],
  );
  assert.deepEqual(
    net.world.told.filter(({ kind }) => kind === 'samples_lost'),
    Array.from({ length: 2 }, () => ({ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false })),
  );
  await close();
});

test('who says nothing for two minutes makes room; who is configured keeps his place until he speaks elsewhere', async () => {
  const net = fakeNet();
  const { dial, close } = await listened(net, ['one', '0b']);
  const [idle, known] = [dial(), dial()];
  known.emitData(frame(1, 11, 1));
  await net.clock.advanceMs(119_999);
  assert.equal(idle.destroyed, false);
  await net.clock.advanceMs(1);
  assert.deepEqual([idle.destroyed, known.destroyed], [true, false]);
  const flood = (count: number) => Array.from({ length: count }, (_, from) => dial('10.0.0.1', from + 6000));
  const first = flood(257);
  assert.deepEqual(
    [known.destroyed, first[0]?.destroyed, first[1]?.destroyed],
    [false, true, false],
    'newcomers of one address make way for each other',
  );
  const elsewhere = dial('10.0.0.2', 1);
  elsewhere.emitData(frame(1, 11, 2));
  flood(257);
  assert.deepEqual([known.destroyed, elsewhere.destroyed], [true, false], 'it speaks by the other now');
  await close();
});

test('a line that two devices speak on stays known when one of them leaves', async () => {
  const net = fakeNet();
  const { dial, links, close } = await listened(net, ['one', '0b'], ['two', '0b']);
  const socket = dial();
  socket.emitData(frame(1, 11, 1));
  socket.emitData(frame(3, 11, 1));
  await links[0]?.close();
  for (let port = 0; port < 257; port += 1) dial('10.0.0.1', port + 6000);
  assert.equal(socket.destroyed, false);
  await links[1]?.close();
  for (let port = 0; port < 257; port += 1) dial('10.0.0.1', port + 7000);
  assert.equal(socket.destroyed, true, 'nobody is left on it');
  await close();
});

test('a socket that breaks is let go of without a word; nothing is sent to it any more', async () => {
  const net = fakeNet();
  const { dial, frames, links, close } = await listened(net, ['one', '0b']);
  const socket = dial();
  socket.emitData(frame(1, 11, 1));
  socket.emit('error', new Error('ECONNRESET'));
  assert.equal(socket.destroyed, true);
  links[0]?.confirmStored?.(frames[0] as DescribedFrame);
  assert.deepEqual(socket.sent, []);
  assert.deepEqual(net.codes(), []);
  assert.deepEqual(socket.keepAlive, [true, 30_000]);
  await close();
});

test('two descriptions of one port close it when both have left', async () => {
  const net = fakeNet();
  const { links, port, dial } = await listened(net, ['one', '0b'], ['two', '0b']);
  const socket = dial();
  await links[0]?.close();
  await net.clock.advanceMs(1000);
  assert.deepEqual([port.isClosed, socket.destroyed, net.listening.length], [false, false, 1]);
  socket.emitData(frame(1, 11, 1));
  assert.deepEqual(net.codes(), ['CV_DESCRIBED_UNKNOWN'], 'a device that has left is a stranger');
  await links[1]?.close();
  await net.clock.advanceMs(1000);
  assert.deepEqual([port.isClosed, socket.destroyed], [true, true]);
});

test('a line that is dialled is opened once for all that are on it, and closed with the last', async () => {
  const net = fakeNet();
  const written = { host: '10.0.0.9', port: 4001 };
  const [first, second, third] = await Promise.all([
    open(at('one', { ...written, identity: '0b' }), M, net.world),
    open(at('two', { ...written, identity: '0b' }), M, net.world),
    open(at('one', { host: '10.0.0.9', port: 4002 }), M, net.world),
  ]);
  assert.deepEqual(
    net.dialled.map(({ to }) => to.port),
    [4001, 4002],
  );
  await first?.close();
  await first?.close();
  assert.equal(net.dialled[0]?.socket.destroyed, false);
  await second?.close();
  assert.deepEqual(net.dialled.map(({ socket }) => socket.destroyed), [true, false]);
  await third?.close();
  const again = await open(at('one', written), M, net.world);
  assert.equal(net.dialled.length, 3);
  net.dialled[2]?.socket.destroy();
  await assert.rejects(
    again.listen?.(() => {}, new AbortController().signal) as Promise<void>,
    (error) =>
      error instanceof FaultError &&
      error.fault.code === 'CV_LINK_CLOSED' &&
      error.fault.params.detail === 'by the device' &&
      error.fault.params.detailZh === '设备主动断开',
    'who listens late is told as well',
  );
  await again.close();
});

test('a way that could not be opened is tried afresh', async () => {
  const net = fakeNet();
  const real = net.world.net.connect;
  net.world.net.connect = async () => { throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' }); };
  const written = at('one', { host: '10.0.0.9', port: 4001 });
  await assert.rejects(open(written, M, net.world), (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_REFUSED');
  net.world.net.connect = real;
  const link = await open(written, M, net.world);
  assert.equal(net.dialled.length, 1);
  await link.close();
  assert.equal(net.dialled[0]?.socket.destroyed, true);
});

test('an attempt that is called off while it opens leaves nothing open', async () => {
  for (const written of [
    { host: '10.0.0.9', port: 4001 },
    { transport: 'serial', port: 'ttyS1' },
    { transport: 'udp', listen: '0.0.0.0:1' },
  ]) {
    const net = fakeNet();
    const stop = new AbortController();
    const opening = open(at('one', written), M, net.world, stop.signal);
    stop.abort(new Error('called off'));
    await assert.rejects(opening, /called off/);
    for (const { socket } of net.dialled) assert.equal(socket.destroyed, true);
    for (const { line } of net.lines) assert.equal(line.destroyed, true);
    for (const { isClosed } of net.bound) assert.equal(isClosed, true);
  }
});

test('whoever cannot share a way leaves it as it was', async () => {
  const net = fakeNet();
  const written = { transport: 'serial', port: '/dev/ttyS1' };
  const link = await open(at('one', written), M, net.world);
  await assert.rejects(
    open(at('long', written), M, net.world),
    (error) => error instanceof FaultError && error.fault.code === 'CV_DESCRIBED_SHARED' && error.fault.params.address === '/dev/ttyS1',
  );
  assert.equal(net.lines[0]?.line.destroyed, false);
  await link.close();
  assert.equal(net.lines[0]?.line.destroyed, true);
});

test('a serial line brings frames, takes answers, and ends with its adapter', async () => {
  const net = fakeNet();
  const frames: DescribedFrame[] = [];
  const link = await open(at('one', { transport: 'serial', port: 'ttyS1', identity: '0B' }), M, net.world);
  let ended: unknown;
  link.listen?.((one) => frames.push(one), new AbortController().signal).catch((error: unknown) => { ended = error; });
  const line = net.lines[0]?.line;
  assert.ok(line);
  line.emitData(frame(1, 11, 7));
  assert.deepEqual(frames.map(({ is }) => is), ['message']);
  link.confirmStored?.(frames[0] as DescribedFrame);
  assert.deepEqual(line.sent, [Buffer.from([0xaa, 0x81, 0x0b, 7, 0x93]).toString('hex')]);
  line.emit('end');
  await net.clock.advanceMs(0);
  assert.ok(ended instanceof FaultError && ended.fault.code === 'CV_LINK_CLOSED' && ended.fault.params.address === '/dev/ttyS1');
  await link.close();
  assert.equal(line.destroyed, true);
});

test('datagrams of a peer are one line, which begins anew once it was let go of', async () => {
  const net = fakeNet();
  const frames: DescribedFrame[] = [];
  const link = await open(at('one', { transport: 'udp', listen: '0.0.0.0:1', identity: '0b' }), M, net.world);
  void link.listen?.((one) => frames.push(one), new AbortController().signal);
  const [port] = net.bound;
  assert.ok(port);
  assert.deepEqual(port.own, { host: '0.0.0.0', port: 1 });
  const half = frame(1, 11, 7);
  port.emitDatagram(half.slice(0, 4), { host: '10.0.0.1', port: 1 });
  port.emitDatagram(half.slice(0, 4), { host: '10.0.0.1', port: 2 });
  port.emitDatagram(half.slice(4), { host: '10.0.0.1', port: 1 });
  assert.equal(frames.length, 1, 'a frame split over datagrams of one peer');
  port.emitDatagram(half.slice(4), { host: '10.0.0.1', port: 2 });
  assert.equal(frames.length, 2);
  port.emitError(new Error('EIO'));
  assert.deepEqual(
    net.faults().map(({ code, params }) => [code, params]),
    [['CV_DESCRIBED_LISTEN', { listen: '0.0.0.0:1', detail: 'EIO' }]],
  );
  await link.close();
  assert.equal(port.isClosed, true);
});
