import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epcUri } from './epc.ts';
import { RepetitionFilter, PresenceTracker, type PresenceEvent, type PresenceRule } from './presence.ts';
import { updateReaderClock, edgeTimeOf, timeOfRead, UNKNOWN_CLOCK } from './reader-clock.ts';

const RULE: PresenceRule = {
  antennas: [],
  prefix: '',
  rssiFloorDbm: -70,
  minReads: 2,
  departAfterMs: 5000,
  pass: { from: [1], to: [2], withinMs: 10_000 },
};
const seen = (epc: string, at: number, antenna = 1, rssiDbm: number | null = -50) => ({ epc, antenna, rssiDbm, at });

test('a tag arrives with its second read, passes from antenna to antenna, leaves after silence; weak reads do not count', () => {
  const tracker = new PresenceTracker(RULE);
  assert.deepEqual(tracker.addSighting(seen('AA', 0)), []);
  assert.deepEqual(tracker.addSighting(seen('AA', 100, 1, -90)), []);
  assert.deepEqual(tracker.addSighting(seen('AA', 500)).map(({ what, seen: { at } }) => [what, at]), [['arrived', 0]]);
  assert.deepEqual(tracker.addSighting(seen('AA', 1500, 2)).map(({ what }) => what), ['passed']);
  assert.deepEqual(tracker.addSighting(seen('AA', 1600, 2)), [], 'once');
  assert.equal(tracker.present, 1);
  assert.equal(tracker.nextDueAt(), 6600);
  assert.deepEqual(tracker.expire(6599), []);
  assert.deepEqual(tracker.expire(6600).map((event) => [event.what, 'dwellMs' in event && event.dwellMs]), [['left', 1600]]);
  assert.equal(tracker.present, 0);
});

test('for any reads: a tag that left had arrived, and the number present is arrivals minus departures', () => {
  const read = fc.record({ epc: fc.constantFrom('AA', 'BB', 'CC'), antenna: fc.constantFrom(1, 2), stepMs: fc.nat(4000) });
  fc.assert(fc.property(fc.array(read, { maxLength: 60 }), (reads) => {
    const tracker = new PresenceTracker(RULE);
    const there = new Set<string>();
    let at = 0;
    const take = (events: readonly PresenceEvent[]) => {
      for (const { what, seen: { epc } } of events) {
        if (what === 'arrived') assert.ok(!there.has(epc) && there.add(epc));
        if (what === 'left') assert.ok(there.delete(epc));
      }
    };
    for (const { epc, antenna, stepMs } of reads) {
      at += stepMs;
      take(tracker.addSighting(seen(epc, at, antenna)));
      assert.equal(tracker.present, there.size);
    }
    take(tracker.expire(at + 5000));
    assert.deepEqual([tracker.present, there.size], [0, 0]);
  }));
});

test('reads within the window of a reported one are repetitions, separately for each antenna', () => {
  const repetitions = new RepetitionFilter(1000);
  assert.deepEqual([0, 400, 999, 1000, 1500].map((at) => repetitions.isRepetition(seen('AA', at))), [false, true, true, false, true]);
  assert.equal(repetitions.isRepetition(seen('AA', 1500, 2)), false);
  assert.equal(new RepetitionFilter(0).isRepetition(seen('AA', 0)), false);
});

test('EPCs of the tag data standard have a URI; others have none', () => {
  assert.equal(epcUri('3074257BF7194E4000001A85'), 'urn:epc:tag:sgtin-96:3.0614141.812345.6789');
  assert.equal(epcUri('3074257BF7194E4000001A8'), null);
  assert.equal(epcUri('E28011606000020000000001'), null);
  // Partition 7 does not exist.
  assert.equal(epcUri('301C000000000000000000AA'), null);
});

test('a wrong clock is corrected by the offset at the greeting, a right one is used, an implausible time is not', () => {
  const now = Date.UTC(2026, 0, 1);
  const us = (ms: number) => BigInt(ms) * 1000n;
  const correctClock = updateReaderClock(UNKNOWN_CLOCK, { utcUs: us(now - 1000) }, now);
  assert.deepEqual(timeOfRead({ utcUs: us(now + 2000) }, correctClock, now + 3100), { at: now + 2000, isSkewed: false });
  const since1970 = updateReaderClock(UNKNOWN_CLOCK, { utcUs: us(60_000) }, now);
  assert.deepEqual(timeOfRead({ utcUs: us(61_500) }, since1970, now + 1600), { at: now + 1500, isSkewed: true });
  assert.deepEqual(timeOfRead({ utcUs: us(now) }, since1970, now + 1600), { at: now + 1600, isSkewed: true });
  const uptime = updateReaderClock(UNKNOWN_CLOCK, { uptimeUs: us(60_000) }, now);
  assert.deepEqual(timeOfRead({ uptimeUs: us(61_500) }, uptime, now + 1600), { at: now + 1500, isSkewed: false });
  assert.equal(timeOfRead({ uptimeUs: us(61_500) }, UNKNOWN_CLOCK, now), null);
  assert.equal(edgeTimeOf({}, correctClock, now), null);
});
