import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { linkFrames } from '../../core/link-frames.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { FaultError } from '../../core/faults.ts';
import { realNet } from '../../core/world.ts';
import { freePort } from '../../core/free-port.ts';
import { decode } from './decode.ts';
import { open, type LlrpLink } from './link.ts';
import { probe } from './probe.ts';
import { point, settings, type LlrpPoint } from './settings.ts';
import { diallingReader, listeningReader, type SimulatedReader, type SimulatedReaderOptions } from './testing/simulated-reader.ts';

const EPC = '3074257BF7194E4000001A85';
const POINTS = [
  { id: 'tag', gives: 'read' },
  { id: 'came', gives: 'arrived' },
  { id: 'went', gives: 'left' },
  { id: 'through', gives: 'passed', from: [1], to: [2] },
  { id: 'there', gives: 'present' },
  { id: 'antennas', gives: 'antennas-down' },
  { id: 'door', gives: 'gpi', input: 1 },
].map((one) => ({ id: one.id, ...(point.parse(one) as LlrpPoint) }));

interface Setup {
  world: ReturnType<typeof testWorld>;
  reader: SimulatedReader & { port: number };
  open(more?: Record<string, unknown>): Promise<LlrpLink>;
}

async function setUp(options: SimulatedReaderOptions = {}): Promise<Setup> {
  const base = testWorld();
  const world = { ...base, net: { ...realNet } };
  const reader = await listeningReader({ nowMs: () => world.clock.nowMs(), ...options });
  return { world, reader, open: (more = {}) => open(settings.parse({ host: '127.0.0.1', port: reader.port, ...more }), POINTS, world) };
}

/** Values in order of arrival. */
function valuesOf(link: LlrpLink) {
  const stop = new AbortController();
  const frames = linkFrames(link, stop.signal);
  const held: { point: string; value: unknown; deviceAt?: number }[] = [];
  async function next(wanted: string): Promise<{ value: unknown; deviceAt?: number }> {
    for (;;) {
      const at = held.findIndex((one) => one.point === wanted);
      if (at >= 0) return held.splice(at, 1)[0] as { value: unknown };
      const { value: frame, done } = await frames.next();
      assert.ok(!done, `frames ended before ${wanted}`);
      const decoded = decode(frame);
      assert.ok(decoded.ok);
      held.push(...(decoded.values ?? []));
    }
  }
  return { next, held, frames, end: async () => { stop.abort(); await frames.next(); await link.close(); } };
}

/** Retries until the port is open. */
async function connectUntilAccepted(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isAccepted = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (isAccepted) return socket;
  }
}

const codeOf = (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error));

test('a reader is configured, its reads give values and presence with their times, and its ROSpec is deleted on close', async () => {
  const { world, reader, open: openLink } = await setUp({ clock: 'filetime', aheadMs: 3_600_000 });
  const link = await openLink();
  assert.deepEqual(reader.received.slice(0, 5), [3, 21, 20, 24, 22]);
  assert.ok(reader.isReading());
  const values = valuesOf(link);
  assert.equal((await values.next('there')).value, 0);
  const at = world.clock.nowMs();
  reader.report([{ epc: EPC }, { epc: EPC }, { epc: 'E280', antenna: 2 }]);
  assert.deepEqual([(await values.next('tag')).value, (await values.next('tag')).value], [EPC, 'E280']);
  const came = await values.next('came');
  assert.deepEqual([came.value, came.deviceAt], [EPC, at], 'the clock is an hour ahead and counts 100 ns since 1601');
  assert.equal((await values.next('there')).value, 1);
  await world.clock.advanceMs(2000);
  reader.report([{ epc: EPC, antenna: 2 }]);
  assert.equal((await values.next('through')).value, EPC);
  reader.antenna(2, false);
  assert.equal((await values.next('antennas')).value, 1);
  reader.input(1, true);
  assert.equal((await values.next('door')).value, true);
  const went = values.next('went');
  for (let turn = 0; turn < 60; turn += 1) {
    reader.keepalive();
    await world.clock.advanceMs(100);
  }
  assert.equal((await went).value, EPC);
  await values.end();
  assert.equal(reader.rospecs.size, 0);
  assert.deepEqual(reader.received.filter((type) => type !== 72).slice(-2), [21, 14]);
  await reader.stop();
});

test('power is the highest step that does not exceed the setting, on the configured antennas; frequencies are written back unchanged', async () => {
  const { reader, open: openLink } = await setUp();
  const link = await openLink({ powerDbm: 28, session: 1, antennas: [1], report: '1s' });
  assert.deepEqual(reader.received.slice(0, 6), [3, 21, 1, 2, 20, 24]);
  assert.ok(reader.isReading());
  await link.close();
  await reader.stop();
});

test('a reader that is in use, refuses, does not greet, or goes silent gives its fault', async () => {
  const taken = await setUp({ greeting: 2 });
  await assert.rejects(taken.open(), (error) => codeOf(error) === 'CV_LLRP_TAKEN');
  const refusing = await setUp({ rejectedTypes: [20] });
  await assert.rejects(refusing.open(), (error) => codeOf(error) === 'CV_LLRP_REFUSED');
  const mute = await setUp({ isMute: true });
  const opening = mute.open().catch(codeOf);
  await until(() => mute.reader.connections() > 0);
  await mute.world.clock.advanceMs(5001);
  assert.equal(await opening, 'CV_LINK_TIMEOUT');
  const silent = await setUp();
  const link = await silent.open({ keepalive: '2s' });
  const values = valuesOf(link);
  await values.next('there');
  const over = values.next('never').catch(codeOf);
  await silent.world.clock.advanceMs(6001);
  assert.equal(await over, 'CV_LLRP_SILENT');
  await link.close();
  await Promise.all([taken, refusing, mute, silent].map(({ reader }) => reader.stop()));
});

test('a reader that connects to the edge works like one that is connected to; bytes that are not LLRP end the session', async () => {
  const { world, reader: other } = await setUp();
  await other.stop();
  const port = await freePort();
  const reader = diallingReader(port, { nowMs: () => world.clock.nowMs() });
  const link = await open(settings.parse({ listen: `127.0.0.1:${port}`, minReads: 1 }), POINTS, world);
  const values = valuesOf(link);
  reader.report([{ epc: EPC }]);
  assert.equal((await values.next('came')).value, EPC);
  const over = values.next('never').catch(codeOf);
  reader.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
  assert.equal(await over, 'CV_LLRP_STREAM');
  await link.close();
  await reader.stop();
  await world.clock.advanceMs(300);
});

test('silent connections, before and after that of a reader, do not keep it out', async () => {
  const world = { ...testWorld(), net: { ...realNet } };
  const port = await freePort();
  const opening = open(settings.parse({ listen: `127.0.0.1:${port}`, minReads: 1 }), POINTS, world);
  opening.catch(() => {});
  let closed = 0;
  const idle = (count: number) => Promise.all(Array.from({ length: count }, async () => {
    const socket = await connectUntilAccepted(port);
    socket.on('error', () => {}).on('close', () => { closed += 1; });
    return socket;
  }));
  const before = await idle(100);
  await until(() => closed >= 36); // never more than 64 are pending
  const reader = diallingReader(port, { nowMs: () => world.clock.nowMs() });
  const link = await opening;
  const after = await idle(3);
  const values = valuesOf(link);
  reader.report([{ epc: EPC }]);
  assert.equal((await values.next('came')).value, EPC);
  await values.end();
  await reader.stop();
  for (const socket of [...before, ...after]) socket.destroy();
  await world.clock.advanceMs(300);
});

test('a probe gives maker, antennas and power, and changes nothing', async () => {
  const { world, reader } = await setUp();
  const findings = await probe(
    settings.parse({ host: '127.0.0.1', port: reader.port, antennas: [1, 3] }),
    POINTS,
    world,
    new AbortController().signal,
  );
  assert.match(findings.map(({ en }) => en).join('\n'), /Impinj[\s\S]*connected: 1, 2[\s\S]*antennas 3[\s\S]*10 to 30 dBm in 5 steps/);
  assert.deepEqual(reader.received, [1, 2, 14]);
  await reader.stop();
});

test('a reader that disconnects within a message gives a fault that says so', async () => {
  const { reader, open: openLink } = await setUp();
  const link = await openLink();
  const values = valuesOf(link);
  await values.next('there');
  const over = values.next('never').catch((error: unknown) => error);
  reader.sendBytes(Buffer.from('043d0000002a000000010000', 'hex'));
  await reader.stop();
  const error = await over;
  assert.ok(error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED');
  assert.match(String(error.fault.params.detail), /incomplete LLRP message: 12 bytes of 42/);
  await link.close();
});
