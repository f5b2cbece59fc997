/** One device on a port: what is given, answered and asked, when, and how much of it is kept. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { explain, FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { decode } from './decode.ts';
import type { DescribedFrame } from './frame.ts';
import { open, type FrameLink } from './link.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { fakeNet, FakeSocket } from './testing/net.ts';
import { terminalFrame, heartbeatBody, stateBody, tagsBody } from './testing/terminal.ts';

const ID = '000000000001';
const POINTS = ['state.temperature', 'tags.reads.epc'].map((read) => ({ id: read, ...point.parse({ read }) }) as ConfiguredFramePoint);
const UDP = { description: 'shipped:compound-terminal', transport: 'udp', listen: '0.0.0.0:7600' };

const { dir: folder, remove } = await tempDir();
const FILES: Record<string, string> = {
  plain:
    'header: "AA"\nfixed: 4\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nmessages: [{ name: m, when: { kind: 1 }, fields: [{ name: x }], answer: "AA 81 {id} {x}" }, { name: silent, when: { kind: 2 } }, { name: spoken, when: { kind: 3 }, answer: "AA 83 {id} 00" }, { name: alive, when: { kind: 4 }, confirms: true }, { name: unread, when: { kind: 5 }, fields: [{ name: y }] }]\n',
  numbered:
    'header: "AA"\nfixed: 5\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }, { name: n }]\nidentity: id\nsequence: n\nmessages: [{ name: m, fields: [{ name: x }], answer: "AA 81 {id} {n} {sequence}" }]\n',
  nameless: 'header: "AA"\nfixed: 4\nmessages: [{ name: m, fields: [{ name: x }] }]\n',
  asked:
    'header: "AA"\nfixed: 4\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nmessages: [{ name: a, when: { kind: 1 }, fields: [{ name: x }] }, { name: b, when: { kind: 2 }, fields: [{ name: x }] }]\npolls: [{ send: "AA 01 {identity} 00", every: 1s, timeout: 200ms, wants: [a] }, { send: "AA 02 {identity} 00", every: 2s, timeout: 300ms }]\n',
};
before(async () => {
  await Promise.all(
    Object.entries(FILES).map(([name, text]) => writeFile(join(folder, `${name}.yaml`), `version: 1\ntitle: { zh: 甲, en: a }\n${text}`)),
  );
});
after(remove);

const file = (name: string) => join(folder, `${name}.yaml`);
const report = (number: number, celsius = 20) =>
  terminalFrame(ID, number, 4, stateBody('260101000000', celsius, 40, 12_000, 0, 0)).toString('hex');

/** A link whose frames are taken as they come. */
async function heardAt(net: ReturnType<typeof fakeNet>, written: Record<string, unknown>, points = POINTS) {
  const link = await open(settings.parse(written), points, net.world);
  const [frames, stop] = [[] as DescribedFrame[], new AbortController()];
  let ended: unknown = null;
  const over = link.listen?.((frame) => frames.push(frame), stop.signal).catch((error: unknown) => { ended = error; });
  await net.clock.advanceMs(0);
  return {
    link,
    frames,
    stop,
    over,
    ended: () => ended,
    values: () =>
      frames.map((frame) => {
        const decoded = decode(frame);
        return decoded.ok ? decoded.values?.at(-1)?.value : decoded.fault.code;
      }),
    taken: (at: number) => link.confirmStored?.(frames.at(at) as DescribedFrame),
  };
}

const answeredNumbers = (sent: readonly string[]) => sent.map((line) => Buffer.from(line.split(' ')[1] ?? '', 'hex').readUInt16BE(10));

test('a report that is sent again while its values are not yet on disk is answered with the first; after three seconds it is given again', async () => {
  const net = fakeNet();
  const { frames, taken, link } = await heardAt(net, { ...UDP, identity: ID });
  const [port] = net.bound;
  assert.ok(port);
  for (const [delayMs, given] of [[0, 1], [2999, 1], [1, 2]] as const) {
    await net.clock.advanceMs(delayMs);
    port.emitDatagram(report(1));
    await net.clock.advanceMs(0);
    assert.equal(frames.length, given, `after ${delayMs} ms`);
  }
  assert.deepEqual(port.sent, [], 'none is answered yet');
  taken(1);
  assert.deepEqual(answeredNumbers(port.sent), [1], 'those that waited for the first are not for the second');
  taken(0);
  assert.deepEqual(answeredNumbers(port.sent), [1, 1]);
  taken(0);
  port.emitDatagram(report(2));
  for (let turn = 0; turn < 70; turn += 1) port.emitDatagram(report(2));
  const before = port.sent.length;
  taken(2);
  assert.equal(port.sent.length - before, 65, 'itself and 64 repetitions');
  await link.close();
});

test('what was answered is known for ten minutes, then its number is another message', async () => {
  const net = fakeNet();
  const { frames, taken, link } = await heardAt(net, { ...UDP, identity: ID });
  const [port] = net.bound;
  assert.ok(port);
  port.emitDatagram(report(1));
  taken(0);
  await net.clock.advanceMs(599_999);
  port.emitDatagram(report(1));
  assert.deepEqual([frames.length, port.sent.length], [1, 2], 'answered at once');
  port.emitDatagram(report(1, 21));
  assert.equal(frames.length, 2, 'other bytes under the same number');
  await net.clock.advanceMs(1);
  port.emitDatagram(report(1));
  assert.deepEqual([frames.length, port.sent.length], [3, 2]);
  await link.close();
});

test('of 512 reports it is known that they were answered; of as many that they wait', async () => {
  const net = fakeNet();
  const { frames, taken, link } = await heardAt(net, { ...UDP, identity: ID });
  const [port] = net.bound;
  assert.ok(port);
  for (let number = 1; number <= 513; number += 1) {
    port.emitDatagram(report(number));
    taken(number - 1);
  }
  const given = frames.length;
  port.emitDatagram(report(2));
  assert.equal(frames.length, given, 'the oldest but one');
  port.emitDatagram(report(1));
  assert.equal(frames.length, given + 1, 'the oldest was forgotten');
  for (let number = 1001; number <= 1513; number += 1) port.emitDatagram(report(number));
  const waiting = frames.length;
  port.emitDatagram(report(1003));
  assert.equal(frames.length, waiting);
  port.emitDatagram(report(1001));
  assert.equal(frames.length, waiting + 1);
  await link.close();
});

test('a thousand frames wait for whoever takes them; more are counted as lost and not answered', async () => {
  const net = fakeNet();
  const link = await open(settings.parse({ ...UDP, identity: ID }), POINTS, net.world);
  const [port] = net.bound;
  assert.ok(port);
  for (let number = 1; number <= 1002; number += 1) port.emitDatagram(report(number));
  assert.deepEqual(
    net.world.told.filter(({ kind }) => kind === 'samples_lost'),
    Array.from({ length: 2 }, () => ({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false })),
  );
  const frames: DescribedFrame[] = [];
  void link.listen?.((frame) => frames.push(frame), new AbortController().signal);
  assert.equal(frames.length, 1000);
  port.emitDatagram(report(1002));
  assert.equal(frames.length, 1001, 'it is sent again');
  await link.close();
});

test('messages: those that points read are answered when they are taken, others at once; those with nothing to say are passed over', async () => {
  const net = fakeNet();
  const at = { description: file('plain'), transport: 'udp', listen: '0.0.0.0:1', identity: '0b' };
  const { frames, values, taken, link } = await heardAt(net, at, [{ id: 'x', ...point.parse({ read: 'm.x' }) }]);
  const [port] = net.bound;
  assert.ok(port);
  port.emitDatagram('AA 02 0B 00', { host: '10.0.0.2', port: 6 });
  assert.deepEqual([frames.length, port.sent], [0, []], 'neither fields nor an answer');
  port.emitDatagram('AA 03 0B 00');
  assert.deepEqual([frames.length, port.sent], [1, ['10.0.0.1:5000 aa830b00']]);
  port.emitDatagram('AA 01 0B 07');
  port.emitDatagram('AA 01 0B 07');
  assert.deepEqual(values().slice(1), [7, 7], 'without a number the same bytes are two messages');
  taken(1);
  assert.deepEqual(port.sent.slice(1), ['10.0.0.1:5000 aa810b07']);
  port.emitDatagram('AA 09 0B 07');
  assert.deepEqual(values().slice(3), ['CV_DESCRIBED_MESSAGE']);
  const confirmed = frames.length;
  port.emitDatagram('AA 04 0B 00');
  assert.equal(frames.length, confirmed + 1, 'it says that nothing has changed');
  port.emitDatagram('AA 05 0B 00');
  assert.equal(frames.length, confirmed + 2, 'its fields are there for whoever shows them');
  assert.ok(frames.every(({ is }) => is === 'message'));
  for (const at of [-1, -2]) taken(at);
  assert.equal(port.sent.length, 2, 'none of them has an answer');
  port.emitDatagram('AA 01 0C 07');
  assert.deepEqual([net.codes(), net.lost()], [['CV_DESCRIBED_UNKNOWN'], ['point_unknown']]);
  assert.equal(explain(net.faults()[0] as never, 'en').message, 'unknown device 0C sends to 0.0.0.0:1 from 10.0.0.1:5000: aa010c07');
  assert.deepEqual(
    net.unknown().map(({ driver, address, id, peer, yaml }) => [driver, address, id, peer, yaml]),
    [
      [
        'frame',
        '0.0.0.0:1',
        '0C',
        '10.0.0.1:5000',
        `- id: frame-0C\n  driver: frame\n  settings:\n    description: ${file('plain')}\n    transport: udp\n    listen: 0.0.0.0:1\n    identity: 0C\n`,
      ],
    ],
  );
  await link.close();
  await link.close();
  assert.equal(port.isClosed, true);
});

test('answers go where the report came from, with a number of our own that goes up', async () => {
  const net = fakeNet();
  const { taken, link } = await heardAt(net, { description: file('numbered'), transport: 'udp', listen: '0.0.0.0:1' }, [
    { id: 'x', ...point.parse({ read: 'm.x' }) },
  ]);
  const [port] = net.bound;
  assert.ok(port);
  port.emitDatagram('AA 01 0B 05 07', { host: '10.0.0.2', port: 6 });
  port.emitDatagram('AA 01 0C 06 07');
  taken(1);
  taken(0);
  assert.deepEqual(port.sent, ['10.0.0.1:5000 aa810c0601', '10.0.0.2:6 aa810b0502']);
  await link.close();
});

test('questions: at once and in their periods, one at a time; each that is not answered is told, the second time the device is away', async () => {
  const net = fakeNet();
  const { frames, values, link } = await heardAt(net, { description: file('asked'), host: '10.0.0.9', port: 4001, identity: '0b' }, [
    { id: 'ax', ...point.parse({ read: 'a.x' }) },
  ]);
  const socket = net.dialled[0]?.socket;
  assert.ok(socket);
  assert.deepEqual(net.dialled.map(({ to }) => to), [{ host: '10.0.0.9', port: 4001 }]);
  assert.deepEqual(socket.keepAlive, [true, 30_000]);
  await net.clock.advanceMs(0);
  assert.deepEqual(socket.sent, ['aa010b00'], 'the second waits for the first');
  socket.emitData('AA 02 0B 05');
  assert.deepEqual(socket.sent.length, 1, 'not what it wants');
  socket.emitData('AA 01 0B 07');
  assert.deepEqual(socket.sent, ['aa010b00', 'aa020b00']);
  assert.deepEqual(values(), [undefined, 7], 'no point reads the first');
  await net.clock.advanceMs(299);
  assert.equal(frames.length, 2);
  await net.clock.advanceMs(1);
  assert.deepEqual(frames.slice(2), [{ is: 'silent', address: '10.0.0.9:4001 (0B)', timeoutMs: 300, count: 1, points: ['ax'] }]);
  await net.clock.advanceMs(700);
  assert.deepEqual(socket.sent.slice(2), ['aa010b00'], 'after a second');
  await net.clock.advanceMs(200);
  assert.deepEqual(frames.slice(3), [{ is: 'silent', address: '10.0.0.9:4001 (0B)', timeoutMs: 200, count: 2, points: ['ax'] }]);
  await net.clock.advanceMs(800);
  socket.emitData('AA 01 0B 08');
  assert.deepEqual(socket.sent.slice(3), ['aa020b00', 'aa010b00']);
  socket.emitData('AA 01 0B 09');
  await net.clock.advanceMs(999);
  assert.equal(socket.sent.length, 5);
  await net.clock.advanceMs(1);
  assert.equal(socket.sent.length, 6);
  await net.clock.advanceMs(200);
  assert.deepEqual(
    frames.filter(({ is }) => is === 'silent').map((frame) => (frame as { count: number }).count),
    [1, 2, 1],
    'an answer between begins anew',
  );
  await link.close();
  const said = socket.sent.length;
  await net.clock.advanceMs(10_000);
  assert.equal(socket.sent.length, said, 'nothing is asked of a link that is closed');
  assert.equal(socket.destroyed, true);
});

test('the period of the settings goes before those of the description; of whom nobody knows the name, whoever answers is it', async () => {
  const net = fakeNet();
  const { frames, link } = await heardAt(net, { description: file('asked'), host: '10.0.0.9', port: 4001, pollEvery: '50ms' }, []);
  const socket = net.dialled[0]?.socket;
  assert.ok(socket);
  await net.clock.advanceMs(0);
  assert.deepEqual(socket.sent, ['aa0100'], 'without an identity its hole is empty');
  socket.emitData('AA 01 0C 01');
  socket.emitData('AA 02 0C 01');
  await net.clock.advanceMs(50);
  assert.equal(socket.sent.length, 3);
  await net.clock.advanceMs(200);
  assert.equal((frames.find(({ is }) => is === 'silent') as { address: string }).address, '10.0.0.9:4001');
  await link.close();
});

test('units of one line are asked in turn, each from its own start', async () => {
  const net = fakeNet();
  const at = (identity: string) => ({
    description: file('asked'),
    transport: 'serial',
    port: 'ttyS1',
    identity,
    pollEvery: '1s',
    baudRate: 2400,
    dataBits: 7,
    stopBits: 2,
    parity: 'even',
  });
  const units = [await heardAt(net, at('0b'), []), await heardAt(net, at('0c'), [])];
  assert.deepEqual(
    net.lines.map(({ options }) => options),
    [{ path: '/dev/ttyS1', baudRate: 2400, dataBits: 7, stopBits: 2, parity: 'even' }],
  );
  const line = net.lines[0]?.line;
  assert.ok(line);
  await net.clock.advanceMs(0);
  assert.deepEqual(line.sent, ['aa010b00']);
  line.emitData('AA 01 0B 01');
  assert.deepEqual(line.sent.slice(1), ['aa010c00'], 'the other waits for longer');
  line.emitData('AA 01 0C 01');
  assert.deepEqual(line.sent.slice(2), ['aa020b00']);
  await net.clock.advanceMs(299);
  assert.equal(line.sent.length, 3);
  await net.clock.advanceMs(1);
  assert.deepEqual(line.sent.slice(3), ['aa020c00'], 'no answer frees the line as well');
  line.emit('close');
  await net.clock.advanceMs(0);
  for (const { ended } of units) assert.ok(ended() instanceof FaultError && (ended() as FaultError).fault.code === 'CV_LINK_CLOSED');
  for (const { link } of units) await link.close();
  const again = await heardAt(net, at('0b'), []);
  assert.equal(net.lines.length, 2, 'a line that is over is opened afresh');
  net.lines[1]?.line.emit('error', new Error('EIO'));
  await net.clock.advanceMs(0);
  assert.match(String((again.ended() as FaultError).fault.params.detail), /EIO/);
  await again.link.close();
});

test('a device that dials is away when it has not come for fifteen seconds, and again after it left', async () => {
  const net = fakeNet();
  const { frames, link } = await heardAt(net, { description: 'shipped:compound-terminal', listen: '0.0.0.0:7600', identity: ID });
  const [port] = net.listening;
  assert.ok(port);
  await net.clock.advanceMs(15_000);
  assert.deepEqual(frames, [{ is: 'away', identity: ID, address: '0.0.0.0:7600', wasConnected: false }]);
  const socket = new FakeSocket();
  port.accept(socket);
  socket.emitData(terminalFrame(ID, 1, 1, heartbeatBody(-70)).toString('hex'));
  assert.equal(frames.length, 2);
  assert.equal(socket.sent.length, 1);
  socket.destroy();
  await net.clock.advanceMs(15_000);
  assert.deepEqual(frames.slice(2), [{ is: 'away', identity: ID, address: '0.0.0.0:7600', wasConnected: true }]);
  port.emitError(new Error('EMFILE'));
  assert.deepEqual(net.faults().map(({ code, params }) => [code, params.detail]), [['CV_DESCRIBED_LISTEN', 'EMFILE']]);
  await link.close();
  await net.clock.advanceMs(300);
  assert.equal(port.isClosed, true);
  const nameless = await heardAt(net, { description: 'shipped:compound-terminal', listen: '0.0.0.0:7600' });
  await net.clock.advanceMs(15_000);
  assert.deepEqual(nameless.frames, [{ is: 'away', identity: '-', address: '0.0.0.0:7600', wasConnected: false }]);
  await nameless.link.close();
});

test('a device without a name is here as soon as anybody is connected; one with a name when it has spoken', async () => {
  for (const [description, identity, isAway] of [[file('nameless'), undefined, false], ['shipped:compound-terminal', ID, true]] as const) {
    const net = fakeNet();
    const { frames, link } = await heardAt(net, { description, listen: '0.0.0.0:7600', ...(identity && { identity }) }, []);
    net.listening[0]?.accept(new FakeSocket());
    await net.clock.advanceMs(15_000);
    assert.equal(frames.some(({ is }) => is === 'away'), isAway, description);
    await link.close();
  }
});

test('questions that fall due while others wait are asked once, not once for each period', async () => {
  const net = fakeNet();
  const { link } = await heardAt(net, { description: file('asked'), host: '10.0.0.9', port: 4001, identity: '0b', pollEvery: '50ms' }, []);
  const socket = net.dialled[0]?.socket;
  assert.ok(socket);
  await net.clock.advanceMs(2010);
  const before = socket.sent.length;
  assert.ok(before >= 8 && before <= 10, `${before} in two seconds of 250 ms each`);
  for (let turn = 0; turn < 6; turn += 1) {
    socket.emitData('AA 01 0B 01');
    socket.emitData('AA 02 0B 01');
  }
  assert.ok(socket.sent.length - before <= 2, `${socket.sent.length - before} more`);
  await link.close();
});

test('a description that changes while its devices are open goes for those that are opened since', async () => {
  const net = fakeNet();
  const text =
    'version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nfixed: 4\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }]\nidentity: id\nmessages: [{ name: m, when: { kind: 1 }, fields: [{ name: x }] }]\n';
  const path = join(folder, 'changed.yaml');
  await writeFile(path, text);
  const at = (identity: string) => ({ description: path, transport: 'udp', listen: '0.0.0.0:1', identity });
  const old = await heardAt(net, at('0b'), [{ id: 'x', ...point.parse({ read: 'm.x' }) }]);
  await writeFile(path, text.replace('kind: 1', 'kind: 2').replace('head: [', 'head: [{ name: sum, at: -1 }, '));
  const fresh = await heardAt(net, at('0c'), [{ id: 'x', ...point.parse({ read: 'm.x' }) }]);
  for (const hex of ['AA 01 0B 07', 'AA 02 0B 07', 'AA 01 0C 07', 'AA 02 0C 07']) net.bound[0]?.emitDatagram(hex);
  assert.deepEqual([old.values(), fresh.values()], [[7, 'CV_DESCRIBED_MESSAGE'], ['CV_DESCRIBED_MESSAGE', 7]]);
  await writeFile(path, text.replace('fixed: 4', 'fixed: 5'));
  await assert.rejects(
    open(settings.parse(at('0d')), [], net.world),
    (error) =>
      error instanceof FaultError &&
      error.fault.code === 'CV_DESCRIBED_SHARED' &&
      error.fault.params.problem === 'the file was changed since: restart the edge' &&
      error.fault.params.problemZh === '文件已被修改：请重启边缘节点',
  );
  await old.link.close();
  await fresh.link.close();
});

test('who is connected in another way is never said to be away', async () => {
  for (const written of [
    UDP,
    { description: 'shipped:compound-terminal', host: '10.0.0.9', port: 1 },
    { description: 'shipped:compound-terminal', transport: 'serial', port: 'ttyS1' },
  ]) {
    const net = fakeNet();
    const { frames, link } = await heardAt(net, { ...written, identity: ID });
    await net.clock.advanceMs(60_000);
    assert.deepEqual(frames, [], JSON.stringify(written));
    await link.close();
  }
});

test('a device that comes from another place is answered there; the old connection is nobody\'s', async () => {
  const net = fakeNet();
  const { frames, link } = await heardAt(net, { description: 'shipped:compound-terminal', listen: '0.0.0.0:7600', identity: ID });
  const [port] = net.listening;
  assert.ok(port);
  const [old, fresh] = [new FakeSocket(), new FakeSocket('10.0.0.2', 6)];
  for (const [at, socket] of [old, fresh].entries()) {
    port.accept(socket);
    socket.emitData(terminalFrame(ID, at + 1, 1, heartbeatBody(-70)).toString('hex'));
    assert.equal(socket.sent.length, 1);
  }
  old.destroy();
  await net.clock.advanceMs(60_000);
  assert.equal(frames.filter(({ is }) => is === 'away').length, 0, 'it is here by the new one');
  fresh.emit('error', new Error('ECONNRESET'));
  assert.equal(fresh.destroyed, true);
  await net.clock.advanceMs(15_000);
  assert.equal(frames.filter(({ is }) => is === 'away').length, 1);
  await link.close();
});

test('a frame that ends too early for its answer is not answered, and told by decode', async () => {
  const net = fakeNet();
  const { values, taken, link } = await heardAt(net, { ...UDP, identity: ID });
  const [port] = net.bound;
  assert.ok(port);
  port.emitDatagram(terminalFrame(ID, 1, 2, tagsBody([['260101000000', 1, -50, 'AABB']]).subarray(0, 9)).toString('hex'));
  port.emitDatagram(terminalFrame(ID, 2, 1, new Uint8Array()).toString('hex'));
  assert.deepEqual(values(), ['CV_DESCRIBED_SHORT', 'CV_DESCRIBED_SHORT']);
  taken(0);
  assert.deepEqual(port.sent, []);
  await link.close();
});

test('what the system refuses is the fault of its way', async () => {
  const refused = Object.assign(new Error('no'), { code: 'EACCES' });
  const of = async (written: Record<string, unknown>, error: Error = refused) => {
    const rejected: unknown = await open(settings.parse(written), [], fakeNet(error).world).then(
      (link: FrameLink) => link.close(),
      (reason: unknown) => reason,
    );
    assert.ok(rejected instanceof FaultError);
    assert.equal(rejected.cause, error);
    return [rejected.fault.code, rejected.fault.params];
  };
  const description = 'shipped:compound-terminal';
  assert.deepEqual(await of({ description, listen: '0.0.0.0:7600' }), [
    'CV_DESCRIBED_LISTEN',
    { listen: '0.0.0.0:7600', detail: 'EACCES' },
  ]);
  assert.deepEqual(await of(UDP), ['CV_DESCRIBED_LISTEN', { listen: '0.0.0.0:7600', detail: 'EACCES' }]);
  assert.deepEqual(await of(UDP, new Error('odd')), ['CV_DESCRIBED_LISTEN', { listen: '0.0.0.0:7600', detail: 'odd' }]);
  assert.deepEqual(await of({ description, transport: 'serial', port: '/dev/ttyX' }), [
    'CV_DESCRIBED_PORT',
    { port: '/dev/ttyX', detail: 'no' },
  ]);
  assert.equal((await of({ description, host: '10.0.0.9', port: 1 }))[0], 'CV_LINK_UNREACHABLE');
  const called = new AbortController();
  called.abort(new Error('called off'));
  for (const written of [
    { description, listen: '0.0.0.0:7600' },
    { description, transport: 'serial', port: 'ttyS1' },
  ])
    await assert.rejects(open(settings.parse(written), [], fakeNet().world, called.signal), /called off/);
  await assert.rejects(
    open(settings.parse({ ...UDP, description: '/nowhere.yaml' }), [], fakeNet().world),
    (error) => error instanceof FaultError && error.fault.code === 'CV_DESCRIBED_FILE',
  );
});

test('an address that is dialled over UDP has one line; one that is listened on has one for each that speaks, four thousand at most', async () => {
  const net = fakeNet();
  const dialled = await heardAt(net, { description: 'shipped:compound-terminal', transport: 'udp', host: '::1', port: 7600, identity: ID });
  assert.deepEqual(net.bound[0]?.own, { host: '::', port: 0 });
  net.bound[0]?.emitDatagram(report(1), { host: '10.9.9.9', port: 1 });
  dialled.taken(0);
  assert.match(String(net.bound[0]?.sent[0]), /^::1:7600 /, 'answers go where it was dialled');
  await dialled.link.close();
  const v4 = await heardAt(net, { description: 'shipped:compound-terminal', transport: 'udp', host: '10.0.0.9', port: 7600 });
  assert.deepEqual(net.bound[1]?.own, { host: '0.0.0.0', port: 0 });
  net.bound[1]?.emitError(new Error('EIO'));
  assert.deepEqual(
    net.faults().map(({ code, params }) => [code, params.listen, params.detail]),
    [['CV_DESCRIBED_LISTEN', '10.0.0.9:7600', 'EIO']],
  );
  await v4.link.close();
  const { link } = await heardAt(net, { ...UDP, identity: ID });
  const port = net.bound[2];
  assert.ok(port);
  port.emitDatagram(report(1), { host: '10.0.0.1', port: 1 });
  const half = report(2).slice(0, 20);
  port.emitDatagram(half, { host: '10.0.0.2', port: 1 });
  const before = net.codes().length;
  for (let at = 3; at <= 4096; at += 1) port.emitDatagram('00', { host: '10.0.0.3', port: at });
  assert.equal(net.codes().length, before, 'there is room for so many');
  port.emitDatagram('00', { host: '10.0.0.4', port: 1 });
  assert.deepEqual(net.codes().slice(before), ['CV_FRAME_LENGTH'], 'the oldest that is nobody\'s makes room, with what it had begun');
  port.emitDatagram(report(2).slice(20), { host: '10.0.0.2', port: 1 });
  assert.ok(net.codes().length >= before + 1);
  await link.close();
});

test('of connections that nobody is known on the oldest makes room for the newest', async () => {
  const net = fakeNet();
  const { link } = await heardAt(net, { description: 'shipped:compound-terminal', listen: '0.0.0.0:7600', identity: ID });
  const [port] = net.listening;
  assert.ok(port);
  const known = new FakeSocket('10.0.0.1', 1);
  port.accept(known);
  known.emitData(terminalFrame(ID, 1, 1, heartbeatBody(-70)).toString('hex'));
  const strangers = Array.from({ length: 4096 }, (_, at) => new FakeSocket(`10.1.${at >> 7}.${at & 127}`, 1));
  for (const socket of strangers) port.accept(socket);
  assert.deepEqual(strangers.map(({ destroyed }, at) => (destroyed ? at : -1)).filter((at) => at >= 0), [0]);
  assert.equal(known.destroyed, false);
  await link.close();
});
