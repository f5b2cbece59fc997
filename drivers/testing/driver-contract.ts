/**
 * What every driver of the index is tested for: complete descriptions, opening and closing, prompt aborts, silent and
 * hostile peers, its recorded cases, and a balance of samples in, samples out and samples lost.
 */
import assert from 'node:assert/strict';
import { ChildProcess } from 'node:child_process';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getEventListeners } from 'node:events';
import { Server, Socket } from 'node:net';
import { mock, test } from 'node:test';
import { z } from 'zod';
import { replayCaseLines } from '../../cases/replay.ts';
import { formatJsonLines } from '../../cases/write.ts';
import type { Driver, ProbeFinding, Link, PointOf, Request } from '../../core/driver.ts';
import { IDS } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { realWorld, seededRandom, type World } from '../../core/world.ts';
import type { Case } from './cases.ts';
import { assertDecoded } from './assert-decoded.ts';
import type { DriverDouble, Peer } from './driver-double.ts';
import { assertDamagedMessageGivesNothing, fuzzFrame, fuzzStream, fuzzCorpusOf } from './fuzz.ts';
import { assertMessageNotes } from './assert-message-notes.ts';
import { soon, soonHolds } from '../../core/testing/soon.ts';

/** How long a bad peer is given before the suite aborts the link. */
const PATIENCE_MS = 300;
/** Limit for everything else, generous for busy machines. */
const LIMIT_MS = 20_000;
/** Speed-up of the timers where a link waits for a device to dial in again. */
const TIMER_SPEED = 20;
const MUTATIONS = 2000;
/** How many of the mutations are streams through the link. */
const STREAMS = 200;
const DAMAGED_MESSAGES = 60;
const FRAMES_WANTED = 3;

export interface DriverContractOptions {
  driver: Driver;
  double: DriverDouble;
  /** Doubles of the driver's other transports and modes, by name: each runs the tests that concern links. */
  doubleVariants?: Readonly<Record<string, DriverDouble & { skip?: string | false }>>;
  cases: Case[];
}

export function driverContract({ driver, double, doubleVariants = {}, cases }: DriverContractOptions): void {
  const name = (behaviour: string) => `${driver.id}: ${behaviour}`;
  const drivers = new Map([[driver.id, driver]]);

  test(name('is described in both languages, with defaults that its schema accepts'), () => assertDescribed(driver));

  test(name('has at least one recorded case'), () => assert.ok(cases.length > 0));

  for (const recorded of cases) {
    test(name(`case ${recorded.name}`), async () => {
      const lines = await soon(
        double.runCase ? double.runCase(recorded, driver) : replayCaseLines(recorded, { drivers }),
        'the case',
        LIMIT_MS,
      );
      assert.deepEqual(lines, recorded.expected);
    });
    if (recorded.level === 'frames') continue;
    // How bytes are split depends on the network; the values must not. Joined messages have the time of the last one.
    for (const delivery of ['bytes', 'pairs'] as const) {
      test(name(`case ${recorded.name}, ${delivery === 'bytes' ? 'byte by byte' : 'two messages at a time'}`), async () => {
        const lines = await soon(replayCaseLines(recorded, { drivers, delivery }), 'the case', LIMIT_MS);
        assert.deepEqual(lines.map(withoutTime), recorded.expected?.map(withoutTime));
      });
    }
    test(name(`case ${recorded.name}: notes of its messages are consistent`), () => assertMessageNotes(driver, recorded));
  }

  // A camera's case is computed before anything waits, so its speed cannot be varied.
  if (!double.runCase)
    test(name('its cases give the same bytes at every speed, and all at once'), () => assertSameAtEverySpeed(cases, drivers));

  linkContract(driver, double, driver.id);
  for (const [variant, other] of Object.entries(doubleVariants)) linkContract(driver, other, `${driver.id} (${variant})`, other.skip);

  test(name(`${MUTATIONS} mutated frames and streams: no exception, no hang, no undeclared value`), async () => {
    const random = seededRandom(20_260_101);
    const corpus = await fuzzCorpusOf(driver, double, cases);
    assert.ok(corpus.frames.length > 0, 'the cases have frames');
    const streams = corpus.cases.length > 0 ? STREAMS : 0;
    for (let turn = 0; turn < MUTATIONS - streams; turn += 1) fuzzFrame(corpus, turn, random);
    for (let turn = 0; turn < streams; turn += 1) await fuzzStream(corpus, turn, random);
    for (let turn = 0; turn < Math.min(streams, DAMAGED_MESSAGES); turn += 1) await assertDamagedMessageGivesNothing(corpus, turn, random);
  });
}

/** Compares SHA-256 of the results of all cases: at full speed, and delayed by some turns of the event loop at each wait. */
async function assertSameAtEverySpeed(cases: readonly Case[], drivers: ReadonlyMap<string, Driver>): Promise<void> {
  const sha256 = (texts: readonly string[]) => createHash('sha256').update(texts.join('')).digest('hex');
  const waiting = (turnsOf: (atMs: number) => number) => async (atMs: number) => {
    for (let turn = turnsOf(atMs); turn > 0; turn -= 1) await new Promise((resolve) => { setImmediate(resolve); });
  };
  const paces = [undefined, undefined, waiting(() => 1), waiting((atMs) => atMs % 4)];
  const actual = await Promise.all(
    paces.map(async (pace) =>
      sha256(
        await Promise.all(
          cases.map(async (recorded) => formatJsonLines(await replayCaseLines(recorded, { drivers, ...(pace ? { pace } : {}) }))),
        ),
      ),
    ),
  );
  const expected = sha256(await Promise.all(cases.map(({ folder }) => readFile(join(folder, 'expected.jsonl'), 'utf8'))));
  assert.deepEqual(actual, paces.map(() => expected));
}

function withoutTime<L extends { at: number }>(line: L): Omit<L, 'at'> {
  const { at: _at, ...rest } = line;
  return rest;
}

/** What every link is tested for, on each transport. */
function linkContract(driver: Driver, double: DriverDouble, label: string, skip: string | false = false): void {
  const name = (behaviour: string) => `${label}: ${behaviour}`;

  test(name('a good peer: every point is read; points requested = values + lost'), { skip }, async () => {
    await withPeer(double.good(), async (peer) => {
      const { frames, points } = await soon(readFrames(driver, peer, new AbortController().signal), 'its frames', LIMIT_MS);
      const decoded = frames.map(({ frame, request }) => driver.decode(frame, request));
      decoded.forEach((one, at) => assertDecoded(driver, one, frames[at]?.request, points));
      for (const { id } of points) assert.match(id, IDS.point, 'point ids are valid on an edge');
      if (driver.requests) {
        const asked = frames.flatMap(({ request }) => request?.points ?? []);
        const out = decoded.flatMap((one) => (one.ok ? one.values ?? [] : [])).length;
        const lost = decoded.reduce((sum, one, at) => sum + (one.ok ? 0 : (one.points ?? frames[at]?.request?.points ?? []).length), 0);
        assert.equal(asked.length, out + lost);
        assert.deepEqual(asked.toSorted(), points.map(({ id }) => id).toSorted());
      }
      assert.ok(decoded.some((one) => one.ok), 'at least one frame is decoded');
    });
  });

  test(name('opens and closes twice; a second close does nothing and leaves a link that was opened since open'), { skip }, async () => {
    await withPeer(double.good(), async (peer) => {
      const told: unknown[] = [];
      const observed = realWorld((event) => { told.push(event); });
      const first = await soon(openLink(driver, peer, observed, new AbortController().signal), 'open', LIMIT_MS);
      await soon(first.close(), 'close');
      if (peer.connections) await soonHolds(() => peer.connections?.() === 0, 'the link is gone');
      const before = told.length;
      const operations = await operationsDuring(() => soon(first.close(), 'second close'));
      assert.deepEqual(operations, [], 'operations of a second close');
      assert.deepEqual(told.slice(before), [], 'telemetry of a second close');
      const { frames } = await soon(
        readFrames(driver, peer, new AbortController().signal, 1, { opened: () => first.close() }),
        'a frame of the next link',
        LIMIT_MS,
      );
      assert.ok(frames.length > 0, 'the next link gives frames');
    });
  });

  if (driver.traits.includes('polled')) {
    test(name('exchanges with one signal leave at most one listener on it'), { skip }, async () => {
      await withPeer(double.good(), async (peer) => {
        const { settings, points } = configOf(driver, peer);
        const [request] = driver.requests?.(points, settings) ?? [];
        const { signal } = new AbortController();
        const link = await openLink(driver, peer, world(), new AbortController().signal);
        for (let turn = 0; turn < 3 && request; turn += 1) await link.exchange?.(request, signal);
        assert.ok(getEventListeners(signal, 'abort').length <= 1);
        await soon(link.close(), 'close');
        assert.equal(getEventListeners(signal, 'abort').length, 0, 'after close');
      });
    });
  }

  if (driver.traits.includes('listens')) {
    test(name('listen ends when the link is closed or the signal aborts, and hands on nothing afterwards'), { skip }, async () => {
      await withPeer(double.good(), async (peer) => {
        for (const isAborted of [false, true]) {
          const link = await openLink(driver, peer, world(), new AbortController().signal);
          const stop = new AbortController();
          let isOver = false;
          const listening = link.listen?.(() => assert.ok(!isOver, 'no frame after the end'), stop.signal);
          if (isAborted) stop.abort();
          else await soon(link.close(), 'close');
          await soon(listening ?? Promise.reject(new Error('the link has no listen')), 'listen');
          isOver = true;
          assert.equal(getEventListeners(stop.signal, 'abort').length, 0, 'no listener is left on its signal');
          await soon(link.close(), 'close');
        }
      });
    });
  }

  for (const [kind, make] of [
    ['silent', () => double.silent()],
    ['garbage', () => double.garbage(7)],
    ['resetting', () => double.resetting()],
    ['good', () => double.good()],
    ['flooding', double.flooding],
  ] as const) {
    if (!make) continue;
    test(name(`a ${kind} peer: an aborted link ends within a second, with no error but a fault`), { skip }, async () => {
      await withPeer(make(), async (peer) => {
        const stop = new AbortController();
        const reason = new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: PATIENCE_MS });
        const frames: FrameWithRequest[] = [];
        const reading = readFrames(driver, peer, stop.signal, Infinity, {
          frames,
          ...(kind === 'resetting' ? { timerSpeed: TIMER_SPEED } : {}),
        }).then(
          () => null,
          (error: unknown) => error,
        );
        const ended = await Promise.race([reading, wait(PATIENCE_MS).then(() => 'timeout')]);
        // A link whose devices dial in again stays open and reports the loss by a frame.
        const isReported = () => frames.some(({ frame, request }) => !driver.decode(frame, request).ok);
        let isNoticed = ended !== 'timeout';
        if (kind === 'resetting') {
          void reading.then(() => { isNoticed = true; });
          await soonHolds(() => isNoticed || isReported(), 'the link notices the reset', LIMIT_MS).finally(() => stop.abort(reason));
        }
        stop.abort(reason);
        const error = ended === 'timeout' ? await soon(reading, 'stop') : ended;
        assert.ok(kind !== 'resetting' || isReported() || error instanceof FaultError, 'a reset by the peer is a fault');
        assert.ok(error === null || error instanceof FaultError, `not a fault: ${error instanceof Error ? error.stack : String(error)}`);
      });
    });
  }

  test(name('an aborted open ends within a second'), { skip }, async () => {
    await withPeer(double.silent(), async (peer) => {
      const error = new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: 0 });
      const link = await soon(openLink(driver, peer, world(), AbortSignal.abort(error)).catch(() => null), 'open');
      await link?.close();
    });
  });

  if (driver.probe) {
    test(
      name('a probe describes a good peer in both languages, gives the same twice, and can be aborted at a silent one'),
      { skip },
      async () => {
        await withPeer(double.good(), async (peer) => {
          const { settings, points } = configOf(driver, peer);
          const probed = () =>
            soon(driver.probe?.(settings, points, world(), new AbortController().signal) ?? Promise.resolve([]), 'probe', LIMIT_MS);
          const findings = await probed();
          assert.ok(peer.probeFacts && peer.probeFacts.length > 0, 'the double lists its probe facts');
          for (const language of ['en', 'zh'] as const) {
            const lines = findings.map((finding) => finding[language]);
            assert.ok(
              lines.every((line) => line !== ''),
              language,
            );
            for (const fact of peer.probeFacts)
              assert.ok(
                lines.some((line) => line.includes(fact)),
                `${language} names ${fact}: ${lines.join(' | ')}`,
              );
          }
          assert.ok(
            findings.every(({ zh }) => /[一-鿿]/.test(zh)),
            'zh is Chinese',
          );
          assert.deepEqual((await probed()).map(withoutPorts), findings.map(withoutPorts));
        });
        await withPeer(double.silent(), async (peer) => {
          const { settings, points } = configOf(driver, peer);
          const stop = new AbortController();
          const probing =
            driver.probe?.(settings, points, world(), stop.signal).then(
              () => null,
              (error: unknown) => error,
            ) ?? Promise.resolve(null);
          await Promise.race([probing, wait(PATIENCE_MS)]);
          stop.abort(new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: PATIENCE_MS }));
          const error = await soon(probing, 'stop');
          assert.ok(error === null || error instanceof FaultError, String(error));
        });
      },
    );
  }
}

function assertDescribed(driver: Driver): void {
  assert.match(driver.id, /^[a-z0-9-]{1,32}$/);
  assert.ok(driver.title.zh && driver.title.en);
  for (const schema of [driver.settings, driver.point]) {
    for (const [key, field] of Object.entries(schema?.shape ?? {})) {
      const notes = (field as z.ZodType).meta() as { zh?: string; en?: string } | undefined;
      assert.ok(notes?.zh && notes.en, `${key} has a text in zh and en`);
      assert.match(notes.zh, /[一-鿿]/, `${key}: zh is Chinese`);
    }
    // A default stands in for a value in the file, so the field must accept it.
    if (!schema) continue;
    for (const [key, property] of Object.entries(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {})) {
      const written = (property as { default?: unknown }).default;
      if (written !== undefined) assert.ok((schema.shape[key] as z.ZodType).safeParse(written).success, `default of ${key}`);
    }
  }
  assert.equal(Number(driver.point !== undefined) + Number(driver.points !== undefined), 1, 'points or point');
  for (const [id, point] of Object.entries(driver.points ?? {})) assert.ok(point.zh && point.en && typeof point.unit === 'string', id);
  assert.ok(!driver.derivedPoints || driver.points, 'derived points need fixed ones');
  assert.ok(driver.traits.length > 0);
  if (driver.traits.includes('polled')) assert.ok(driver.requests);
  if (driver.traits.includes('probes')) assert.ok(driver.probe);
  assert.ok(driver.recording, 'it has a recording');
}

function world(): World {
  return realWorld(() => {});
}

/** A world whose timers run `speed` times as fast. */
function worldWithTimerSpeed(speed: number): World {
  const { clock, ...rest } = world();
  return { ...rest, clock: { ...clock, after: (delayMs, run) => clock.after(delayMs / speed, run) } };
}

async function withPeer(starting: Promise<Peer>, run: (peer: Peer) => Promise<void>): Promise<void> {
  const peer = await starting;
  try {
    await run(peer);
    if (peer.connections) await soonHolds(() => peer.connections?.() === 0, 'every link to the peer is closed');
  } finally {
    await peer.stop();
  }
}

function configOf(driver: Driver, peer: Peer): { settings: unknown; points: PointOf<unknown>[] } {
  const fixed = Object.keys(driver.points ?? {}).map((id) => ({ id }));
  const points = driver.point
    ? (peer.points ?? []).map((point) => Object.assign(driver.point?.parse(point) as object, { id: String(point.id) }))
    : fixed;
  return { settings: driver.settings.parse(peer.settings), points };
}

function openLink(driver: Driver, peer: Peer, world: World, signal: AbortSignal): Promise<Link<unknown>> {
  const { settings, points } = configOf(driver, peer);
  return driver.open(settings, points, world, signal);
}

/** A device that dials in has another port each time. */
const withoutPorts = ({ en, zh }: ProbeFinding): ProbeFinding => ({
  en: en.replace(/127\.0\.0\.1:\d+/g, 'peer'),
  zh: zh.replace(/127\.0\.0\.1:\d+/g, 'peer'),
});

/** Writes, closed sockets and servers, and ended processes while `run` runs. */
async function operationsDuring(run: () => Promise<unknown>): Promise<string[]> {
  const operations: string[] = [];
  // What was scheduled before (the delayed close of a shared port) does not count.
  const within = new AsyncLocalStorage<boolean>();
  const spies = (
    [
      [Socket.prototype, 'write'],
      [Socket.prototype, 'end'],
      [Server.prototype, 'close'],
      [ChildProcess.prototype, 'kill'],
    ] as const
  ).map(([of, name]) => {
    const original = (of as unknown as Record<string, (...args: unknown[]) => unknown>)[name] as (...args: unknown[]) => unknown;
    return mock.method(
      of as unknown as Record<string, (...args: unknown[]) => unknown>,
      name,
      function spy(this: unknown, ...args: unknown[]) {
        // The test runner writes to standard output meanwhile; a write to an ended socket goes nowhere.
        const isEnded = this instanceof Socket && (this.destroyed || this.connecting);
        if (within.getStore() && this !== process.stdout && this !== process.stderr && !isEnded) operations.push(name);
        return original.apply(this, args);
      },
    );
  });
  try {
    await within.run(true, run);
    await breath();
    return operations;
  } finally {
    for (const spy of spies) spy.mock.restore();
  }
}

interface FrameWithRequest {
  frame: unknown;
  request?: Request;
}

/** Opens a link, reads all points once (polled) or some frames, and closes it. With `wanted` Infinity it goes on until the peer or the signal ends it. */
async function readFrames(
  driver: Driver,
  peer: Peer,
  signal: AbortSignal,
  wanted = FRAMES_WANTED,
  { opened, frames = [], timerSpeed = 1 }: { opened?: () => Promise<void>; frames?: FrameWithRequest[]; timerSpeed?: number } = {},
) {
  const { settings, points } = configOf(driver, peer);
  const link = await openLink(driver, peer, worldWithTimerSpeed(timerSpeed), signal);
  try {
    await opened?.();
    const requests = driver.requests?.(points, settings) ?? [];
    if (driver.traits.includes('polled') && link.exchange) {
      for (let more = true; more; more = wanted === Infinity && !signal.aborted) {
        for (const request of requests) frames.push({ frame: await link.exchange(request, signal), request });
        await breath();
      }
    } else {
      for await (const frame of linkFrames(link, signal)) {
        frames.push({ frame });
        if (frames.length >= wanted || signal.aborted) break;
      }
    }
    return { frames, points };
  } finally {
    await soon(link.close(), 'close');
  }
}

const breath = () => new Promise<void>((resolve) => { setTimeout(resolve, 5); });

function wait(delayMs: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, delayMs).unref(); });
}
