/** Whatever arrives in whatever order, cut in whatever way: each good number is in the log once, and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../core/faults.ts';
import type { Draft, Stream } from '../../core/event.ts';
import { addRanges, fromMark, includesRange, missingRanges, type SeqRange } from '../../log/ranges.ts';
import { LOG_START, type GatewayLog } from '../../log/types.ts';
import { openMemoryGatewayLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { decodeBatch, encodeBatch } from '../../core/wire/batch.ts';
import type { Ack, AckMessage } from '../../core/wire/messages.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import { seededRandom, type Random } from '../../core/world.ts';
import { Intake } from './intake.ts';
import type { RefusedPayload } from './quarantine.ts';

const CENTRE = '500112001';
const SETUP = { gateway: 'g', accepts: ['live' as const], exercise: false, relays: [] };

interface Source {
  edge: string;
  stream: Stream;
  epoch: number;
  drafts: Draft[];
  /** Numbers that the edge let go itself and covers by a gap record (its last event). */
  gone: SeqRange | null;
  bad: Set<number>;
  settled: SeqRange[];
}

function sourceOf(edge: string, stream: 'measurement' | 'state', epoch: number, length: number, random: Random): Source {
  const bad = new Set<number>();
  const drafts = Array.from({ length }, (_, at): Draft => {
    const draft: Draft = {
      device: `${edge}-d`,
      point: 'p',
      indicator: 'YJ-FLD-001',
      centre: CENTRE,
      kind: stream,
      value: at,
      unit: 'm',
      occurredAt: epoch + at,
      clock: 'edge',
      observedAt: epoch + at,
      quality: 'good',
      origin: 'live',
    };
    if (random.next() >= 0.06) return draft;
    bad.add(at + 1);
    return random.next() < 0.5 ? { ...draft, value: null } : { ...draft, occurredAt: epoch + 48 * 3_600_000 };
  });
  const gone: SeqRange | null = random.next() < 0.5 && length > 4 ? [2, 1 + Math.ceil(random.next() * (length - 3))] : null;
  if (gone) {
    bad.delete(length);
    drafts[length - 1] = {
      ...(drafts[0] as Draft),
      kind: 'gap',
      value: 1,
      quality: 'good',
      occurredAt: epoch,
      gap: { stream, epoch, fromSeq: gone[0], toSeq: gone[1], fromAt: 1, toAt: 2, count: gone[1] - gone[0] + 1, reason: 'log_full_oldest' },
    };
    for (let seq = gone[0]; seq <= gone[1]; seq += 1) bad.delete(seq);
  }
  return { edge, stream, epoch, drafts, gone, bad, settled: [] };
}

test('any delivery: each good number once, refused ones in quarantine, every number settled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const pick = (below: number) => Math.floor(random.next() * below);
      const world = testWorld(new VirtualClock(1_000_000), seed);
      const memory = await openMemoryGatewayLog({ gateway: 'g' }, world);
      let failing = true;
      // Fails before the commit, or after it: the caller cannot tell which.
      const log: GatewayLog = {
        ...memory,
        async accept(groups, settled) {
          await settle();
          const fails = failing && random.next() < 0.15;
          if (fails && random.next() < 0.5) throw new FaultError('CV_LOG_FULL', {});
          const places = await memory.accept(groups, settled);
          if (fails) throw new FaultError('CV_LOG_FAILED', {});
          return places;
        },
      };
      const quarantine: RefusedPayload[] = [];
      const answers: { edge: string; message: AckMessage }[] = [];
      const start = () =>
        new Intake(
          {
            setup: SETUP,
            log,
            quarantine: {
              add: async (refused) => {
                await settle();
                quarantine.push(...refused);
              },
            },
            registry: { noteEvents() {}, noteState() {} },
            link: {
              publish(topic, payload) {
                if (random.next() < 0.2) return Promise.reject(new FaultError('CV_BROKER_UNREACHABLE', {}));
                answers.push({ edge: topic.split('/')[4] as string, message: JSON.parse(payload as string) as AckMessage });
                return Promise.resolve();
              },
            },
          },
          world,
        );
      let intake = start();

      const sources = ['a', 'b'].flatMap((edge) =>
        [1, 2].flatMap((epoch) => (['measurement', 'state'] as const).map((stream) => sourceOf(edge, stream, epoch, 1 + pick(40), random))),
      );
      const missing = (source: Source): SeqRange[] => {
        const held = source.gone ? addRanges(source.settled, [source.gone]) : source.settled;
        return missingRanges(held, 1, source.drafts.length);
      };
      const sendOne = (source: Source): void => {
        const [from, to] = missing(source)[pick(missing(source).length)] as SeqRange;
        const first = from + pick(to - from + 1);
        // Sometimes more than what is missing: an ack was lost, or the group on disk is larger.
        const last = Math.min(source.drafts.length, first + pick(12));
        const end = source.gone && first < source.gone[0] ? Math.min(last, source.gone[0] - 1) : last;
        const payload = encodeBatch(
          { from: source.edge, stream: source.stream, epoch: source.epoch, seq: first },
          source.drafts.slice(first - 1, end),
        );
        const topic = edgeTopic(CENTRE, source.edge, random.next() < 0.5 ? 'up' : 'late');
        void intake.take({ topic, payload, retained: false });
        if (random.next() < 0.2) void intake.take({ topic, payload, retained: false });
        if (random.next() < 0.05) void intake.take({ topic, payload: payload.subarray(0, 9), retained: false });
      };
      const hearAcks = (): void => {
        for (const { edge, message } of answers.splice(0)) {
          if (!('upTo' in message) || random.next() < 0.2) continue;
          const { stream, epoch, upTo, have } = message as Ack;
          const source = sources.find((one) => one.edge === edge && one.stream === stream && one.epoch === epoch);
          if (source) source.settled = addRanges(source.settled, fromMark({ upTo, have }));
        }
      };
      for (let round = 0; sources.some((source) => missing(source).length > 0); round += 1) {
        assert.ok(round < 400, 'the edges never came to an end');
        failing = round < 200;
        for (let count = 0; count < 6; count += 1) {
          const open = sources.filter((source) => missing(source).length > 0);
          if (open.length > 0) sendOne(open[pick(open.length)] as Source);
        }
        if (random.next() < 0.1) {
          await intake.close();
          intake = start();
        } else if (random.next() < 0.5) await world.clock.advanceMs(pick(3000));
        hearAcks();
      }
      await world.clock.advanceMs(10_000);
      await intake.close();

      for (const { edge, stream, epoch, drafts } of sources)
        assert.deepEqual(memory.mark(edge, stream, epoch), { upTo: drafts.length, have: [] });
      const found = new Map<string, number>();
      for (const group of await memory.read(LOG_START, { maxGroups: 1e9, maxBytes: 1e12 })) {
        const { events } = decodeBatch(group.payload);
        assert.equal(events.length, group.count);
        for (const event of events) {
          const key = `${event.edge}:${event.stream}:${event.epoch}:${event.seq}`;
          found.set(key, (found.get(key) ?? 0) + 1);
        }
      }
      const wanted = sources.flatMap((source) =>
        source.drafts.flatMap((_, at) => {
          const seq = at + 1;
          if (source.bad.has(seq) || (source.gone && includesRange([source.gone], seq, seq))) return [];
          return `${source.edge}:${source.stream}:${source.epoch}:${seq}`;
        }),
      );
      // An edge never sends what it let go, so a covered number must not be there.
      assert.deepEqual([...found.keys()].toSorted(), wanted.toSorted());
      assert.deepEqual(
        [...found.values()].filter((count) => count !== 1),
        [],
      );
      const refusedSeqs = sources.flatMap((source) => [...source.bad].map((seq) => ({ source, seq })));
      for (const { source, seq } of refusedSeqs) {
        assert.ok(
          quarantine.some(
            (item) =>
              item.sender === source.edge &&
              /"seq":/.test(Buffer.from(item.payload).toString()) &&
              Buffer.from(item.payload).toString().includes(`"stream":"${source.stream}","epoch":${source.epoch},"seq":${seq}}`),
          ),
          `${source.edge} ${seq} is in quarantine`,
        );
      }
    }),
    { numRuns: 40 },
  );
});
