/** What a line leaves behind when it ends: a link that has to be dialled again, a frame that was never whole. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { explain, FaultError, type Fault } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { freePort } from '../../core/free-port.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realNet } from '../../core/world.ts';
import { decode } from './decode.ts';
import type { DescribedFrame } from './frame.ts';
import { open } from './link.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { diallingTerminal, terminalFrame, stateBody } from './testing/terminal.ts';

const MASS = { id: 'mass', ...point.parse({ read: 'weight.mass' }) } as ConfiguredFramePoint;
const TEMPERATURE = { id: 'temperature', ...point.parse({ read: 'state.temperature' }) } as ConfiguredFramePoint;
/** Unit 01 weighs 12.50 kg, in the words of its protocol. */
const WEIGHED = weighed('01+0012.50S');

function weighed(body: string): string {
  return `\x02${body}${[...Buffer.from(body)].reduce((all, byte) => all ^ byte, 0).toString(16).toUpperCase().padStart(2, '0')}\r`;
}

function testbed() {
  const world = testWorld();
  const faults = (): Fault[] => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  const lost = () => world.told.filter((event) => event.kind === 'samples_lost' && event.reason === 'frame_unreadable').length;
  return { world: { ...world, net: { ...realNet } }, clock: world.clock, faults, lost };
}

/** An instrument behind a serial server; each connection is treated as told. */
async function instrument(serve: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => { socket.destroy(); });
    serve(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  return {
    port, sockets,
    stop: () => new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    }),
  };
}

const scale = (port: number) => settings.parse({ description: 'shipped:weighbridge', host: '127.0.0.1', port, identity: '01' });

const valueOf = (frame: unknown) => {
  const decoded = decode(frame as DescribedFrame);
  return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
};

test('a link that we dialled ends with a fault when the device closes it, with all that it had said; the next is dialled afresh', async () => {
  const { world, clock } = testbed();
  const device = await instrument((socket) => { socket.on('data', () => { socket.write(WEIGHED); }); });
  for (const turn of [1, 2]) {
    const link = await open(scale(device.port), [MASS], world);
    const stop = new AbortController();
    const frames = linkFrames(link, stop.signal);
    const first = frames.next();
    await clock.advanceMs(1);
    assert.equal(valueOf((await first).value), 12.5);
    assert.equal(device.sockets.length, turn);
    const end = frames.next();
    device.sockets.at(-1)?.end(turn === 1 ? '' : weighed('01+0099.00S'));
    if (turn === 2) assert.equal(valueOf((await end).value), 99);
    await assert.rejects(turn === 1 ? end : frames.next(), (error) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.code, 'CV_LINK_CLOSED');
      assert.match(explain(error.fault, 'en').message, new RegExp(`127\\.0\\.0\\.1:${device.port}.*by the device`));
      assert.match(explain(error.fault, 'zh-CN').message, /设备主动断开/);
      return true;
    });
    await link.close();
    await link.close();
  }
  await device.stop();
});

test('a link that we dialled and that is reset says so', async () => {
  const { world, clock } = testbed();
  const device = await instrument((socket) => { socket.once('data', () => { socket.resetAndDestroy(); }); });
  const link = await open(scale(device.port), [MASS], world);
  const end = assert.rejects(
    linkFrames(link, new AbortController().signal).next(),
    (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED' && /ECONNRESET/.test(String(error.fault.params.detail)),
  );
  await clock.advanceMs(1);
  await end;
  await link.close();
  await device.stop();
});

test('two units of one dialled line: both are told that it closed, and the next opens it once', async () => {
  const { world, clock } = testbed();
  const device = await instrument((socket) => { socket.resume(); });
  const openBoth = () => Promise.all(['01', '02'].map((identity) => open({ ...scale(device.port), identity }, [MASS], world)));
  const links = await openBoth();
  assert.equal(device.sockets.length, 1);
  const ends = links.map((link) =>
    assert.rejects(
      linkFrames(link, new AbortController().signal).next(),
      (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED',
    ),
  );
  await clock.advanceMs(1);
  device.sockets[0]?.end();
  await Promise.all(ends);
  // The one that is opened again first does not get the line that is over.
  const [first, second] = links;
  await first?.close();
  const again = await open(scale(device.port), [MASS], world);
  await until(() => device.sockets.length === 2);
  const other = await open({ ...scale(device.port), identity: '02' }, [MASS], world);
  await second?.close();
  assert.equal(device.sockets.length, 2);
  assert.equal(device.sockets[1]?.destroyed, false, 'a link of the old line that closes late ends the old line alone');
  await again.close();
  await other.close();
  await until(() => device.sockets[1]?.destroyed ?? false);
  await device.stop();
});

test('a frame that a device begins and never ends is a fault when it closes, counted and with its first bytes', async () => {
  const { world, clock, faults, lost } = testbed();
  const port = await freePort();
  const link = await open(
    settings.parse({ description: 'shipped:compound-terminal', listen: `127.0.0.1:${port}`, identity: '000000000001' }),
    [TEMPERATURE],
    world,
  );
  const frames = linkFrames(link, new AbortController().signal);
  const numbered = (number: number) => terminalFrame('000000000001', number, 4, stateBody('260101000000', 20, 40, 12_000, 0, 0));
  const whole = numbered(9);
  let number = 0;
  for (const [sent, code] of [
    [whole.subarray(0, 17), 'CV_FRAME_LENGTH'],
    [Buffer.from('no frame at all'), 'CV_DESCRIBED_STREAM'],
  ] as const) {
    const [told, before] = [faults().length, lost()];
    const terminal = diallingTerminal(port, { terminal: '000000000001' });
    await until(() => terminal.isConnected());
    terminal.sendBytes(Buffer.concat([numbered(number += 1), sent]));
    assert.equal(valueOf((await frames.next()).value), 20);
    await terminal.stop();
    await until(() => faults().length > told);
    const [fault] = faults().slice(told) as [Fault];
    assert.equal(fault.code, code);
    const message = explain(fault, 'en').message;
    assert.match(message, new RegExp(`127\\.0\\.0\\.1:${port}.*${sent.toString('hex', 0, 12)}`));
    if (code === 'CV_FRAME_LENGTH') assert.match(message, /cut short after 17 bytes/);
    if (code === 'CV_FRAME_LENGTH') assert.match(explain(fault, 'zh-CN').message, /帧不完整，只有 17 字节/);
    assert.equal(lost() - before, 1);
  }
  const quiet = diallingTerminal(port, { terminal: '000000000001' });
  await until(() => quiet.isConnected());
  quiet.sendBytes(whole);
  await frames.next();
  const told = faults().length;
  await quiet.stop();
  await link.close();
  // The port is closed a moment later.
  await clock.advanceMs(300);
  assert.equal(faults().length, told, 'a line that ends between two frames leaves nothing');
});

test('what a device had begun when we asked again is a fault as well; what we close ourselves is none', async () => {
  const { world, clock, faults, lost } = testbed();
  const device = await instrument((socket) => { socket.on('data', () => { socket.write(WEIGHED.slice(0, 6)); }); });
  const link = await open(scale(device.port), [MASS], world);
  const frames = linkFrames(link, new AbortController().signal);
  const silent = frames.next();
  await clock.advanceMs(1);
  await until(() => device.sockets.length === 1 && (device.sockets[0]?.bytesWritten ?? 0) > 0);
  await until(async () => { await clock.advanceMs(100); return faults().length > 0; });
  assert.equal((await silent).value?.is, 'silent');
  assert.deepEqual(faults().map(({ code }) => code), ['CV_FRAME_LENGTH']);
  assert.match(explain(faults()[0] as Fault, 'en').message, /cut short after 6 bytes: 0230312b3030/);
  const before = lost();
  await link.close();
  assert.equal(lost(), before);
  await device.stop();
});
