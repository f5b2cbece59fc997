/**
 * The promises every driver keeps, run against each one in the index: it describes itself whole, opens and closes,
 * stops when told, survives peers that are silent, rude or mad, reads its recorded cases, and accounts for every sample.
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
import { checkDecoded } from './decoded.ts';
import type { DriverDouble, Peer } from './driver-double.ts';
import { damagedMessageGivesNothing, fuzzFrame, fuzzStream, groundsOf } from './fuzz.ts';
import { messagesHold } from './messages-hold.ts';
import { soon, soonHolds } from '../../core/testing/soon.ts';

/** How long a peer may be rude before the suite calls it off. */
const PATIENCE_MS = 300;
/** How long anything else may take, beside a busy machine's other work. */
const LIMIT_MS = 20_000;
const HURRY = 20;
const MUTATIONS = 2000;
/** Of these, so many go through the link as streams. */
const STREAMS = 200;
const DAMAGED = 60;
const FRAMES_WANTED = 3;

export interface Subject {
  driver: Driver;
  double: DriverDouble;
  /** Further ways to reach a device, by name: each is held to all that concerns links. */
  otherWays?: Readonly<Record<string, DriverDouble & { skip?: string | false }>>;
  cases: Case[];
}

export function driverContract({ driver, double, otherWays = {}, cases }: Subject): void {
  const name = (promise: string) => `${driver.id}: ${promise}`;
  const drivers = new Map([[driver.id, driver]]);

  test(name('describes itself in both languages, with defaults that its own schema takes'), () => describesItself(driver));

  test(name('has at least one recorded case'), () => assert.ok(cases.length > 0));

  for (const recorded of cases) {
    test(name(`case ${recorded.name}`), async () => {
      const lines = await soon(double.runCase ? double.runCase(recorded, driver) : replayCaseLines(recorded, { drivers }), 'the case', LIMIT_MS);
      assert.deepEqual(lines, recorded.expected);
    });
    if (recorded.level === 'frames') continue;
    // When bytes arrive depends on the network, what they say does not; joined messages have the time of the last.
    for (const delivery of ['bytes', 'pairs'] as const) {
      test(name(`case ${recorded.name}, ${delivery === 'bytes' ? 'byte by byte' : 'two messages at a time'}`), async () => {
        const lines = await soon(replayCaseLines(recorded, { drivers, delivery }), 'the case', LIMIT_MS);
        assert.deepEqual(lines.map(untimed), recorded.expected?.map(untimed));
      });
    }
    test(name(`case ${recorded.name}: what it says of its messages holds`), () => messagesHold(driver, recorded));
  }

  // A detector's pictures know no speed: what a camera's case gives is made before anything waits.
  if (!double.runCase) test(name('its cases give the same bytes however fast time passes, and all at once'), () => sameAtEverySpeed(cases, drivers));

  linkContract(driver, double, driver.id);
  for (const [way, other] of Object.entries(otherWays)) linkContract(driver, other, `${driver.id} (${way})`, other.skip);

  test(name(`${MUTATIONS} spoiled frames and streams: nothing thrown, no hang, nothing but what the driver may say`), async () => {
    const random = seededRandom(20_260_101);
    const grounds = await groundsOf(driver, double, cases);
    assert.ok(grounds.frames.length > 0, 'the cases hold frames');
    const streams = grounds.cases.length > 0 ? STREAMS : 0;
    for (let turn = 0; turn < MUTATIONS - streams; turn += 1) fuzzFrame(grounds, turn, random);
    for (let turn = 0; turn < streams; turn += 1) await fuzzStream(grounds, turn, random);
    for (let turn = 0; turn < Math.min(streams, DAMAGED); turn += 1) await damagedMessageGivesNothing(grounds, turn, random);
  });
}

/** SHA-256 of all that the cases give: as fast as it goes, and held back for some turns of the event loop wherever a speed would wait. */
async function sameAtEverySpeed(cases: readonly Case[], drivers: ReadonlyMap<string, Driver>): Promise<void> {
  const sha256 = (texts: readonly string[]) => createHash('sha256').update(texts.join('')).digest('hex');
  const waiting = (turnsOf: (atMs: number) => number) => async (atMs: number) => {
    for (let turn = turnsOf(atMs); turn > 0; turn -= 1) await new Promise((resolve) => { setImmediate(resolve); });
  };
  const paces = [undefined, undefined, waiting(() => 1), waiting((atMs) => atMs % 4)];
  const given = await Promise.all(paces.map(async (pace) => sha256(await Promise.all(cases.map(async (recorded) => formatJsonLines(await replayCaseLines(recorded, { drivers, ...(pace ? { pace } : {}) })))))));
  const wanted = sha256(await Promise.all(cases.map(({ folder }) => readFile(join(folder, 'expected.jsonl'), 'utf8'))));
  assert.deepEqual(given, paces.map(() => wanted));
}

function untimed<L extends { at: number }>(line: L): Omit<L, 'at'> {
  const { at: _at, ...rest } = line;
  return rest;
}

/** What a link promises, whatever carries it. */
function linkContract(driver: Driver, double: DriverDouble, label: string, skip: string | false = false): void {
  const name = (promise: string) => `${label}: ${promise}`;

  test(name('a good peer: every point comes, and what comes in is what goes out and what is lost'), { skip }, async () => {
    await withPeer(double.good(), async (peer) => {
      const { frames, points } = await soon(talk(driver, peer, new AbortController().signal), 'its frames', LIMIT_MS);
      const decoded = frames.map(({ frame, request }) => driver.decode(frame, request));
      decoded.forEach((one, at) => checkDecoded(driver, one, frames[at]?.request, points));
      for (const { id } of points) assert.match(id, IDS.point, 'points are named as an edge would have it');
      if (driver.requests) {
        const asked = frames.flatMap(({ request }) => request?.points ?? []);
        const out = decoded.flatMap((one) => (one.ok ? one.values ?? [] : [])).length;
        const lost = decoded.reduce((sum, one, at) => sum + (one.ok ? 0 : (one.points ?? frames[at]?.request?.points ?? []).length), 0);
        assert.equal(asked.length, out + lost);
        assert.deepEqual(asked.toSorted(), points.map(({ id }) => id).toSorted());
      }
      assert.ok(decoded.some((one) => one.ok), 'something came');
    });
  });

  test(name('opens and closes twice; a second close sends, tells and closes nothing, and leaves a link that was opened since as it is'), { skip }, async () => {
    await withPeer(double.good(), async (peer) => {
      const told: unknown[] = [];
      const telling = realWorld((event) => { told.push(event); });
      const first = await soon(openLink(driver, peer, telling, new AbortController().signal), 'open', LIMIT_MS);
      await soon(first.close(), 'close');
      if (peer.connections) await soonHolds(() => peer.connections?.() === 0, 'the link is gone');
      const before = told.length;
      const acts = await actsDuring(() => soon(first.close(), 'second close'));
      assert.deepEqual(acts, [], 'acts of a second close');
      assert.deepEqual(told.slice(before), [], 'told by a second close');
      const { frames } = await soon(talk(driver, peer, new AbortController().signal, 1, { opened: () => first.close() }), 'a frame of the next link', LIMIT_MS);
      assert.ok(frames.length > 0, 'the next link gives frames');
    });
  });

  if (driver.traits.includes('polled')) {
    test(name('exchanges under one signal leave nothing behind at it but what the next one takes over'), { skip }, async () => {
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
    test(name('whoever listens has heard all when the link is closed, or the signal aborts'), { skip }, async () => {
      await withPeer(double.good(), async (peer) => {
        for (const isAborted of [false, true]) {
          const link = await openLink(driver, peer, world(), new AbortController().signal);
          const stop = new AbortController();
          let isOver = false;
          const listening = link.listen?.(() => assert.ok(!isOver, 'nothing comes afterwards'), stop.signal);
          if (isAborted) stop.abort();
          else await soon(link.close(), 'close');
          await soon(listening ?? Promise.reject(new Error('nobody can listen')), 'listen');
          isOver = true;
          assert.equal(getEventListeners(stop.signal, 'abort').length, 0, 'nothing is left at its signal');
          await soon(link.close(), 'close');
        }
      });
    });
  }

  for (const [what, make] of [['silent', () => double.silent()], ['garbage', () => double.garbage(7)], ['resetting', () => double.resets()], ['good', () => double.good()], ['flooding', double.floods]] as const) {
    if (!make) continue;
    test(name(`a ${what} peer: told to stop, it has stopped within a second, with a fault at most`), { skip }, async () => {
      await withPeer(make(), async (peer) => {
        const stop = new AbortController();
        const reason = new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: PATIENCE_MS });
        const frames: TalkedFrame[] = [];
        const talking = talk(driver, peer, stop.signal, Infinity, { frames, ...(what === 'resetting' ? { hurry: HURRY } : {}) }).then(() => null, (error: unknown) => error);
        const ended = await Promise.race([talking, wait(PATIENCE_MS).then(() => 'patience')]);
        // One whose devices come back stays open and says by a frame that this one is gone.
        const hasSaid = () => frames.some(({ frame, request }) => !driver.decode(frame, request).ok);
        let isNoticed = ended !== 'patience';
        if (what === 'resetting') {
          void talking.then(() => { isNoticed = true; });
          await soonHolds(() => isNoticed || hasSaid(), 'the link notices that its peer has let go', LIMIT_MS).finally(() => stop.abort(reason));
        }
        stop.abort(reason);
        const error = ended === 'patience' ? await soon(talking, 'stop') : ended;
        assert.ok(what !== 'resetting' || hasSaid() || error instanceof FaultError, 'that its peer has let go is a fault');
        assert.ok(error === null || error instanceof FaultError, `no error but a fault: ${error instanceof Error ? error.stack : String(error)}`);
      });
    });
  }

  test(name('an attempt to open that is called off is over within a second'), { skip }, async () => {
    await withPeer(double.silent(), async (peer) => {
      const error = new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: 0 });
      const link = await soon(openLink(driver, peer, world(), AbortSignal.abort(error)).catch(() => null), 'open');
      await link?.close();
    });
  });

  if (driver.probe) {
    test(name('a probe names a good peer, in both languages, each time alike, and leaves a silent one when told'), { skip }, async () => {
      await withPeer(double.good(), async (peer) => {
        const { settings, points } = configOf(driver, peer);
        const probed = () => soon(driver.probe?.(settings, points, world(), new AbortController().signal) ?? Promise.resolve([]), 'probe', LIMIT_MS);
        const findings = await probed();
        assert.ok(peer.tells && peer.tells.length > 0, 'the double says what there is to tell');
        for (const language of ['en', 'zh'] as const) {
          const said = findings.map((finding) => finding[language]);
          assert.ok(said.every((line) => line !== ''), language);
          for (const fact of peer.tells) assert.ok(said.some((line) => line.includes(fact)), `${language} names ${fact}: ${said.join(' | ')}`);
        }
        assert.ok(findings.every(({ zh }) => /[一-鿿]/.test(zh)), 'zh is Chinese');
        assert.deepEqual((await probed()).map(withoutPorts), findings.map(withoutPorts));
      });
      await withPeer(double.silent(), async (peer) => {
        const { settings, points } = configOf(driver, peer);
        const stop = new AbortController();
        const probing = driver.probe?.(settings, points, world(), stop.signal).then(() => null, (error: unknown) => error) ?? Promise.resolve(null);
        await Promise.race([probing, wait(PATIENCE_MS)]);
        stop.abort(new FaultError('CV_LINK_TIMEOUT', { address: 'contract', timeoutMs: PATIENCE_MS }));
        const error = await soon(probing, 'stop');
        assert.ok(error === null || error instanceof FaultError, String(error));
      });
    });
  }
}

function describesItself(driver: Driver): void {
  assert.match(driver.id, /^[a-z0-9-]{1,32}$/);
  assert.ok(driver.title.zh && driver.title.en);
  for (const schema of [driver.settings, driver.point]) {
    for (const [key, field] of Object.entries(schema?.shape ?? {})) {
      const notes = (field as z.ZodType).meta() as { zh?: string; en?: string } | undefined;
      assert.ok(notes?.zh && notes.en, `${key} says what it is in zh and en`);
      assert.match(notes.zh, /[一-鿿]/, `${key}: zh is Chinese`);
    }
    // A default is what stands in the file when it is left out, so the field itself must take it.
    if (!schema) continue;
    for (const [key, property] of Object.entries(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {})) {
      const written = (property as { default?: unknown }).default;
      if (written !== undefined) assert.ok((schema.shape[key] as z.ZodType).safeParse(written).success, `default of ${key}`);
    }
  }
  assert.equal(Number(driver.point !== undefined) + Number(driver.points !== undefined), 1, 'points or point');
  for (const [id, point] of Object.entries(driver.points ?? {})) assert.ok(point.zh && point.en && typeof point.unit === 'string', id);
  assert.ok(!driver.derived || driver.points, 'derived points stand beside fixed ones');
  assert.ok(driver.traits.length > 0);
  if (driver.traits.includes('polled')) assert.ok(driver.requests);
  if (driver.traits.includes('probes')) assert.ok(driver.probe);
  assert.ok(driver.recording, 'it says how it is recorded');
}

function world(): World {
  return realWorld(() => {});
}

/** A world whose timers run so many times as fast: drivers give a device that dials some time to come back. */
function hurried(times: number): World {
  const { clock, ...rest } = world();
  return { ...rest, clock: { ...clock, after: (delayMs, run) => clock.after(delayMs / times, run) } };
}

async function withPeer(starting: Promise<Peer>, run: (peer: Peer) => Promise<void>): Promise<void> {
  const peer = await starting;
  try {
    await run(peer);
    if (peer.connections) await soonHolds(() => peer.connections?.() === 0, 'every link to the peer is gone');
  } finally {
    await peer.stop();
  }
}

function configOf(driver: Driver, peer: Peer): { settings: unknown; points: PointOf<unknown>[] } {
  const fixed = Object.keys(driver.points ?? {}).map((id) => ({ id }));
  const points = driver.point ? (peer.points ?? []).map((point) => Object.assign(driver.point?.parse(point) as object, { id: String(point.id) })) : fixed;
  return { settings: driver.settings.parse(peer.settings), points };
}

function openLink(driver: Driver, peer: Peer, world: World, signal: AbortSignal): Promise<Link<unknown>> {
  const { settings, points } = configOf(driver, peer);
  return driver.open(settings, points, world, signal);
}

/** Whoever dials in comes from another port each time. */
const withoutPorts = ({ en, zh }: ProbeFinding): ProbeFinding => ({ en: en.replace(/127\.0\.0\.1:\d+/g, 'peer'), zh: zh.replace(/127\.0\.0\.1:\d+/g, 'peer') });

/** What is sent, hung up, no longer listened at or ended in this process meanwhile. */
async function actsDuring(run: () => Promise<unknown>): Promise<string[]> {
  const acts: string[] = [];
  // What was put off before, as the end of a port that may be opened again at once, is nobody's act here.
  const within = new AsyncLocalStorage<boolean>();
  const spies = ([[Socket.prototype, 'write'], [Socket.prototype, 'end'], [Server.prototype, 'close'], [ChildProcess.prototype, 'kill']] as const).map(([of, name]) => {
    const original = (of as unknown as Record<string, (...args: unknown[]) => unknown>)[name] as (...args: unknown[]) => unknown;
    return mock.method(of as unknown as Record<string, (...args: unknown[]) => unknown>, name, function spy(this: unknown, ...args: unknown[]) {
      // The runner reports over the standard output meanwhile; what is written to an ended socket goes nowhere.
      const isEnded = this instanceof Socket && (this.destroyed || this.connecting);
      if (within.getStore() && this !== process.stdout && this !== process.stderr && !isEnded) acts.push(name);
      return original.apply(this, args);
    });
  });
  try {
    await within.run(true, run);
    await breath();
    return acts;
  } finally {
    for (const spy of spies) spy.mock.restore();
  }
}

interface TalkedFrame {
  frame: unknown;
  request?: Request;
}

/** Opens, reads once (polled) or some frames, closes. With `frames` Infinity it goes on until the peer or the signal ends it. */
async function talk(driver: Driver, peer: Peer, signal: AbortSignal, wanted = FRAMES_WANTED, { opened, frames = [], hurry = 1 }: { opened?: () => Promise<void>; frames?: TalkedFrame[]; hurry?: number } = {}) {
  const { settings, points } = configOf(driver, peer);
  const link = await openLink(driver, peer, hurried(hurry), signal);
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
