import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../../core/net.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { Arrivals, MAX_OF_ADDRESS } from './arrivals.ts';
import { FREE_FAILURES, Guesses, MAX_WAITING, WAIT_MS } from './guesses.ts';

function guessed(address: string) {
  const world = testWorld();
  const guesses = new Guesses(world);
  for (let count = 0; count < FREE_FAILURES; count += 1) guesses.failed(address);
  return { guesses, clock: world.clock };
}
const never = () => assert.fail('gave way');

test('an address that guesses waits, right or wrong; another is looked at at once', async () => {
  const { guesses, clock } = guessed('10.0.0.1');
  const looked: string[] = [];
  guesses.inTurn('10.0.0.1', () => looked.push('guesser'), never);
  guesses.inTurn('10.0.0.2', () => looked.push('other'), never);
  assert.deepEqual(looked, ['other']);
  await clock.advanceMs(WAIT_MS);
  assert.deepEqual(looked, ['other', 'guesser']);
});

test('of a flood so many are looked at and no more; the right one among them gets in before long', async () => {
  const { guesses, clock } = guessed('10.0.0.1');
  let looks = 0;
  let isIn = false;
  let tries = 0;
  const knock = () => {
    tries += 1;
    guesses.inTurn('10.0.0.1', () => { isIn = true; }, () => {});
  };
  for (let round = 0; !isIn && round < 200; round += 1) {
    knock();
    for (let count = 0; count < 2 * MAX_WAITING; count += 1)
      guesses.inTurn(
        '10.0.0.1',
        () => {
          looks += 1;
          guesses.failed('10.0.0.1');
        },
        () => {},
      );
    const before = looks;
    await clock.advanceMs(WAIT_MS);
    assert.ok(looks - before <= MAX_WAITING);
  }
  assert.ok(isIn, `${tries} tries`);
});

test('a quiet minute makes good, and so many addresses are remembered and no more', async () => {
  const { guesses, clock } = guessed('10.0.0.1');
  await clock.advanceMs(60_000);
  let looks = 0;
  guesses.inTurn('10.0.0.1', () => { looks += 1; }, never);
  assert.equal(looks, 1);
  for (let count = 0; count < 5000; count += 1) guesses.failed(`10.1.${count >> 8}.${count & 255}`);
  assert.ok(guesses.addresses <= 1024);
});

test('a network of IPv6 is one guesser', () => {
  assert.equal(networkOf('2001:db8:0:1::5'), networkOf('2001:db8:0:1:ffff::9'));
  assert.notEqual(networkOf('2001:db8:0:1::5'), networkOf('2001:db8:0:2::5'));
  assert.equal(networkOf('::ffff:10.0.0.1'), '10.0.0.1');
});

test('the oldest of the address that has most gives way; one address has so many', () => {
  const left: string[] = [];
  const arrivals = new Arrivals<string>((one) => left.push(one));
  arrivals.add('10.0.0.2', 'site');
  for (let count = 0; count < MAX_OF_ADDRESS + 1; count += 1) arrivals.add('10.0.0.1', `idle ${count}`);
  assert.deepEqual(left, ['idle 0']);
  assert.equal(arrivals.makeRoom(), true);
  assert.deepEqual(left, ['idle 0', 'idle 1']);
  for (let count = 2; count < MAX_OF_ADDRESS + 1; count += 1) arrivals.remove('10.0.0.1', `idle ${count}`);
  arrivals.remove('10.0.0.2', 'site');
  assert.equal(arrivals.makeRoom(), false);
});
