import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { realNet, type World } from '../../core/world.ts';
import { freePort } from '../../core/free-port.ts';
import { decode } from './decode.ts';
import type { DescribedFrame } from './frame.ts';
import { open, type FrameLink } from './link.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { crowdBody, diallingTerminal, terminalFrame, heartbeatBody, stateBody, tagsBody } from './testing/terminal.ts';

const POINTS = [
  { id: 'temperature', read: 'state.temperature' },
  { id: 'tag', read: 'tags.reads.epc' },
].map((one) => ({ id: one.id, ...point.parse(one) }) as ConfiguredFramePoint);

async function bench() {
  const faults: Fault[] = [];
  const base = testWorld();
  const world = {
    ...base,
    net: { ...realNet },
    tell: ((event) => {
      if (event.kind === 'fault') faults.push(event.fault);
    }) satisfies World['tell'],
  };
  return { world, faults, port: await freePort() };
}
type Bench = Awaited<ReturnType<typeof bench>>;

const openAt = ({ world, port }: Bench, identity?: string) =>
  open(
    settings.parse({ description: 'shipped:compound-terminal', listen: `127.0.0.1:${port}`, ...(identity ? { identity } : {}) }),
    POINTS,
    world,
  );

/** Frames of a link as they come. */
function reader(link: FrameLink, { world }: Bench) {
  const stop = new AbortController();
  const frames = linkFrames(link, stop.signal);
  return {
    next: async () => (await frames.next()).value as DescribedFrame,
    async end() {
      stop.abort();
      await frames.next();
      await link.close();
      // The port is closed a moment later.
      await world.clock.advanceMs(300);
    },
  };
}

function valueOf(frame: DescribedFrame) {
  const decoded = decode(frame);
  return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
}

test('a report is answered once it is taken, and not before; a repetition is answered and not given again', async () => {
  const at = await bench();
  const link = await openAt(at, '000000000001');
  const reading = reader(link, at);
  const terminal = diallingTerminal(at.port, { terminal: '000000000001' });
  await until(() => terminal.isConnected());
  const body = stateBody('260101000000', 20, 40, 12_000, 0, 0);
  const first = terminal.send(4, body);
  const frame = await reading.next();
  assert.equal(valueOf(frame), 20);
  // No point reads these: they are answered at once, so an answer to the first would be here by now.
  const [beat, count] = [terminal.send(1, heartbeatBody(-70)), terminal.send(3, crowdBody('260101000000', 1, 1))];
  await until(() => terminal.answered.has(beat) && terminal.answered.has(count));
  assert.deepEqual([terminal.answered.get(beat), terminal.answered.get(count)], [0x81, 0x83]);
  assert.ok(!terminal.answered.has(first), 'not on disk yet');
  terminal.send(4, body, first);
  link.confirmStored?.(frame);
  await until(() => terminal.answered.get(first) === 0x84);
  terminal.send(4, body, first);
  terminal.send(4, stateBody('260101000001', 21, 40, 12_000, 0, 0));
  const values: unknown[] = [];
  while (values.at(-1) !== 21) values.push(valueOf(await reading.next()));
  assert.deepEqual(values.filter((value) => value === 20), [], 'the repetition was not given');
  await reading.end();
  await terminal.stop();
});

test('many terminals on one port, byte by byte; one that nobody configured is told once, and not answered', async () => {
  const at = await bench();
  const names = Array.from({ length: 20 }, (_, index) => String(index + 1).padStart(12, '0'));
  const readings = await Promise.all(names.map(async (name) => reader(await openAt(at, name), at)));
  const terminals = names.map((terminal) =>
    diallingTerminal(at.port, { terminal, pieces: (frame) => [...frame].map((byte) => Buffer.from([byte])) }),
  );
  const stranger = diallingTerminal(at.port, { terminal: '999999999999' });
  await until(() => [...terminals, stranger].every((one) => one.isConnected()));
  for (let turn = 0; turn < 3; turn += 1) stranger.send(1, heartbeatBody(-70));
  terminals.forEach((terminal, index) => terminal.send(4, stateBody('260101000000', index, 40, 12_000, 0, 0)));
  assert.deepEqual(await Promise.all(readings.map(async (reading) => valueOf(await reading.next()))), names.map((_, index) => index));
  await until(() => at.faults.length > 0);
  assert.deepEqual(at.faults.map(({ code, params }) => [code, params.identity]), [['CV_DESCRIBED_UNKNOWN', '999999999999']]);
  assert.equal(stranger.answered.size, 0);
  await Promise.all([...readings.map((reading) => reading.end()), ...[...terminals, stranger].map((terminal) => terminal.stop())]);
});

test('a frame that is spoiled is neither answered nor hides the next; it is told with its bytes', async () => {
  const at = await bench();
  const reading = reader(await openAt(at), at);
  const terminal = diallingTerminal(at.port, { terminal: '000000000007' });
  await until(() => terminal.isConnected());
  const bad = terminalFrame('000000000007', 1, 2, tagsBody([['260101000000', 1, -50, 'AABB']]));
  bad[20] = (bad[20] as number) ^ 1;
  terminal.sendBytes(bad);
  terminal.send(4, stateBody('260101000000', 5, 40, 12_000, 0, 0), 2);
  assert.equal(valueOf(await reading.next()), 5);
  assert.deepEqual(at.faults.map(({ code }) => code), ['CV_FRAME_CHECKSUM']);
  assert.equal(terminal.answered.size, 0);
  await reading.end();
  await terminal.stop();
});
