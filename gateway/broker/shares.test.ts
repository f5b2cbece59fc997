import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { Shares } from './shares.ts';

function rig() {
  const { clock } = testWorld();
  const shares = new Shares(clock);
  const went: string[] = [];
  const [one, other] = [{}, {}];
  const pass = (sender: string, name: string, owner: object = one) => shares.pass(sender, owner, () => went.push(name));
  return { clock, shares, went, pass, one, other };
}

test('of one sender 128 are under way, what is more waits in order until half of them are settled, and nobody else waits for it', () => {
  const { shares, went, pass } = rig();
  for (let at = 0; at < 300; at += 1) pass('loud', `loud ${at}`);
  pass('quiet', 'quiet');
  assert.deepEqual([went.length, went.at(-1)], [129, 'quiet']);
  for (let at = 0; at < 63; at += 1) shares.settled('loud');
  assert.equal(went.length, 129);
  shares.settled('loud');
  assert.deepEqual([went.length, went[129], went.at(-1)], [129 + 64, 'loud 128', 'loud 191']);
  for (let at = 0; at < 236; at += 1) shares.settled('loud');
  assert.deepEqual(went.filter((name) => name.startsWith('loud')), Array.from({ length: 300 }, (_, at) => `loud ${at}`));
});

test('a sender that came back has what was under way before still counted, and one that has gone is forgotten once nothing is', () => {
  const { shares, went, pass, one, other } = rig();
  for (let at = 0; at < 100; at += 1) pass('a', `${at}`, one);
  shares.forget('a', one);
  for (let at = 100; at < 200; at += 1) pass('a', `${at}`, other);
  assert.equal(went.length, 128);
  for (let at = 0; at < 128; at += 1) shares.settled('a');
  assert.equal(went.length, 200);
  for (let at = 0; at < 72; at += 1) shares.settled('a');
  shares.forget('a', other);
  for (let at = 0; at < 128; at += 1) pass('a', `again ${at}`, other);
  assert.equal(went.length, 328);
});

test('where nothing is settled, as many again go on every quarter of a second; where something is, nothing more does', async () => {
  const { clock, shares, went, pass } = rig();
  for (let at = 0; at < 600; at += 1) pass('loud', `${at}`);
  await clock.advanceMs(249);
  assert.equal(went.length, 128);
  await clock.advanceMs(1);
  assert.equal(went.length, 256);
  shares.settled('loud');
  await clock.advanceMs(250);
  assert.equal(went.length, 256);
  await clock.advanceMs(250);
  assert.equal(went.length, 384);
  shares.close();
  await clock.advanceMs(10_000);
  assert.equal(went.length, 384);
});

test('what waits of a connection that ended never goes on; of the next one it does', () => {
  const { shares, went, pass, one, other } = rig();
  for (let at = 0; at < 140; at += 1) pass('loud', `${at}`, one);
  pass('loud', 'next', other);
  shares.forget('loud', one);
  shares.forget('unknown', one);
  for (let at = 0; at < 64; at += 1) shares.settled('loud');
  assert.deepEqual(went.slice(128), ['next']);
});

test('whatever comes, is settled, ends or is settled twice: in order, none twice, never more than 128 beyond what was settled', () => {
  const step = fc.oneof(fc.constant('pass'), fc.constant('pass'), fc.constant('settled'));
  fc.assert(fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const { shares, went, pass } = rig();
    let [passed, settled] = [0, 0];
    for (const what of steps) {
      if (what === 'pass') pass('a', `${passed++}`);
      else {
        shares.settled('a');
        settled += 1;
      }
      assert.ok(went.length <= 128 + settled);
    }
    while (went.length < passed) shares.settled('a');
    assert.deepEqual(went, Array.from({ length: passed }, (_, at) => `${at}`));
  }));
});
