import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../core/world.ts';
import { mosquittoProgram } from '../processes/mosquitto.ts';
import { planKills, type Victim } from './plan.ts';
import { runChaos } from './run.ts';

const RUNS = [
  { broker: 'embedded', tls: false, events: 5000, kills: 6 },
  { broker: 'mosquitto', tls: false, events: 5000, kills: 6 },
  { broker: 'embedded', tls: true, events: 1000, kills: 2 },
] as const;

for (const { broker, tls, events, kills } of RUNS) {
  const skip = broker === 'mosquitto' && !mosquittoProgram() ? 'mosquitto is not installed' : false;
  test(`${events.toLocaleString('en')} numbers and ${kills} kills, broker ${broker}${tls ? ' with TLS' : ''}: every acknowledged number once, in order`, { skip, timeout: 120_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'cityvitals-chaos-'));
    const outcome = await runChaos({ events, kills, broker, tls, seed: 11, perSecond: 1000, dir, say: () => {} });
    assert.deepEqual(
      {
        missing: outcome.missing,
        duplicates: outcome.duplicates,
        disordered: outcome.disordered,
        stored: outcome.stored,
        kills: outcome.kills,
      },
      { missing: 0, duplicates: 0, disordered: 0, stored: outcome.witnessed, kills },
      `logs: ${dir}`,
    );
    assert.ok(outcome.witnessed >= events);
    assert.ok(outcome.killsInFlight >= kills - 1, `${outcome.killsInFlight} of ${kills} kills with batches on their way`);
    await rm(dir, { recursive: true });
  });
}

test('kills are spread over the run, each victim often enough', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 4, max: 100 }), fc.boolean(), (seed, kills, ownBroker) => {
      const victims: Victim[] = ownBroker ? ['edge', 'broker', 'gateway'] : ['edge', 'gateway'];
      const plan = planKills(10_000, kills, victims, seededRandom(seed));
      assert.equal(plan.length, kills);
      for (const victim of victims)
        assert.ok(
          plan.filter((kill) => kill.victim === victim).length >= Math.floor(kills * (ownBroker ? 0.25 : 0.4)),
          `${victim} of ${kills}`,
        );
      assert.ok(plan.filter((kill) => kill.inFlight).length >= kills * 0.8);
      plan.reduce((last, { atWitnessed }) => {
        assert.ok(atWitnessed >= last && atWitnessed < 10_000);
        return atWitnessed;
      }, 0);
    }),
  );
});
