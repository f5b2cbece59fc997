/** Commands to edges that verify them: signed anew for each sending, with counters that only grow, and settled by the edge's last word. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import { isSignedBy, type SignedCommand } from '../../core/wire/signed-commands.ts';
import type { RegisteredDevice } from '../presence/registry.ts';
import { CommandSigner } from './command-signer.ts';
import { Dispatch } from './dispatch.ts';
import { CommandLedger } from './ledger.ts';
import { commandView } from './view.ts';

const CENTRE = '500112001';

async function newFolder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

async function bench(t: TestContext, given: { dir?: string } = {}) {
  const dir = given.dir ?? (await newFolder(t));
  const world = testWorld();
  const signer = new CommandSigner(join(dir, 'certificates'));
  const edge = { isOnline: true, key: (await signer.key()).id as string | null };
  const sent: (Command | SignedCommand)[] = [];
  const dispatch = new Dispatch({
    dir: join(dir, 'commands'),
    signer,
    link: {
      connected: true,
      publish(topic, payload) {
        assert.equal(topic, `cv/v1/in/${CENTRE}/e1/cmd`);
        sent.push(JSON.parse(String(payload)) as Command);
        return Promise.resolve();
      },
    },
    registry: {
      isOnline: () => edge.isOnline,
      device: (id) => ({ id, edge: 'e1' }) as RegisteredDevice,
      edges: () => [{ id: 'e1', centre: CENTRE, online: true, version: null, logDepth: null, clockOffsetMs: null, seenAt: 1 }],
      commandKeyOf: () => edge.key,
    },
  }, world);
  await dispatch.open();
  let end: Promise<void> | null = null;
  const stop = () => (end ??= dispatch.close());
  t.after(stop);
  const ask = (id: string, expiresInMs = 10_000) =>
    dispatch.ask({ kind: 'write', device: 'plc', point: 'pump', value: true, reason: 'test', id, expiresInMs }, 'duty-1');
  /** Time goes on until so many messages went out. */
  const sendings = (count: number) => until(async () => {
    if (sent.length >= count) return true;
    await world.clock.advanceMs(500);
    return sent.length >= count;
  });
  const answer = async (id: string, over: Partial<Answer>) => {
    const body: Answer = { v: 1, id, status: 'refused', at: 1, ...over };
    dispatch.take({ topic: `cv/v1/in/${CENTRE}/e1/rsp`, payload: Buffer.from(JSON.stringify(body)), retained: false });
    await until(() => {
      const { answer: settled, refusal } = dispatch.ledger.get(id) ?? {};
      return settled?.status === body.status || refusal?.code === body.fault?.code;
    });
  };
  const view = (id: string) => {
    const { status, fault } = commandView(dispatch.ledger.get(id) as never, world.clock.nowMs());
    return fault ? `${status} ${fault.code}` : status;
  };
  return { dir, world, signer, edge, sent, dispatch, stop, ask, sendings, answer, view };
}

const refusal = (code: string) => ({ fault: { code, params: { edge: 'e1' } } });

test('an edge that names its key is sent signed commands, each repeat with a new counter; another one is sent them as before', async (t) => {
  const { signer, edge, sent, ask, sendings } = await bench(t);
  const key = createPublicKey(await signer.commandKeyPem());
  await ask('signed-0001');
  await sendings(3);
  assert.ok(sent.every((command) => isSignedBy('e1', command, key)));
  const counters = sent.map(({ counter }) => counter as number);
  assert.deepEqual(counters, [...new Set(counters)].toSorted((a, b) => a - b));
  edge.key = null;
  const before = sent.length;
  await ask('plain-00001');
  await sendings(before + 2);
  for (const plain of sent.slice(before)) assert.deepEqual([plain.counter, plain.signature], [undefined, undefined]);
});

test('many at once go out in the order of their counters', async (t) => {
  const { sent, ask, sendings } = await bench(t);
  await Promise.all(Array.from({ length: 40 }, (_, index) => ask(`many-at-once-${index}`)));
  await sendings(80);
  const counters = sent.map(({ counter }) => counter as number);
  for (const [index, counter] of counters.entries()) assert.ok(index === 0 || counter > (counters[index - 1] as number), `${index}`);
});

test('what an edge refuses of a message is shown, and sent again; what it says of the command at last counts', async (t) => {
  const { world, sent, ask, sendings, answer, view } = await bench(t);
  await ask('forged-0001');
  await sendings(1);
  for (const code of ['CV_COMMAND_UNSIGNED', 'CV_COMMAND_SIGNATURE', 'CV_COMMAND_REPLAYED']) {
    await answer('forged-0001', refusal(code));
    assert.equal(view('forged-0001'), `pending ${code}`);
    assert.ok(world.told.some((event) => event.kind === 'fault' && event.edge === 'e1' && event.fault.code === code));
  }
  const before = sent.length;
  await sendings(before + 1);
  await answer('forged-0001', { status: 'done' });
  assert.equal(view('forged-0001'), 'done');
});

test('after it has expired the edge is asked once more, and its refusal settles it', async (t) => {
  const { world, sent, dispatch, ask, sendings, answer, view } = await bench(t);
  await ask('refused-001');
  await sendings(1);
  await answer('refused-001', refusal('CV_COMMAND_SIGNATURE'));
  await until(async () => {
    await world.clock.advanceMs(500);
    return sent.some(({ over }) => over);
  });
  assert.equal(view('refused-001'), 'pending CV_COMMAND_SIGNATURE', 'it may still say that it was done');
  await answer('refused-001', refusal('CV_COMMAND_SIGNATURE'));
  await until(() => dispatch.ledger.get('refused-001')?.answer !== null);
  assert.equal(view('refused-001'), 'refused CV_COMMAND_SIGNATURE');
});

test('an edge without a key, and one that refuses the command itself, settle it at once', async (t) => {
  const { edge, ask, sendings, answer, view } = await bench(t);
  await ask('not-allowed');
  await sendings(1);
  await answer('not-allowed', refusal('CV_COMMAND_NOT_ALLOWED'));
  assert.equal(view('not-allowed'), 'refused CV_COMMAND_NOT_ALLOWED');
  edge.key = null;
  await ask('malformed-1');
  await sendings(2);
  await answer('malformed-1', refusal('CV_COMMAND_SHAPE'));
  assert.equal(view('malformed-1'), 'refused CV_COMMAND_SHAPE');
});

test('a command that its edge would refuse for another key is not taken; one that is away may have learned the key when it is back', async (t) => {
  const { edge, ask } = await bench(t);
  edge.key = 'f'.repeat(64);
  await assert.rejects(ask('other-key-1'), (error) => error instanceof FaultError && error.fault.code === 'CV_COMMAND_KEY_OTHER');
  edge.isOnline = false;
  assert.equal((await ask('other-key-2')).answer, null);
});

test('a refusal is on record, and known after a restart', async (t) => {
  const one = await bench(t);
  await one.ask('restarted-1', 600_000);
  await one.sendings(1);
  await one.answer('restarted-1', refusal('CV_COMMAND_UNSIGNED'));
  await one.stop();
  const two = await bench(t, { dir: one.dir });
  assert.equal(two.view('restarted-1'), 'pending CV_COMMAND_UNSIGNED');
  await two.sendings(1);
  assert.ok((two.sent[0]?.counter ?? 0) > Math.max(...one.sent.map(({ counter }) => counter as number)));
});

test('counters only grow: over restarts in and out of order, a clock that is set back, and a record that was lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          taken: fc.integer({ min: 0, max: 5 }),
          byMs: fc.integer({ min: -200_000, max: 200_000 }),
          ending: fc.constantFrom('killed', 'closed', 'goes on'),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      async (steps) => {
        const { dir, remove } = await tempDir();
        let nowMs = Date.UTC(2026, 0, 1);
        const world = testWorld();
        const clock = { ...world, clock: Object.assign(Object.create(world.clock) as typeof world.clock, { nowMs: () => nowMs }) };
        const opened: CommandLedger[] = [];
        const open = async () => {
          const ledger = new CommandLedger(dir, clock);
          await ledger.open();
          opened.push(ledger);
          return ledger;
        };
        let ledger = await open();
        let highest = 0;
        for (const { taken, byMs, ending } of steps) {
          for (let n = 0; n < taken; n += 1) {
            await ledger.reserveCounters();
            const counter = ledger.takeCounter();
            assert.ok(counter > highest, `${counter} after ${highest}`);
            highest = counter;
          }
          nowMs += byMs;
          if (ending === 'closed') await ledger.close();
          if (ending !== 'goes on') ledger = await open();
        }
        await Promise.all(opened.map((one) => one.close()));
        // Everything is lost but the time, and that has gone on.
        await rm(dir, { recursive: true });
        nowMs = Math.max(nowMs, highest) + 1;
        ledger = await open();
        await ledger.reserveCounters();
        assert.ok(ledger.takeCounter() > highest);
        await ledger.close();
        await remove();
      },
    ),
    { numRuns: 30 },
  );
});

test('a counter that could not be put on record is not given out', async (t) => {
  const dir = await newFolder(t);
  const ledger = new CommandLedger(join(dir, 'commands'), testWorld());
  const isUnrecorded = (error: unknown) => error instanceof FaultError && error.fault.code === 'CV_COMMAND_UNRECORDED';
  await assert.rejects(ledger.reserveCounters(), isUnrecorded);
  assert.throws(() => ledger.takeCounter(), isUnrecorded);
});
