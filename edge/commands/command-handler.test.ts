/** The desk by itself, over a plant in memory and a virtual clock: idempotence, expiry, interlocks, in any order of what comes. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Quality } from '../../core/event.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import { commandHandlerBench as bench } from './testing/handler-bench.ts';

test('any number of deliveries and restarts: carried out once, and the same answer for ever', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.boolean()), { minLength: 1, maxLength: 12 }),
      async (deliveries) => {
        let now = await bench(t);
        const sent = new Map<number, object>();
        const first = new Map<string, Answer>();
        const written: string[] = [];
        for (const [which, times, restart] of deliveries) {
          const body = sent.get(which) ?? now.command(`command-${which}`, { value: `v${which}` });
          sent.set(which, body);
          const from = now.answers.length;
          for (let n = 0; n < times; n += 1) now.send(body);
          await now.until(() => now.answers.length > from);
          await now.world.clock.advanceMs(0);
          for (const answer of now.answers.slice(from)) {
            const before = first.get(answer.id);
            if (before !== undefined) assert.deepEqual(answer, before);
            first.set(answer.id, answer);
          }
          if (!restart) continue;
          written.push(...now.plant.writes);
          await now.stop();
          now = await bench(t, now.folder);
        }
        written.push(...now.plant.writes);
        await now.stop();
        assert.deepEqual(written.toSorted(), [...sent.keys()].map((which) => `v${which}`).toSorted());
      },
    ),
    { numRuns: 25 },
  );
});

test('expiry goes by the gateway\'s clock, also while it waits for the bus; nothing is done before the clocks have met', async (t) => {
  const { world, plant, answers, command, send, until, answerTo } = await bench(t);
  plant.offsetMs = null;
  send(command('before-clock'));
  await world.clock.advanceMs(100);
  assert.deepEqual([answers.length, plant.writes.length], [0, 0]);
  plant.offsetMs = 5_000_000;
  assert.equal((await answerTo(command('in-time-0001'))).status, 'done');
  assert.equal(
    (await answerTo(command('own-clock-01', { issuedAt: world.clock.nowMs(), expiresAt: world.clock.nowMs() + 10_000 }))).status,
    'expired',
  );
  assert.equal((await answerTo(command('said-over-01', { over: true }))).status, 'expired');
  plant.busyMs = 10_001;
  send(command('waits-bus-01'));
  await world.clock.advanceMs(10_000);
  await until(() => answers.length === 4);
  assert.equal(answers.at(-1)?.status, 'expired');
  await world.clock.advanceMs(60_000);
  assert.equal(plant.writes.length, 1);
});

test('an interlock holds by a good, fresh value alone', async (t) => {
  const { plant, command, answerTo } = await bench(t);
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(true, false, null, 0, 'false'),
      fc.constantFrom<Quality>('good', 'uncertain', 'bad'),
      fc.nat(6000),
      async (guard, quality, guardAgeMs) => {
        Object.assign(plant, { guard, quality, guardAgeMs });
        const before = plant.writes.length;
        const answer = await answerTo(command(`interlock-${(n += 1)}`));
        const holds = guard === false && quality === 'good' && guardAgeMs <= 3000;
        assert.equal(answer.status, holds ? 'done' : 'refused');
        assert.equal(plant.writes.length - before, Number(holds));
        if (!holds) assert.match(answer.fault?.code ?? '', /^CV_COMMAND_CONDITION/);
      },
    ),
    { numRuns: 60 },
  );
});

test('what was begun and not settled is unknown after a restart; a damaged record lets nothing older through', async (t) => {
  const one = await bench(t);
  const begun = one.command('begun-000001') as Command;
  assert.equal((await one.answerTo(begun)).status, 'done');
  await one.stop();
  const path = join(one.folder, 'commands-000001.jsonl');
  const [first] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, `${first}\n`);
  await appendFile(path, '{"at":1,"step":"answe');
  const two = await bench(t, one.folder);
  assert.deepEqual(
    [(await two.answerTo(begun)).status, (await two.answerTo(begun)).fault?.code, two.plant.writes.length],
    ['unknown', 'CV_COMMAND_INTERRUPTED', 0],
  );
  await two.stop();
  await writeFile(path, (await readFile(path, 'utf8')).replace('duty-1', 'duty-2'));
  const three = await bench(t, one.folder);
  assert.ok(three.world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_AUDIT_BROKEN'));
  assert.equal((await three.answerTo(three.command('from-before-1'))).fault?.code, 'CV_COMMAND_FORGOTTEN');
  await three.world.clock.advanceMs(1);
  assert.equal((await three.answerTo(three.command('from-after-01'))).status, 'done');
});

test('a record that cannot be written refuses, and does nothing', async (t) => {
  const { folder, stop } = await bench(t);
  await stop();
  await writeFile(join(folder, 'file'), '');
  const { plant, command, answerTo } = await bench(t, join(folder, 'file'));
  assert.deepEqual([(await answerTo(command('unrecorded-1'))).fault?.code, plant.writes.length], ['CV_COMMAND_UNRECORDED', 0]);
});

test('garbage is told and never throws; what is carried out becomes an event of the state stream', async (t) => {
  const { desk, events, command, answerTo, world } = await bench(t);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      async (bytes) => {
        desk.take(bytes);
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(world.told.length >= 300);
  await answerTo(command('an-event-001'));
  assert.deepEqual(
    events.map(({ kind, device, point: of, value, indicator }) => [kind, device, of, value, indicator]),
    [['occurrence', 'plc', 'pump', 'write pump = true: done · duty-1 · an-event-001', 'CV-COMMAND']],
  );
});

test('a snapshot comes with its picture, and not when there is none or it is too large; the record keeps its hash alone', async (t) => {
  const { folder, plant, answerTo, stop } = await bench(t);
  const snapshot = (id: string) =>
    answerTo({
      v: 1,
      id,
      kind: 'snapshot',
      device: 'cam',
      by: 'duty-1',
      reason: 'test',
      issuedAt: Date.UTC(2026, 0, 1),
      expiresAt: Date.UTC(2026, 0, 1) + 10_000,
    });
  assert.deepEqual(
    [(await snapshot('snapshot-0001')).status, (await snapshot('snapshot-0001')).fault?.code],
    ['failed', 'CV_COMMAND_PICTURE'],
  );
  plant.picture = { device: 'cam', at: 1, index: 0, width: 4, height: 3, jpegBase64: '/9j/AAAA', boxes: [] };
  const taken = await snapshot('snapshot-0002');
  assert.deepEqual([taken.status, taken.picture], ['done', plant.picture]);
  plant.still = { ...plant.picture, width: 8 };
  assert.equal((await snapshot('snapshot-best')).picture?.width, 8, 'of the best stream, where that gives one');
  plant.still = new Error('camera gone');
  assert.equal((await snapshot('snapshot-newest')).picture?.width, 4);
  plant.picture = { ...plant.picture, jpegBase64: 'A'.repeat(600_000) };
  assert.equal((await snapshot('snapshot-0003')).fault?.code, 'CV_COMMAND_PICTURE');
  await stop();
  const record = await readFile(join(folder, 'commands-000001.jsonl'), 'utf8');
  assert.ok(record.includes('"sha256"') && !record.includes('/9j/AAAA'));
});
