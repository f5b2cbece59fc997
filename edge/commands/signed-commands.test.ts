/** An edge that has a key of its gateway: what it carries out, what it refuses, and what it remembers. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { until } from '../../core/testing/until.ts';
import { FaultError } from '../../core/faults.ts';
import type { Command } from '../../core/wire/commands.ts';
import { commandKeyId, signCommand } from '../../core/wire/signed-commands.ts';
import type { CommandHandlerParts } from './command-handler.ts';
import { commandHandlerBench } from './testing/handler-bench.ts';

const gateway = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const trusted = { key: gateway.publicKey, id: commandKeyId(gateway.publicKey) };
const known: CommandHandlerParts['key'] = { read: () => Promise.resolve(trusted), status: { id: trusted.id } };

async function bench(t: TestContext, dir?: string, key = known) {
  const made = await commandHandlerBench(t, dir, key);
  const signed = (id: string, counter: number, over: object = {}) =>
    signCommand('e1', made.command(id, over) as Command, counter, gateway.privateKey);
  const outcome = async (body: object) => {
    const { status, fault } = await made.answerTo(body);
    return fault ? `${status} ${fault.code}` : status;
  };
  return { ...made, signed, outcome };
}

test('signed is carried out; unsigned, changed, signed by others or for others, and old ones are refused, each with its fault', async (t) => {
  const { plant, world, signed, command, outcome } = await bench(t);
  assert.equal(await outcome(signed('signed-0001', 5)), 'done');
  const { signature: _signature, ...stripped } = signed('stripped-001', 6);
  const forged = signCommand('e1', command('stranger-01') as Command, 7, stranger.privateKey);
  const ofAnother = signCommand('e2', command('for-e2-0001') as Command, 8, gateway.privateKey);
  for (const [body, code] of [
    [command('unsigned-01'), 'CV_COMMAND_UNSIGNED'],
    [stripped, 'CV_COMMAND_UNSIGNED'],
    [{ ...signed('no-counter1', 9), counter: undefined }, 'CV_COMMAND_UNSIGNED'],
    [{ ...signed('changed-001', 9), value: false }, 'CV_COMMAND_SIGNATURE'],
    [{ ...signed('recounted-1', 4), counter: 99 }, 'CV_COMMAND_SIGNATURE'],
    [{ ...signed('longer-0001', 9), expiresAt: world.clock.nowMs() + 20_000 }, 'CV_COMMAND_SIGNATURE'],
    [{ ...signed('renamed-001', 9), id: 'renamed-002' }, 'CV_COMMAND_SIGNATURE'],
    [forged, 'CV_COMMAND_SIGNATURE'],
    [ofAnother, 'CV_COMMAND_SIGNATURE'],
    [signed('same-count1', 5), 'CV_COMMAND_REPLAYED'],
    [signed('lower-count', 4), 'CV_COMMAND_REPLAYED'],
  ] as const) {
    assert.equal(await outcome(body), `refused ${code}`);
    assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === code), 'it is told, and so counted');
  }
  assert.deepEqual(plant.writes, ['true']);
  assert.equal(await outcome(signed('signed-0002', 6)), 'done', 'what was refused took no counter');
  const late = { issuedAt: world.clock.nowMs() - 20_000, expiresAt: world.clock.nowMs() - 10_000 };
  assert.equal(await outcome(signed('expired-001', 7, late)), 'expired CV_COMMAND_EXPIRED');
});

test('a repeat is answered from memory, whatever its signature; a forgery that came first does not stand in the way', async (t) => {
  const { plant, answers, signed, command, outcome, answerTo } = await bench(t);
  assert.equal(await outcome(command('forged-1st', { value: false })), 'refused CV_COMMAND_UNSIGNED');
  const first = await answerTo(signed('forged-1st', 1));
  assert.equal(first.status, 'done');
  for (const again of [signed('forged-1st', 2), signed('forged-1st', 1), command('forged-1st')])
    assert.deepEqual(await answerTo(again), first);
  assert.deepEqual([plant.writes, answers.length], [['true'], 5]);
});

test('one that waits for the bus is neither begun twice nor answered for by a forgery', async (t) => {
  const { folder, plant, world, answers, signed, command, send } = await bench(t);
  plant.busyMs = 1000;
  const writing = signed('waiting-001', 1);
  send(writing);
  send(signed('waiting-001', 2));
  await until(() => recordOf(folder), (record) => record.includes('"admitted"'));
  send(command('waiting-001'));
  // Files are real: the write may come to the bus later than the clock goes on.
  await until(async () => {
    await world.clock.advanceMs(1000);
    return answers.length > 0;
  });
  assert.deepEqual([answers.map(({ status }) => status), plant.writes], [['done'], ['true']]);
});

test('counters and restarts: what is admitted is above all that was admitted before, through every restart', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ counter: fc.integer({ min: 1, max: 12 }), restart: fc.boolean() }), { minLength: 1, maxLength: 14 }),
      async (steps) => {
        let now = await bench(t);
        let highest = 0;
        const written: string[] = [];
        const wanted: string[] = [];
        for (const [index, { counter, restart }] of steps.entries()) {
          const answer = await now.answerTo(now.signed(`command-${index}`, counter, { value: index }));
          if (counter > highest) {
            assert.equal(answer.status, 'done');
            highest = counter;
            wanted.push(String(index));
          } else assert.deepEqual(answer.fault, { code: 'CV_COMMAND_REPLAYED', params: { edge: 'e1', counter, highest } });
          if (!restart) continue;
          written.push(...now.plant.writes);
          await now.stop();
          now = await bench(t, now.folder);
        }
        assert.deepEqual([...written, ...now.plant.writes], wanted);
        await now.stop();
      },
    ),
    { numRuns: 25 },
  );
});

test('killed between the counter and the write: the message is old, the command is not, and goes through with a new counter', async (t) => {
  const one = await bench(t);
  one.plant.busyMs = 5000;
  const recorded = one.signed('killed-0001', 3);
  one.send(recorded);
  await until(() => recordOf(one.folder), (record) => record.includes('"admitted"'));
  // Nothing of this run is ended in order: the next one finds what is on disk.
  const two = await bench(t, one.folder);
  assert.deepEqual(one.plant.writes, []);
  assert.equal(await two.outcome(recorded), 'refused CV_COMMAND_REPLAYED');
  assert.equal(await two.outcome(two.signed('killed-0001', 4)), 'done');
  assert.deepEqual(two.plant.writes, ['true']);
});

test('an edge that ends while it looks at a command begins nothing of it; the next run takes it', { timeout: 30_000 }, async (t) => {
  let look: Promise<void> = Promise.resolve();
  const one = await bench(t, undefined, { read: () => look.then(() => trusted), status: { id: trusted.id } });
  const waits = Promise.withResolvers<void>();
  look = waits.promise;
  one.send(one.signed('ending-0001', 1));
  await one.world.clock.advanceMs(0);
  const ended = one.stop();
  waits.resolve();
  await ended;
  assert.deepEqual([one.plant.writes, one.answers], [[], []]);
  const two = await bench(t, one.folder);
  assert.equal(await two.outcome(two.signed('ending-0001', 2)), 'done');
});

test('a counter is known from the end of the record alone, and each key has its own', async (t) => {
  const one = await bench(t);
  await one.answerTo(one.signed('counted-001', 50));
  const other = { key: stranger.publicKey, id: commandKeyId(stranger.publicKey) };
  await one.stop();
  const two = await bench(t, one.folder, { read: () => Promise.resolve(other), status: { id: other.id } });
  const signedByOther = (id: string, counter: number) => signCommand('e1', two.command(id) as Command, counter, stranger.privateKey);
  assert.equal(await two.outcome(signedByOther('other-key-1', 2)), 'done', 'a new key counts anew');
  assert.equal(await two.outcome(signedByOther('other-key-2', 2)), 'refused CV_COMMAND_REPLAYED');
  await two.stop();
  const [last] = (await recordOf(one.folder)).trimEnd().split('\n').slice(-1);
  assert.deepEqual((JSON.parse(last as string) as { counters: object }).counters, { [trusted.id]: 50, [other.id]: 2 });
  const three = await bench(t, one.folder);
  assert.equal(await three.outcome(three.signed('counted-002', 50)), 'refused CV_COMMAND_REPLAYED');
  assert.equal(await three.outcome(three.signed('counted-003', 51)), 'done');
});

test('a key that cannot be read closes the edge; when it is back, the edge is open', async (t) => {
  const fault = new FaultError('CV_COMMAND_KEY_UNREADABLE', { edge: 'e1', path: '/k', detail: 'ENOENT' });
  let isThere = false;
  const key: CommandHandlerParts['key'] = {
    read: () => (isThere ? Promise.resolve(trusted) : Promise.reject(fault)),
    get status() { return isThere ? { id: trusted.id } : fault.fault; },
  };
  const { plant, world, signed, command, outcome } = await bench(t, undefined, key);
  for (const body of [signed('closed-0001', 1), command('closed-0002')])
    assert.equal(await outcome(body), 'refused CV_COMMAND_KEY_UNREADABLE');
  isThere = true;
  assert.equal(await outcome(signed('closed-0001', 2)), 'done');
  assert.deepEqual(plant.writes, ['true']);
  assert.equal(world.told.some((event) => event.kind === 'notice'), false);
});

test('an edge without a key says so once, and takes signed and unsigned ones', async (t) => {
  const { world, signed, command, outcome } = await bench(t, undefined, { read: () => Promise.resolve(null), status: null });
  for (const body of [signed('keyless-001', 9), signed('keyless-002', 1), command('keyless-003')])
    assert.equal(await outcome(body), 'done');
  assert.equal(world.told.filter((event) => event.kind === 'notice' && /not verified/.test(event.en)).length, 1);
});

test('a flood of forgeries is refused, and neither fills the record nor pushes out what was answered', async (t) => {
  const { plant, answers, signed, command, send, outcome, folder, until: untilThen } = await bench(t);
  const first = signed('remembered1', 1);
  assert.equal(await outcome(first), 'done');
  for (let n = 0; n < 500; n += 1) send(command(`forgery-${n}`));
  await untilThen(() => answers.length >= 257);
  assert.equal(answers.length, 257, 'those beyond are not looked at: a gateway would repeat them');
  assert.equal(await outcome(first), 'done');
  assert.equal((await recordOf(folder)).match(/"step":"refused"/g)?.length, 60);
  assert.deepEqual(plant.writes, ['true']);
});

test('who rules the broker sets back the gateway\'s clock, and delivers late what was held up: the own clock, where it is known, sees it', async (t) => {
  const { plant, world, signed, command, outcome } = await bench(t);
  const held = signed('held-up-001', 1);
  const plain = command('plain-00001');
  await world.clock.advanceMs(300_000 + 10_001);
  plant.offsetMs = -(300_000 + 10_001);
  assert.equal(await outcome(held), 'expired CV_COMMAND_EXPIRED');
  Object.assign(world.clock, { trust: { isTrusted: () => false, jumpedMs: () => 0 } });
  const again = signed('held-up-002', 2, { issuedAt: (plain as Command).issuedAt, expiresAt: (plain as Command).expiresAt });
  assert.equal(await outcome(again), 'done', 'a clock that nobody set says nothing');
  assert.equal(await outcome(again), 'done');
  assert.equal(plant.writes.length, 1, 'and the counter keeps it from being done twice');
});

test('clocks that differ by less than five minutes cost no command', async (t) => {
  const { plant, signed, outcome } = await bench(t);
  plant.offsetMs = -290_000;
  assert.equal(await outcome(signed('behind-0001', 1)), 'done');
  plant.offsetMs = 290_000;
  assert.equal(await outcome(signed('ahead-00001', 2)), 'done');
});

const recordOf = (folder: string): Promise<string> => readFile(join(folder, 'commands-000001.jsonl'), 'utf8');
