/**
 * The promises every sink keeps, run against each one in the index: it describes itself whole, opens without its
 * target, closes twice and at once, writes the same thing once however often it is sent, tells content that is refused
 * from a target that is unwell, and says none of its secrets.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { z } from 'zod';
import type { Event } from '../../../core/event.ts';
import { explain, FaultError, FAULTS } from '../../../core/faults.ts';
import type { OpenSink, Sink } from '../../../core/sink.ts';
import { realWorld } from '../../../core/world.ts';
import { testDrafts } from '../../../core/testing/drafts.ts';
import { soon } from '../../../core/testing/soon.ts';
import '../faults.ts';

/** How a target can be unwell. `echoes` answers an error that repeats all it was sent, the secret included. */
const FAILURES = ['silent', 'resets', 'busy', 'denies', 'missing', 'garbage', 'echoes'] as const;
export type Ailment = (typeof FAILURES)[number];

/** What a sink lends the contract suite: `export const double: SinkDouble` in `gateway/sinks/<id>/contract.ts`. */
export interface SinkDouble {
  start(): Promise<SinkPeer>;
}

interface SinkPeer {
  /** As written in a configuration; time-outs short, the secret in it. */
  settings: Record<string, unknown>;
  secret: string;
  /** Different events that it holds, those of `missed` and `probe` aside. */
  held(): number;
  /** Holes that it was told of. */
  holes(): number;
  falls(ailment: Ailment | null): void;
  /** From now on it refuses events of this device, and nothing else. */
  refuses(device: string): void;
  stop(): Promise<void>;
}

const sinkEvents = (from: number, count: number, more: Partial<Event> = {}): Event[] =>
  testDrafts(from, count).map((draft, at) => ({ ...draft, edge: 'pump-07', stream: 'measurement', epoch: 7, seq: from + at, ...more }));

export function sinkContract(sink: Sink, double: SinkDouble): void {
  const name = (promise: string) => `${sink.id}: ${promise}`;

  test(name('describes itself in both languages'), () => {
    assert.match(sink.id, /^[a-z0-9-]{1,32}$/);
    assert.ok(sink.title.zh && sink.title.en);
    for (const [key, field] of Object.entries(sink.settings.shape)) {
      const notes = (field as z.ZodType).meta() as { zh?: string; en?: string; secret?: boolean } | undefined;
      assert.ok(notes?.en && notes.zh && /[一-鿿]/.test(notes.zh), `${key} says what it is in zh and en`);
      assert.ok(!/token|password|secret/i.test(key) || notes.secret, `${key} is marked as a secret`);
    }
  });

  test(name('opens without its target, and closes twice'), async () => {
    const peer = await double.start();
    await peer.stop();
    for (let turn = 0; turn < 2; turn += 1) {
      const open = await soon(openSink(sink, peer), 'open');
      await fails(open.write(sinkEvents(1, 3)), peer);
      await soon(open.close(), 'close');
      await soon(open.close(), 'second close');
    }
  });

  test(name('writes each event once, however often it is sent'), () => withSink(sink, double, async (open, peer) => {
    assert.ok(open.maxBatch >= 1);
    const [events, twins] = [sinkEvents(1, 20), sinkEvents(50, 5, { occurredAt: 1_764_000_000_000, device: 'twin' })];
    for (const batch of [events, events.slice(5, 9), events, twins, twins]) await open.write(batch);
    assert.equal(peer.held(), 25);
  }));

  for (const ailment of FAILURES) {
    test(name(`a target that is ${ailment}: a fault that says what to do and no secret, and on when it is well`), () =>
      withSink(sink, double, async (open, peer) => {
        peer.falls(ailment);
        await fails(open.write(sinkEvents(1, 3)), peer);
        peer.falls(null);
        await open.write(sinkEvents(1, 3));
        assert.equal(peer.held(), 3);
      }),
    );
  }

  test(name('told to close while the target is silent, its write has ended within a second'), () =>
    withSink(sink, double, async (open, peer) => {
      peer.falls('silent');
      const writing = fails(open.write(sinkEvents(1, 3)), peer);
      await soon(open.close(), 'close');
      await soon(writing, 'the write');
    }),
  );

  test(name('tells an event that is refused from a target that is unwell'), () => withSink(sink, double, async (open, peer) => {
    peer.refuses('bad');
    assert.equal((await failure(open.write(sinkEvents(1, 4, { device: 'bad' })))).fault.code, 'CV_SINK_REFUSED');
    await open.probe();
    await open.write(sinkEvents(10, 4));
    assert.equal(peer.held(), 4);
    assert.ok(open.describe(sinkEvents(1, 1)[0] as Event).length > 0);
  }));

  test(name('leaves word of a hole, once for the same beginning'), () => withSink(sink, double, async (open, peer) => {
    await open.missed({ from: '7-3', to: '7-9', count: 5, fromAt: 1_764_000_000_000, toAt: 1_764_000_005_000 });
    await open.missed({ from: '7-3', to: '7-99', count: 95, fromAt: 1_764_000_000_000, toAt: 1_764_000_009_000 });
    assert.deepEqual([peer.holes(), peer.held()], [1, 0]);
  }));
}

const openSink = (sink: Sink, peer: SinkPeer): Promise<OpenSink> =>
  sink.open(
    sink.settings.parse(peer.settings),
    { gateway: 'town', sink: 'contract' },
    realWorld(() => {}),
  );

async function withSink(sink: Sink, double: SinkDouble, run: (open: OpenSink, peer: SinkPeer) => Promise<void>): Promise<void> {
  const peer = await double.start();
  const open = await openSink(sink, peer);
  try {
    await run(open, peer);
  } finally {
    await open.close();
    await peer.stop();
  }
}

async function failure(work: Promise<unknown>): Promise<FaultError> {
  const error = await work.then(() => assert.fail('it was taken'), (caught: unknown) => caught);
  assert.ok(error instanceof FaultError, inspect(error));
  return error;
}

/** It rejects with a fault of the stage `sink` that blames no event, is whole in both languages and tells no secret. */
async function fails(work: Promise<unknown>, { secret }: SinkPeer): Promise<void> {
  const error = await failure(work);
  assert.equal(FAULTS[error.fault.code].stage, 'sink');
  assert.notEqual(error.fault.code, 'CV_SINK_REFUSED');
  const said = (['en', 'zh-CN'] as const).flatMap((language) => Object.values(explain(error.fault, language)));
  for (const sentence of said) assert.doesNotMatch(sentence, /\{\w+\}/);
  assert.equal([...said, inspect(error, { depth: 9, showHidden: true })].join('\n').includes(secret), false, 'no secret is told');
}
