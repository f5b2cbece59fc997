import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import type { WarningView } from '../../api/warnings.ts';
import { readCatalogue } from '../../city/catalogue/catalogue.ts';
import type { Event } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { LOG_START, type Cursor } from '../../log/types.ts';
import { absenceRule, event, rule } from '../../city/testing/rules.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { LogBatch } from '../feed/log-batch.ts';
import { logBatch } from '../feed/testing/log-batches.ts';
import { openWarningLine } from './line.ts';
import type { WarningLine, WarningLineOptions } from './types.ts';

const folders: string[] = [];
const opened: WarningLine[] = [];
after(async () => {
  await Promise.all(opened.map((warnings) => warnings.consumer.close()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'cv-warnings-'));
  folders.push(made);
  return made;
}

const YJ = join(import.meta.dirname, '..', '..', 'configs', 'catalogue', 'yj-emergency.yaml');
const { catalogue } = readCatalogue([{ path: YJ, text: await readFile(YJ, 'utf8') }]);
assert.ok(catalogue);
const LEVEL = 'YJ-FLD-001';
const water = rule({
  id: 'water',
  select: { indicator: LEVEL },
  levels: { 3: { when: '>= 2.8' }, 2: { when: '>= 3' } },
  off: { hysteresis: 0.2 },
  autoClose: true,
  title: { zh: '水位过高', en: 'water too high' },
  plan: 'P',
});

/** A broker that keeps what is retained, and can be away. */
class Broker {
  readonly said: { topic: string; payload: string | null }[] = [];
  readonly retained = new Map<string, string>();
  complete = 0;
  #back: (() => void) | null = null;
  #away: Promise<void> | null = null;

  leave(): void {
    this.#away = new Promise((resolve) => { this.#back = resolve; });
  }

  comeBack(): void {
    this.#back?.();
    this.#away = null;
  }

  async publishRetained(topic: string, payload: string | null): Promise<void> {
    await this.#away;
    this.said.push({ topic, payload });
    if (payload === null) this.retained.delete(topic);
    else this.retained.set(topic, payload);
  }

  retainedComplete(): void {
    this.complete += 1;
  }
}

interface Bench {
  warnings: WarningLine;
  broker: Broker;
  world: ReturnType<typeof testWorld>;
  options: WarningLineOptions;
  online: Set<string>;
  feed(...events: Partial<Event>[]): Promise<void>;
}

const T0 = Date.UTC(2026, 0, 1);

async function bench(over: Partial<WarningLineOptions> = {}): Promise<Bench> {
  const world = testWorld();
  const broker = new Broker();
  const online = new Set(['e']);
  let seq = 0;
  let head: Cursor = { epoch: 1, seq: 0 };
  const options: WarningLineOptions = {
    gateway: 'g',
    dir: over.dir ?? (await folder()),
    rules: [water],
    catalogue: catalogue as NonNullable<typeof catalogue>,
    exercise: false,
    publisher: broker,
    device: () => ({ position: { lon: 106.5, lat: 29.5 } }),
    isOnline: (edge) => online.has(edge),
    head: () => head,
    ...over,
  };
  const warnings = await openWarningLine(options, world);
  opened.push(warnings);
  ({ seq } = await warnings.consumer.start());
  head = { epoch: 1, seq };
  const feed = async (...events: Partial<Event>[]) => {
    const batch = events.map((one): LogBatch =>
      logBatch([event({ indicator: LEVEL, occurredAt: T0, ...one })], { epoch: 1, seq: (seq += 1) }, one.occurredAt ?? T0),
    );
    head = { epoch: 1, seq };
    await warnings.consumer.take(batch, head);
  };
  return { warnings, broker, world, options, online, feed };
}

const at = (value: number, ms: number, over: Partial<Event> = {}): Partial<Event> => ({ value, occurredAt: T0 + ms, ...over });

test('a warning shows the pictures of its own time, and keeps them', async () => {
  const { warnings, feed } = await bench();
  const shot = (name: string): NonNullable<Event['evidence']>[number] => ({
    kind: 'snapshot',
    sha256: name.repeat(64),
    mime: 'image/jpeg',
    bytes: 9,
    width: 4,
    height: 3,
    variant: 'clean',
    frame: 1,
    model: 'm',
    blurred: true,
  });
  const shown = () => warnings.list()[0]?.snapshots?.map((one) => one.sha256[0]);
  await feed(
    at(1.8, 0, { evidence: [shot('a')] }),
    at(2.9, 1000, { evidence: [{ kind: 'boxes', model: 'm', frame: 1, boxes: [] }, shot('b')] }),
    at(2.9, 1500, { evidence: [shot('c')] }),
  );
  assert.deepEqual(shown(), ['b']);
  await feed(at(3.1, 2000, { evidence: [shot('d')] }), at(2, 3000));
  assert.deepEqual(shown(), ['b']);
  await feed(at(2.9, 9000));
  assert.equal(warnings.list({ condition: 'active' })[0]?.snapshots, undefined, 'none of before');
});

test('a clip that follows is shown by the warning that its event raised: said again under a revision of its own, no change of it', async () => {
  const { warnings, broker, feed, world } = await bench();
  const clip = (name: string, blurred: boolean, ms: number): NonNullable<Event['evidence']>[number] => ({
    kind: 'clip',
    sha256: name.repeat(64),
    mime: 'video/mp4',
    bytes: 9,
    durationMs: 15_000,
    codec: 'h264',
    width: 4,
    height: 3,
    fromAt: T0,
    toAt: T0 + 15_000,
    short: false,
    blurred,
    of: [{ point: 'p', at: T0 + ms }],
  });
  const brought = (...clips: ReturnType<typeof clip>[]): Partial<Event> => ({
    indicator: 'CV-CLIP',
    point: 'clip',
    kind: 'occurrence',
    stream: 'state',
    value: 'p',
    unit: '',
    evidence: clips,
  });
  await feed(at(2.9, 1000));
  await until(() => broker.said.length >= 1);
  const changes = () => world.told.filter(({ kind }) => kind === 'warning_changed').length;
  const revisionNow = () => (JSON.parse(broker.said.at(-1)?.payload ?? '{}') as { revision: number }).revision;
  const [before, revision] = [changes(), revisionNow()];
  await feed(brought(clip('a', false, 1000)), brought(clip('x', false, 500)), { ...brought(clip('y', true, 1000)), device: 'other' });
  await feed(brought(clip('a', false, 1000), clip('b', true, 1000)));
  assert.deepEqual(warnings.list()[0]?.clips?.map(({ sha256, blurred }) => [sha256[0], blurred]), [['a', false], ['b', true]]);
  assert.deepEqual([changes(), warnings.list()[0]?.reasons.length], [before, 1], 'no change of it, and no reason more');
  await until(() => revisionNow() === revision + 2);
  await feed(at(2, 3000));
  assert.equal(warnings.list({ condition: 'cleared' })[0]?.clips?.length, 2, 'kept');
});

test('a picture of the main stream that follows stands beside those that the event brought, once', async () => {
  const { warnings, feed } = await bench();
  const shot = (name: string, over = {}): NonNullable<Event['evidence']>[number] => ({
    kind: 'snapshot',
    sha256: name.repeat(64),
    mime: 'image/jpeg',
    bytes: 9,
    width: 4,
    height: 3,
    variant: 'clean',
    frame: 1,
    model: 'm',
    blurred: true,
    ...over,
  });
  const follows = (name: string, ms: number): Partial<Event> => ({
    indicator: 'CV-SNAPSHOT',
    point: 'snapshot',
    kind: 'occurrence',
    stream: 'state',
    value: 'p',
    unit: '',
    evidence: [shot(name, { stream: 'main', at: T0 + ms + 900, of: [{ point: 'p', at: T0 + ms }] })],
  });
  await feed(at(2.9, 1000, { evidence: [shot('b')] }));
  await feed(follows('e', 1000), follows('f', 500));
  await feed(follows('e', 1000));
  assert.deepEqual(
    warnings.list()[0]?.snapshots?.map(({ sha256, stream, at: taken }) => [sha256[0], stream, taken]),
    [
      ['b', undefined, undefined],
      ['e', 'main', T0 + 1900],
    ],
  );
});

test('a storm is one warning: raised with words and reasons, worse, cleared, closed; retained while it is open', async () => {
  const { warnings, broker, feed, world } = await bench();
  const changes: WarningView[] = [];
  warnings.onChange((view) => { changes.push(view); });
  await feed(at(1.8, 0), at(2.9, 1000));
  await feed(at(3.1, 2000));
  await until(() => broker.said.length >= 2);
  const [view] = warnings.list({ condition: 'active' });
  assert.ok(view);
  assert.deepEqual(
    {
      level: view.level,
      state: view.state,
      exercise: view.exercise,
      raisedBy: view.raisedBy,
      raisedAt: view.raisedAt,
      publishedAt: view.publishedAt,
      incomplete: view.incomplete,
    },
    {
      level: 2,
      state: 'raised',
      exercise: false,
      raisedBy: 'gateway:g',
      raisedAt: T0 + 1000,
      publishedAt: world.clock.nowMs(),
      incomplete: ['contact'],
    },
  );
  assert.deepEqual(
    view.reasons.map(({ en }) => en),
    ['river stage 3.1 m >= 3 m: ORANGE', 'river stage 2.9 m >= 2.8 m: YELLOW'],
  );
  assert.deepEqual(
    view.reasons.map(({ zh }) => zh),
    ['河道水位 3.1 m >= 3 m：橙色', '河道水位 2.9 m >= 2.8 m：黄色'],
  );
  assert.deepEqual(view.reasons[0]?.cites, { indicator: LEVEL, device: 'd', point: 'p', at: T0 + 2000, value: 3.1, unit: 'm' });
  assert.ok(view.suggestion.zh.length > 0 && view.suggestion.en.length > 0);
  assert.equal(broker.retained.size, 1);
  assert.equal(warnings.openCount(), 1);
  assert.equal(warnings.evaluatedTo(), T0 + 2000);

  await feed(at(2, 3000));
  await until(() => broker.said.length >= 4);
  assert.deepEqual(
    changes.map(({ id, level, condition }) => ({ id, level, condition })),
    [
      { id: view.id, level: 3, condition: 'active' },
      { id: view.id, level: 2, condition: 'active' },
      { id: view.id, level: 2, condition: 'cleared' },
    ],
  );
  const closed = warnings.get(view.id);
  assert.deepEqual(closed && { state: closed.state, clearedAt: closed.clearedAt, reason: closed.reasons[0]?.en }, {
    state: 'closed',
    clearedAt: T0 + 3000,
    reason: 'river stage 2 m: back inside its limit',
  });
  assert.equal(broker.retained.size, 0);
  assert.deepEqual(
    broker.said.map(({ payload }) => payload && (JSON.parse(payload) as { state: string }).state),
    ['raised', 'raised', 'closed', null],
  );
  assert.deepEqual(broker.said[0]?.topic, `cv/v1/out/500112/warnings/${view.id}`);
  assert.deepEqual(world.told.filter((told) => told.kind === 'warning_changed').map((told) => told.change), ['raised', 'level', 'cleared']);
  await warnings.consumer.close();
});

test('values in another unit count as what they are; replayed and simulated ones count in an exercise only', async () => {
  const real = await bench();
  await real.feed(at(320, 0, { unit: 'cm', origin: 'simulated' }), at(320, 1, { unit: 'cm', origin: 'replay' }), at(9, 2, { unit: 'kg' }));
  assert.deepEqual(real.warnings.list(), []);
  await real.feed(at(320, 3, { unit: 'cm' }));
  assert.equal(real.warnings.list()[0]?.reasons[0]?.en, 'river stage 3.2 m >= 3 m: ORANGE');
  await real.warnings.consumer.close();
  const exercise = await bench({ exercise: true });
  await exercise.feed(at(3.2, 0, { origin: 'simulated' }));
  assert.equal(exercise.warnings.list()[0]?.exercise, true);
  await exercise.warnings.consumer.close();
});

test('what is missing is named, and the warning is published all the same', async () => {
  const { warnings, feed } = await bench({ rules: [rule({ id: 'odd', select: { indicator: 'NEW-1' } })], device: () => null });
  await feed(at(5, 0, { indicator: 'NEW-1' }), at(5, 10, { indicator: 'NEW-1' }));
  assert.deepEqual(warnings.list()[0]?.incomplete, ['subject', 'place', 'responsible', 'contact', 'plan', 'suggestion']);
  await warnings.consumer.close();
});

test('while the broker is away nothing waits but the messages, and they come in order when it is back', async () => {
  const { warnings, broker, feed } = await bench();
  await until(() => broker.complete > 0);
  broker.leave();
  await feed(at(3.1, 0));
  await feed(at(1, 1));
  await feed(at(3.2, 2));
  assert.equal(warnings.list().length, 2);
  assert.equal(broker.said.length, 0);
  broker.comeBack();
  await until(() => broker.said.length >= 4);
  assert.deepEqual(
    broker.said.map(({ payload }) => payload && (JSON.parse(payload) as { condition: string }).condition),
    ['active', 'cleared', null, 'active'],
  );
  await warnings.consumer.close();
});

test('each message names its place and the one before it; the changes can be read again by that place', async () => {
  const { warnings, broker, feed } = await bench();
  await feed(at(3.1, 0));
  await feed(at(1, 1));
  await until(() => warnings.unpublished() === 0 && broker.said.length >= 3);
  const said = broker.said.flatMap(({ payload }) =>
    payload === null ? [] : [JSON.parse(payload) as { cursor: string; previous: string | null; condition: string }],
  );
  const [one, two] = said;
  assert.deepEqual([one?.previous, two?.previous], [null, one?.cursor]);
  assert.deepEqual(
    (await warnings.changesAfter(0, 10)).items.map(({ cursor, condition }) => ({ cursor, condition })),
    said.map(({ cursor, condition }) => ({ cursor, condition })),
  );
  assert.equal(warnings.list()[0]?.cursor, two?.cursor);
  await warnings.consumer.close();
});

test('after a restart open warnings are published anew, what was unsent comes first, and evaluation goes on as if nothing had been', async () => {
  const first = await bench();
  await first.feed(at(3.1, 0));
  await until(() => first.warnings.unpublished() === 0);
  first.broker.leave();
  await first.feed(at(2.7, 1)); // still level 3 by its hysteresis: a change that was not sent
  await first.warnings.consumer.close();
  const second = await bench({ dir: first.options.dir });
  await until(() => second.broker.complete > 0);
  assert.equal(second.broker.complete, 1);
  assert.deepEqual(second.broker.said.map(({ payload }) => payload && (JSON.parse(payload) as { level: number }).level), [3]);
  await second.feed(at(1, 2));
  const views = second.warnings.list();
  assert.equal(views.length, 1);
  assert.equal(views[0]?.clearedAt, T0 + 2);
  await second.warnings.consumer.close();
});

test('a rule that is gone or was changed lets go of its warnings', async () => {
  const first = await bench();
  await first.feed(at(3.1, 0));
  await first.warnings.consumer.close();
  const second = await bench({ dir: first.options.dir, rules: [] });
  assert.deepEqual(
    second.warnings.list().map(({ state, reasons }) => ({ state, reason: reasons[0]?.en })),
    [{ state: 'closed', reason: 'the rule was changed or removed, the warning is withdrawn' }],
  );
  await second.warnings.consumer.close();
});

test('silence is a warning when the edge is there and all of the log was taken, and only then', async () => {
  let behind = false;
  const silent = absenceRule({ id: 'silent', select: { indicator: LEVEL }, after: '10s', autoClose: true });
  const { warnings, world, online, feed } = await bench({
    rules: [silent],
    head: () => (behind ? { epoch: 9, seq: 9 } : { epoch: 1, seq: 0 }),
  });
  // In turn: each look of the clock is over before the next is due, else that one would be left out.
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      await world.clock.advanceMs(1000);
      await warnings.consumer.take([], LOG_START);
    }
  };
  await feed(at(1, 0));
  online.clear();
  await pass(60);
  assert.deepEqual(warnings.list(), [], 'unobserved');
  online.add('e');
  await pass(5);
  assert.deepEqual(warnings.list(), [], 'it counts anew from when the edge is back');
  behind = true;
  await pass(30);
  assert.deepEqual(warnings.list(), [], 'its values may lie in the log');
  behind = false;
  await pass(2);
  assert.deepEqual(
    warnings.list().map(({ type, onsetAt, raisedAt }) => ({ type, onsetAt: onsetAt - T0, raisedAt: raisedAt - T0 })),
    [{ type: 'absence', onsetAt: 0, raisedAt: 10_000 }],
  );
  assert.match(warnings.list()[0]?.reasons[0]?.en ?? '', /nothing for 10s, the last value was 1 m/);
  await feed(at(1, 99_000));
  assert.equal(warnings.list()[0]?.condition, 'cleared');
  await warnings.consumer.close();
});

test('late values are findings, counted, and never a warning', async () => {
  const { warnings, world, feed } = await bench();
  await feed(at(1, 10_000), at(3.5, 5000), at(3.6, 5001));
  assert.deepEqual(warnings.list(), []);
  assert.deepEqual(
    (await warnings.findings(10)).map(({ fromAt, toAt, why }) => ({ fromAt: fromAt - T0, toAt: toAt - T0, why })),
    [{ fromAt: 5000, toAt: 5001, why: 'late' }],
  );
  assert.deepEqual(
    world.told.flatMap((told) => (told.kind === 'samples_lost' ? [[told.count, told.reason]] : [])),
    [[2, 'rule_late']],
  );
  await warnings.consumer.close();
});

test('two processes never evaluate from one folder', async () => {
  const { warnings, options } = await bench();
  await assert.rejects(openWarningLine(options, testWorld()), (error) => (error as FaultError).fault.code === 'CV_STORE_BUSY');
  await warnings.consumer.close();
});

test('killed at any moment: the same warnings, each raised once, every change told', async () => {
  const dir = await folder();
  const script = join(dir, 'evaluator.ts');
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  // Values of a slow wave over 3 devices: each crosses its limit again and again.
  await writeFile(script, `
    import { appendFileSync } from 'node:fs';
    import { createInterface } from 'node:readline';
    import { openWarningLine } from ${from('./line.ts')};
    import { EMPTY_CATALOGUE } from ${from('../../city/catalogue/catalogue.ts')};
    import { realWorld } from ${from('../../core/world.ts')};
    import { event, rule } from ${from('../../city/testing/rules.ts')};
    import { logBatch } from ${from('../feed/testing/log-batches.ts')};
    import { until } from ${from('../../core/testing/until.ts')};
    const [dir, last] = process.argv.slice(2);
    const rules = [rule({ levels: { 3: { when: '>= 2', onDelay: '2ms' }, 2: { when: '>= 3' } }, off: { hysteresis: 1, offDelay: '3ms' }, autoClose: true })];
    const publisher = { publishRetained: async (topic, payload) => { if (payload) appendFileSync(dir + '/said.jsonl', payload + '\\n'); } };
    const warnings = await openWarningLine({ gateway: 'g', dir, rules, catalogue: EMPTY_CATALOGUE, exercise: false, publisher, device: () => null, isOnline: () => true, head: () => ({ epoch: 1, seq: 1e12 }) }, realWorld(() => {}));
    let { seq } = await warnings.consumer.start();
    const turns = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const valueOf = (n) => 2 + 2 * Math.sin(n / 17 + (n % 3));
    while (seq < Number(last)) {
      const batch = Array.from({ length: 20 }, (_, at) => seq + at + 1).map((n) => logBatch([event({ device: 'd' + (n % 3), value: valueOf(n), occurredAt: n })], { epoch: 1, seq: n }, n));
      await warnings.consumer.take(batch, { epoch: 1, seq: seq + 20 });
      seq += 20;
      console.log(seq);
      await turns.next();
    }
    await until(() => warnings.unpublished() === 0);
    await warnings.consumer.close();
    process.stdin.destroy();
    console.log('done');`);
  const run = async (into: string, killAfterLines: number): Promise<boolean> => {
    const child = spawn(process.execPath, [script, into, '800'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => {}); // it may be gone
    let lines = 0;
    let done = false;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'done') done = true;
      // One batch at a time: however slow we are, it is killed in the one that follows.
      else child.stdin.write('\n');
      if ((lines += 1) === killAfterLines) child.kill('SIGKILL');
    }
    return done;
  };
  const undisturbed = await folder();
  assert.ok(await run(undisturbed, -1));
  for (const killAfterLines of [3, 8, 5, 11]) assert.equal(await run(dir, killAfterLines), false);
  assert.ok(await run(dir, -1));

  type Said = WarningView & { revision: number };
  // The epoch is the file's own; the numbers are the same however often it was killed. What is said again names no `previous`.
  const said = async (where: string): Promise<Map<string, Said>> => {
    const lines = (await readFile(join(where, 'said.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Said);
    return new Map(
      lines.map((one) => [
        `${one.id} ${one.revision}`,
        Object.assign(one, { publishedAt: 0, cursor: one.cursor?.split('-')[1] ?? '', previous: null }),
      ]),
    );
  };
  const expected = await said(undisturbed);
  assert.ok(expected.size > 20);
  assert.deepEqual([...(await said(dir))].toSorted(), [...expected].toSorted());
});
