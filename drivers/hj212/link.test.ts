import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import { freePort } from '../../core/free-port.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { until } from '../../core/testing/until.ts';
import { realNet, type World } from '../../core/world.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { Hj212Frame } from './frame.ts';
import { open, type Hj212Link } from './link.ts';
import { point, settings, type Hj212Point } from './settings.ts';
import { diallingDataLogger, hj212PacketBytes, qnText, listeningDataLogger, type DataLogger } from './testing/data-logger.ts';
import { write } from './write.ts';

const POINTS = [
  { id: 'pm25', factor: 'a34004' },
  { id: 'interval', parameter: 'realtimeInterval' },
].map((one) => ({ id: one.id, ...(point.parse(one) as Hj212Point) }));
const upload = (value: number, second = 0) => `DataTime=202601011200${String(second).padStart(2, '0')};a34004-Rtd=${value},a34004-Flag=N`;

interface TestServer {
  world: World & { clock: ReturnType<typeof testWorld>['clock'] };
  faults: Fault[];
  told: TelemetryEvent[];
  /** Accepted connections. */
  accepted: Socket[];
  port: number;
}

async function testServer(): Promise<TestServer> {
  const faults: Fault[] = [];
  const told: TelemetryEvent[] = [];
  const accepted: Socket[] = [];
  const base = testWorld();
  const listen: World['net']['listen'] = (address, accept, failed) =>
    realNet.listen(
      address,
      (socket) => {
        accepted.push(socket);
        accept(socket);
      },
      failed,
    );
  const world = {
    ...base,
    net: { ...realNet, listen },
    tell: ((event) => {
      told.push(event);
      if (event.kind === 'fault') faults.push(event.fault);
    }) satisfies World['tell'],
  };
  return { world, faults, told, accepted, port: await freePort() };
}

const openAt = ({ world, port }: TestServer, mn: string, more: Record<string, unknown> = {}) =>
  open(settings.parse({ listen: `127.0.0.1:${port}`, mn, ...more }), POINTS, world);

/** Ends its connection, as seen by both sides. */
async function disconnect(logger: DataLogger, { accepted }: TestServer): Promise<void> {
  const seen = once(accepted.at(-1) as Socket, 'close');
  logger.drop();
  await Promise.all([seen, until(() => !logger.isConnected())]);
}

/** The frames of a link. */
function reader(link: Hj212Link, { world }: TestServer) {
  const stop = new AbortController();
  const frames = linkFrames(link, stop.signal);
  return {
    next: async () => (await frames.next()).value as Hj212Frame,
    async end() {
      stop.abort();
      await frames.next();
      await link.close();
      // The port is closed a moment later.
      await world.clock.advanceMs(300);
    },
  };
}

const valueOf = (frame: Hj212Frame) => {
  const decoded = decode(frame);
  return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
};

test('an upload is answered once it is stored, and not before; a repetition is answered and not handed on again', async () => {
  const at = await testServer();
  const link = await openAt(at, 'A1');
  const reading = reader(link, at);
  const logger = diallingDataLogger(at.port, { mn: 'A1' });
  await until(() => logger.isConnected());
  const first = logger.upload('2011', upload(1));
  const frame = await reading.next();
  assert.equal(valueOf(frame), 1);
  // Another exchange goes both ways meanwhile: had the first been answered, the answer would be here.
  const other = logger.upload('2061', 'DataTime=20260101110000;a34004-Avg=9');
  await until(() => logger.answered.has(other));
  assert.ok(!logger.answered.has(first), 'not on disk yet');
  link.confirmStored?.(frame);
  await until(() => logger.answered.has(first));
  const again = logger.upload('2011', upload(1));
  await until(() => logger.answered.has(again));
  logger.upload('2011', upload(2, 1));
  assert.equal(valueOf(await reading.next()), 2, 'the repetition was not handed on');
  await reading.end();
  await logger.stop();
});

test('many stations on one port, byte by byte and two at once; a newer connection takes over, one connection may carry two', async () => {
  const at = await testServer();
  const names = Array.from({ length: 20 }, (_, index) => `STATION${index}`);
  const links = await Promise.all(names.map((mn) => openAt(at, mn)));
  const readings = links.map((link) => reader(link, at));
  const loggers = names.map((mn) =>
    diallingDataLogger(at.port, { mn, pieces: (packet) => [...packet].map((byte) => Buffer.from([byte])) }),
  );
  await until(() => loggers.every((logger) => logger.isConnected()));
  loggers.forEach((logger, index) => logger.upload('2011', upload(index)));
  assert.deepEqual(await Promise.all(readings.map(async (reading) => valueOf(await reading.next()))), names.map((_, index) => index));

  const newer = diallingDataLogger(at.port, { mn: 'STATION0' });
  await until(() => newer.isConnected());
  newer.upload('2011', upload(100, 1));
  const frame = await (readings[0] as ReturnType<typeof reader>).next();
  links[0]?.confirmStored?.(frame);
  await until(() => newer.answered.size === 1);
  newer.send(hj212PacketBytes(`QN=20260101120001000;ST=22;CN=2011;PW=1;MN=STATION1;Flag=4;CP=&&${upload(101, 1)}&&`));
  assert.equal(valueOf(await (readings[1] as ReturnType<typeof reader>).next()), 101);
  await Promise.all([...readings.map((reading) => reading.end()), ...[...loggers, newer].map((logger: DataLogger) => logger.stop())]);
});

test('packets of one upload in any order: those without a time wait for it; a missing time is reported', async () => {
  const at = await testServer();
  const reading = reader(await openAt(at, 'A1'), at);
  const logger = diallingDataLogger(at.port, { mn: 'A1' });
  await until(() => logger.isConnected());
  const qn = '20260101120000123';
  logger.upload('2011', 'a34004-Rtd=2,a34004-Flag=N', { qn, part: [2, 2] });
  logger.upload('2011', upload(1), { qn, part: [1, 2] });
  const times = [];
  for (const wanted of [1, 2]) {
    const frame = await reading.next();
    const decoded = decode(frame);
    assert.ok(decoded.ok);
    assert.equal(decoded.values?.[0]?.value, wanted);
    times.push(decoded.values?.[0]?.deviceAt);
  }
  assert.equal(times[0], times[1]);
  logger.upload('2011', 'a34004-Rtd=3,a34004-Flag=N', { qn: '20260101120000456', part: [2, 2] });
  const mark = logger.upload('2061', 'DataTime=20260101110000;a34004-Avg=9');
  await until(() => logger.answered.has(mark));
  await at.world.clock.advanceMs(31_000);
  assert.deepEqual(at.faults.map(({ code }) => code), ['CV_HJ212_PART']);
  await reading.end();
  await logger.stop();
});

test('another password, an unknown MN, another protocol: no frame, each is reported once', async () => {
  const at = await testServer();
  const reading = reader(await openAt(at, 'A1', { password: 'right' }), at);
  const wrong = diallingDataLogger(at.port, { mn: 'A1', password: 'wrong' });
  const unconfigured = diallingDataLogger(at.port, { mn: 'B2' });
  const other = diallingDataLogger(at.port, { mn: 'C3' });
  await until(() => [wrong, unconfigured, other].every((logger) => logger.isConnected()));
  for (const turn of [1, 2]) {
    wrong.upload('2011', upload(turn));
    unconfigured.upload('2011', upload(turn));
    other.send('GET / HTTP/1.1\r\n\r\n##0000');
  }
  await until(() => at.faults.length === 3);
  const right = diallingDataLogger(at.port, { mn: 'A1', password: 'right' });
  await until(() => right.isConnected());
  right.upload('2011', upload(7));
  assert.equal(valueOf(await reading.next()), 7);
  assert.deepEqual(at.faults.map(({ code }) => code).toSorted(), ['CV_HJ212_PASSWORD', 'CV_HJ212_STREAM', 'CV_HJ212_UNKNOWN']);
  const unknown = at.told.filter((event) => event.kind === 'unknown_device');
  assert.deepEqual(new Set(unknown.map(({ id }) => id)), new Set(['B2']));
  for (const { said } of unknown) {
    assert.match(said.text, /^##\d{4}QN=/);
    assert.match(Buffer.from(said.hex, 'hex').toString('latin1'), /;PW=\*/, 'without its password');
  }
  assert.equal(wrong.answered.size + unconfigured.answered.size, 0);
  await reading.end();
  await Promise.all([wrong, unconfigured, other, right].map((logger) => logger.stop()));
});

test('a station that never connected or disconnected is reported as away; the link stays', async () => {
  const at = await testServer();
  const reading = reader(await openAt(at, 'A1'), at);
  const absent = reading.next();
  await at.world.clock.advanceMs(16_000);
  assert.equal(valueOf(await absent), 'CV_HJ212_ABSENT');
  const logger = diallingDataLogger(at.port, { mn: 'A1' });
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  assert.equal(valueOf(await reading.next()), 1);
  const away = reading.next();
  // The end of its connection has to be seen before time goes on.
  await Promise.all([once(at.accepted.at(-1) as Socket, 'close'), logger.stop()]);
  await at.world.clock.advanceMs(16_000);
  assert.equal(valueOf(await away), 'CV_HJ212_LEFT');
  await reading.end();
});

test('an interval is set and read back; a logger that requests the time gets it', async () => {
  const at = await testServer();
  const link = await openAt(at, 'A1');
  const reading = reader(link, at);
  const logger = diallingDataLogger(at.port, { mn: 'A1' });
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  await reading.next();
  const [set, get] = write(POINTS[1] as Parameters<typeof write>[0], 60);
  assert.ok(set && get);
  const { signal } = new AbortController();
  assert.deepEqual(decode(await link.exchange?.(set, signal) as Hj212Frame, set), { ok: true, values: [] });
  assert.deepEqual(decode(await link.exchange?.(get, signal) as Hj212Frame, get), { ok: true, values: [{ point: 'interval', value: 60 }] });
  logger.upload('1013', 'PolId=a34004');
  await until(() => logger.commands.some(({ cn }) => cn === '1012'));
  assert.match(logger.commands.find(({ cn }) => cn === '1012')?.content ?? '', /^SystemTime=\d{14}$/);
  await reading.end();
  await logger.stop();
});

const HISTORY_POINTS = [{ id: 'so2', ...(point.parse({ factor: 'a21026', value: 'Avg' }) as Hj212Point) }];
const minutes = (stampText: string, value: number) => `DataTime=${stampText};a21026-Min=1,a21026-Avg=${value},a21026-Max=9,a21026-Flag=N`;
const CHINA_MS = 8 * 3_600_000;

test('a reconnected logger is asked for missing minute data, in requests that a queue can hold; it is backfill', async () => {
  const at = await testServer();
  const asked = { listen: `127.0.0.1:${at.port}`, mn: 'A1', history: ['minute', 'day'], historyReach: '2d', minuteEvery: '1m' };
  const link = await open(settings.parse(asked), HISTORY_POINTS, at.world);
  const reading = reader(link, at);
  const stampAt = (ms: number) => qnText(ms).slice(0, 14);
  const everyMinute = (from: string, to: string) => {
    const [begin, end] = [from, to].map(
      (text) => Date.parse(text.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')) - CHINA_MS,
    ) as [number, number];
    return Array.from({ length: Math.floor((end - begin) / 60_000) + 1 }, (_, index) => minutes(stampAt(begin + index * 60_000), index));
  };
  const logger = diallingDataLogger(at.port, { mn: 'A1', wantsAnswer: false, stored: (_cn, from, to) => everyMinute(from, to) });
  await until(() => logger.isConnected());
  const startMs = Math.floor(at.world.clock.nowMs() / 60_000) * 60_000;
  logger.upload('2051', minutes(stampAt(startMs - 60_000), 7));
  const live = decode(await reading.next());
  assert.ok(live.ok && live.values?.[0]?.origin === undefined);
  assert.deepEqual(logger.commands, [], 'before a first upload it is unknown what is missing');

  await disconnect(logger, at);
  const away = reading.next();
  await at.world.clock.advanceMs(300 * 60_000);
  assert.equal((await away).is, 'away');
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  const values = new Map<number, string | undefined>();
  while (values.size < 299) {
    const decoded = decode(await reading.next());
    if (decoded.ok) for (const { deviceAt, origin } of decoded.values ?? []) values.set(deviceAt as number, origin);
  }
  assert.deepEqual(logger.commands.map(({ cn, content }) => [cn, content]), [
    ['2051', `BeginTime=${stampAt(startMs)},EndTime=${stampAt(startMs + 199 * 60_000)}`],
    ['2051', `BeginTime=${stampAt(startMs + 200 * 60_000)},EndTime=${stampAt(at.world.clock.nowMs())}`],
  ]);
  assert.equal(values.get(startMs + 60_000), 'backfill');
  await reading.end();
  await logger.stop();
});

test('a logger that does not support the command refuses it, and goes on', async () => {
  const at = await testServer();
  const link = await open(settings.parse({ listen: `127.0.0.1:${at.port}`, mn: 'A1', history: ['minute'] }), HISTORY_POINTS, at.world);
  const reading = reader(link, at);
  const logger = diallingDataLogger(at.port, { mn: 'A1', wantsAnswer: false });
  await until(() => logger.isConnected());
  logger.upload('2051', minutes(qnText(at.world.clock.nowMs()).slice(0, 14), 7));
  await reading.next();
  await disconnect(logger, at);
  await at.world.clock.advanceMs(3_600_000);
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  await until(() => at.faults.some(({ code }) => code === 'CV_HJ212_REFUSED'));
  assert.deepEqual(at.faults.find(({ code }) => code === 'CV_HJ212_REFUSED')?.params, { mn: 'A1', cn: '2051', answer: 'QnRtn=8' });
  await reading.end();
  await logger.stop();
});

const packetFor = (cn: string, pw: string, more: { qn?: string; content?: string } = {}) =>
  hj212PacketBytes(`QN=${more.qn ?? '20260101120000777'};ST=91;CN=${cn};PW=${pw};MN=A1;Flag=5;CP=&&${more.content ?? ''}&&`);

test('a connection with another password learns nothing, takes nothing over and gets no request, whatever command it sends', async () => {
  const at = await testServer();
  const link = await openAt(at, 'A1', { password: 'secret' });
  const reading = reader(link, at);
  const right = diallingDataLogger(at.port, { mn: 'A1', password: 'secret' });
  await until(() => right.isConnected());
  right.upload('2011', upload(1));
  assert.equal(valueOf(await reading.next()), 1);

  let output = '';
  const impostor = connect({ host: '127.0.0.1', port: at.port });
  impostor.on('data', (bytes) => {
    output += bytes.toString('latin1');
  });
  impostor.on('error', () => {
    impostor.destroy();
  });
  for (const cn of ['2011', '9011', '9012', '9013', '9014', '9021', '1061', '1013'])
    impostor.write(packetFor(cn, 'wrong', { content: upload(666) }));
  await until(() => output.includes('CN=9011'));
  assert.match(output, /QnRtn=3/);
  const [set] = write(POINTS[1] as Parameters<typeof write>[0], 60);
  assert.ok(set);
  assert.deepEqual(
    decode((await link.exchange?.(set, new AbortController().signal)) as Hj212Frame, set),
    { ok: true, values: [] },
    'the logger itself got the request',
  );
  assert.deepEqual(
    right.commands.map(({ cn }) => cn),
    ['1062'],
  );
  assert.doesNotMatch(output, /secret|PW=|CN=1062/);
  impostor.destroy();
  await reading.end();
  await right.stop();
});

test('an answer counts only from the connection that was asked; where no password is set, none is passed on', async () => {
  const at = await testServer();
  const link = await openAt(at, 'A1');
  const reading = reader(link, at);
  const received: string[] = [];
  const dialled = () => {
    const socket = connect({ host: '127.0.0.1', port: at.port });
    const place = received.push('') - 1;
    socket.on('data', (bytes) => { received[place] += bytes.toString('latin1'); });
    socket.on('error', () => { socket.destroy(); });
    return socket;
  };
  const [first, second] = [dialled(), dialled()];
  first.write(packetFor('2011', 'mine', { content: upload(1) }));
  await reading.next();
  const [set] = write(POINTS[1] as Parameters<typeof write>[0], 60);
  assert.ok(set);
  let answer: Hj212Frame | null = null;
  const asking = link.exchange?.(set, new AbortController().signal).then((frame) => { answer = frame; });
  await until(() => received[0]?.includes('CN=1062') ?? false);
  const qn = /QN=(\d+);ST=\d+;CN=1062/.exec(received[0] as string)?.[1] as string;
  second.write(packetFor('9012', 'other', { qn, content: 'ExeRtn=1' }));
  second.write(packetFor('1013', 'other'));
  await until(() => received[1]?.includes('CN=1012') ?? false);
  assert.equal(answer, null);
  assert.doesNotMatch(received[1] as string, /mine/);
  first.write(packetFor('9012', 'mine', { qn, content: 'ExeRtn=1' }));
  await asking;
  assert.notEqual(answer, null);
  for (const socket of [first, second]) socket.destroy();
  await reading.end();
});

test('a request ends when its logger disconnects, and when it is aborted', async () => {
  const at = await testServer();
  const link = await openAt(at, 'A1');
  const reading = reader(link, at);
  const silent = connect({ host: '127.0.0.1', port: at.port });
  silent.on('error', () => { silent.destroy(); });
  silent.write(packetFor('2011', 'x', { content: upload(1) }));
  await reading.next();
  const [set] = write(POINTS[1] as Parameters<typeof write>[0], 60);
  assert.ok(set && link.exchange);
  const stop = new AbortController();
  const stopped = assert.rejects(link.exchange(set, stop.signal), /no longer wanted/);
  stop.abort(new Error('no longer wanted'));
  await stopped;
  const left = assert.rejects(
    link.exchange(set, new AbortController().signal),
    (error) => error instanceof FaultError && error.fault.code === 'CV_HJ212_LEFT',
  );
  silent.destroy();
  await left;
  await reading.end();
});

test('idle sockets never lock out the logger, however many and however early', async () => {
  const at = await testServer();
  const reading = reader(await openAt(at, 'A1', { password: 'secret' }), at);
  const logger = diallingDataLogger(at.port, { mn: 'A1', password: 'secret' });
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  assert.equal(valueOf(await reading.next()), 1);
  let closed = 0;
  const idle = Array.from({ length: 300 }, () =>
    connect({ host: '127.0.0.1', port: at.port })
      .on('error', () => {})
      .on('close', () => {
        closed += 1;
      }),
  );
  await until(() => closed === 44);
  assert.equal(logger.isConnected(), true);
  logger.upload('2011', upload(2, 1));
  assert.equal(valueOf(await reading.next()), 2);
  await at.world.clock.advanceMs(121_000);
  await until(() => closed === 300);
  assert.equal(logger.isConnected(), true);
  for (const socket of idle) socket.destroy();
  await reading.end();
  await logger.stop();
});

test('a logger that disconnects within a packet is reported with what is missing, once and without its password; our own close is not reported', async () => {
  const at = await testServer();
  const reading = reader(await openAt(at, 'A1'), at);
  const packet = packetFor('2011', 'secret', { content: upload(1) });
  const dialled = () => connect({ host: '127.0.0.1', port: at.port }).on('error', () => {});
  const first = dialled();
  first.write(Buffer.concat([packet, packet.subarray(0, 60)]));
  assert.equal(valueOf(await reading.next()), 1);
  assert.deepEqual(at.faults, []);
  first.end();
  await until(() => at.faults.length > 0);
  assert.deepEqual(at.faults.map(({ code }) => code), ['CV_HJ212_SHORT']);
  assert.match(JSON.stringify(at.faults[0]), /after 60 bytes, without `CP=&&`: ##/);
  assert.doesNotMatch(JSON.stringify(at.faults), /secret/);
  assert.deepEqual(
    at.told.filter(({ kind }) => kind === 'samples_lost'),
    [{ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false }],
  );
  const second = dialled();
  // Both in one write, so that the unfinished packet is there when the link closes.
  second.write(Buffer.concat([packetFor('2011', 'secret', { content: upload(2, 1) }), packet.subarray(0, 60)]));
  assert.equal(valueOf(await reading.next()), 2);
  const closed = new Promise((resolve) => { second.once('close', resolve); });
  await reading.end();
  await closed;
  assert.equal(at.faults.length, 1);
});

test('a dialled logger that closes the connection ends the link with the device as the cause', async () => {
  const at = await testServer();
  const logger = await listeningDataLogger({ mn: 'A1' });
  const link = await open(settings.parse({ host: '127.0.0.1', port: logger.port, mn: 'A1' }), POINTS, at.world);
  const frames = linkFrames(link, new AbortController().signal);
  const first = frames.next();
  await until(() => logger.isConnected());
  logger.upload('2011', upload(1));
  assert.equal(valueOf((await first).value as Hj212Frame), 1);
  const ended = assert.rejects(
    frames.next(),
    (error) => error instanceof FaultError && error.fault.code === 'CV_LINK_CLOSED' && error.fault.params?.detail === 'by the device',
  );
  logger.drop();
  await ended;
  await link.close();
  await logger.stop();
});
