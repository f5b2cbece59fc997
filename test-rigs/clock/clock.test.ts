/**
 * The edge without a battery clock, in virtual time: every event within a second of the truth or in a named unknown gap,
 * nothing refused for its time, nothing sent before the time is known, numbers in order. CLOCK_LIVES makes more lives.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Event } from '../../core/event.ts';
import { memoryDir } from '../../core/testing/temp-dir.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { seededRandom } from '../../core/world.ts';
import { CLOCK_INDICATOR } from '../../edge/clock/clock-events.ts';
import { SimulatedMachine } from './machine.ts';
import { SimulatedNetwork } from './network.ts';

const LIVES = Number(process.env.CLOCK_LIVES ?? 5);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 1);

class Life {
  readonly truth = new VirtualClock(START);
  readonly network: SimulatedNetwork;
  readonly machine: SimulatedMachine;
  #value = 0;

  constructor(folder: string, seed = 1) {
    this.network = new SimulatedNetwork(this.truth, seededRandom(seed));
    this.machine = new SimulatedMachine(folder, this.network, this.truth);
  }

  /** Values are read while time goes on. */
  async run(forMs: number, everyMs = 60 * SECOND): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
      this.#value += 1;
      this.machine.read(this.#value);
      await this.truth.advanceMs(everyMs);
    }
  }

  off(forMs: number): Promise<void> {
    return this.truth.advanceMs(forMs);
  }

  /** All that was read reaches the gateway, then the machine stops. */
  async end(): Promise<void> {
    await this.machine.drain();
    await this.machine.stop();
  }

  /** So long with the gateway, then the end; what holds of every life holds. */
  async endsWell(connectedMs: number): Promise<void> {
    this.connect();
    await this.run(connectedMs);
    await this.end();
    this.check();
  }

  connect(): void {
    this.network.isUp = true;
  }

  disconnect(): void {
    this.network.isUp = false;
    this.network.cut();
  }

  get values(): Event[] {
    return [...this.network.events.values()]
      .filter((event) => event.device === 'plc')
      .toSorted((a, b) => Number(a.value) - Number(b.value));
  }

  get unknown(): Event[] {
    return [...this.network.events.values()].filter((event) => event.indicator === CLOCK_INDICATOR && event.window);
  }

  errorOf(event: Event): number {
    return event.occurredAt - (this.machine.truthOf.get(Number(event.value)) ?? NaN);
  }

  /** What holds at the end of every life, with all that was read at the gateway. */
  check(): void {
    const { network, machine } = this;
    assert.deepEqual(network.refused, [], 'nothing is refused for its time');
    assert.equal(network.tooEarly, 0, 'nothing is sent before the time is known');
    assert.deepEqual(network.changed, [], 'an event that is sent again is the same');
    const { values } = this;
    const present = new Set(values.map((event) => event.value));
    assert.equal(present.size, values.length, 'each value once');
    assert.deepEqual(
      [...machine.truthOf.keys()].filter((value) => !present.has(value) && !machine.unsure.has(value)),
      [],
      'nothing is lost',
    );
    for (const stream of ['measurement', 'state']) {
      const own = values.filter((event) => event.stream === stream);
      assert.ok(own.every((event, at) => at === 0 || isBefore(own[at - 1] as Event, event)), 'numbers are in the order of reading');
    }
    for (const event of values) {
      if (event.clock !== 'unsynced') {
        assert.ok(Math.abs(this.errorOf(event)) <= SECOND, `value ${String(event.value)} is ${this.errorOf(event)} ms off`);
        continue;
      }
      const truth = machine.truthOf.get(Number(event.value)) as number;
      const named = this.unknown.filter(({ subject }) => subject?.split(' ').includes(String(event.epoch)));
      assert.ok(named.length > 0, `the unknown time of value ${String(event.value)} is named`);
      // Killed after the naming, before that is saved: the next process names it again.
      assert.equal(
        new Set(named.map(({ epoch }) => epoch)).size,
        named.length,
        `the unknown time of value ${String(event.value)} is named once by a process`,
      );
      for (const { window } of named) {
        const { fromAt, toAt } = window ?? { fromAt: NaN, toAt: NaN };
        assert.ok(fromAt <= truth + SECOND && truth <= toAt + SECOND, `value ${String(event.value)} lies within its bounds`);
        assert.ok(fromAt <= event.occurredAt + SECOND && event.occurredAt <= toAt + SECOND);
      }
      assert.ok(event.flags?.includes('skewed'));
    }
  }
}

const isBefore = (a: Event, b: Event) => a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);

async function life(t: TestContext, seed?: number): Promise<Life> {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  return new Life(dir, seed);
}

test('cold boot without a clock, no network for two hours, then both: every event within a second', async (t) => {
  const one = await life(t);
  await one.machine.boot(-START); // 1970
  await one.run(2 * HOUR);
  assert.equal(one.machine.edge.clock.trust.isTrusted(), false);
  await one.endsWell(10 * MINUTE);
  assert.deepEqual(new Set(one.values.map((event) => event.clock)), new Set(['edge']));
  assert.deepEqual(one.unknown, []);
});

test('a clock that begins where the last run left it is not believed, and NTP sets it', async (t) => {
  const one = await life(t);
  one.machine.trust = ['ntp'];
  one.network.mayFlow = () => one.machine.isSynchronised;
  await one.machine.boot(-3 * DAY);
  one.connect();
  await one.run(HOUR);
  assert.equal(one.network.sent, 0);
  one.machine.synchronise();
  await one.endsWell(2 * MINUTE);
});

for (const boots of [2, 3]) {
  test(`${boots} boots before the first sync: the last one is right, what is unknown of the others is named, once each`, async (t) => {
    const one = await life(t);
    for (let boot = 1; boot <= boots; boot += 1) {
      await one.machine.boot(-DAY * 200 * boot);
      await one.run(HOUR);
      if (boot === boots) break;
      await one.machine.kill();
      await one.off(30 * MINUTE);
    }
    await one.endsWell(10 * MINUTE);
    assert.equal(one.unknown.length, boots - 1);
    assert.equal(new Set(one.values.filter((event) => event.clock === 'unsynced').map((event) => event.epoch)).size, boots - 1);
  });
}

test('between a believed time and a believed time, the unknown gap is what the box was off', async (t) => {
  const one = await life(t);
  one.connect();
  await one.machine.boot(-START);
  await one.run(HOUR);
  await one.machine.kill();
  one.disconnect();
  await one.off(20 * MINUTE);
  await one.machine.boot(-START);
  await one.run(HOUR);
  const began = one.machine.edge.clock.nowMs() - HOUR;
  assert.ok(began >= START + HOUR - 2 * MINUTE, 'it does not begin below what was written');
  await one.machine.kill();
  await one.off(10 * MINUTE);
  one.connect();
  await one.machine.boot(-START);
  await one.endsWell(10 * MINUTE);
  assert.equal(one.unknown.length, 1);
  const unknownMs = Number(one.unknown[0]?.value);
  assert.ok(unknownMs >= 30 * MINUTE && unknownMs <= 33 * MINUTE, `${unknownMs / MINUTE} min`);
});

test('killed and started within one boot: one session, one offset, and a later process knows the time at once', async (t) => {
  const one = await life(t);
  await one.machine.boot(-START);
  await one.run(20 * MINUTE);
  await one.machine.kill();
  await one.machine.start();
  await one.run(20 * MINUTE);
  one.connect();
  await one.run(5 * MINUTE);
  await one.machine.kill();
  one.disconnect();
  await one.machine.start();
  assert.equal(one.machine.edge.clock.source, 'boot');
  await one.run(20 * MINUTE);
  await one.endsWell(5 * MINUTE);
  assert.deepEqual(one.unknown, []);
});

test('the memory of the clock is lost: the rows themselves say in which boot they were written', async (t) => {
  const one = await life(t);
  await one.machine.boot(-START);
  await one.run(20 * MINUTE);
  await one.machine.kill();
  await one.machine.forgetClock();
  await one.machine.start();
  await one.run(20 * MINUTE);
  await one.endsWell(5 * MINUTE);
  assert.deepEqual(one.unknown, []);
});

test('a hardware clock with a battery is believed at once; one that begins below what was written is not', async (t) => {
  const one = await life(t);
  one.machine.hardwareAheadMs = 0;
  one.network.mayFlow = () => true;
  await one.machine.boot(0);
  assert.equal(one.machine.edge.clock.source, 'hardware');
  await one.run(HOUR);
  await one.machine.stop();
  one.machine.hardwareAheadMs = -DAY;
  await one.machine.boot(-DAY);
  assert.equal(one.machine.edge.clock.trust.isTrusted(), false);
  await one.run(5 * MINUTE);
  await one.endsWell(5 * MINUTE);
});

test('somebody sets the date by hours: elapsed time goes on; NTP does: it is followed, told and recorded', async (t) => {
  const one = await life(t);
  one.network.mayFlow = () => true;
  one.machine.trust = ['ntp'];
  await one.machine.boot(0);
  one.machine.synchronise();
  one.connect();
  await one.run(5 * MINUTE);
  one.machine.isSynchronised = false;
  one.machine.systemAheadMs = -5 * HOUR;
  await one.run(5 * MINUTE);
  assert.ok(one.values.every((event) => Math.abs(one.errorOf(event)) <= SECOND));
  one.machine.synchronise();
  await one.run(5 * MINUTE);
  await one.machine.drain();
  one.check();
  const steps = () => one.machine.told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_CLOCK_STEPPED');
  assert.equal(steps().length, 0);
  // What NTP took for the truth was not: the truth of this machine is three hours further.
  one.machine.systemAheadMs = 3 * HOUR;
  await one.run(5 * MINUTE);
  await one.end();
  assert.equal(steps().length, 1);
  assert.ok(Math.abs(one.errorOf(one.values.at(-1) as Event) - 3 * HOUR) <= SECOND);
  const record = [...one.network.events.values()].filter((event) => event.indicator === CLOCK_INDICATOR);
  assert.deepEqual(record.map(({ value, subject }) => [Math.round(Number(value) / SECOND), subject]), [[3 * 3600, 'ntp']]);
});

test('the system is to be believed, but begins below what was written: the gateway decides', async (t) => {
  const one = await life(t);
  one.machine.trust = ['system'];
  one.network.mayFlow = () => true;
  await one.machine.boot(0);
  await one.run(HOUR);
  await one.machine.stop();
  await one.machine.boot(-2 * HOUR);
  assert.equal(one.machine.edge.clock.trust.isTrusted(), false);
  assert.ok(one.machine.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_CLOCK_BEHIND'));
  await one.run(5 * MINUTE);
  await one.endsWell(5 * MINUTE);
});

/** Boots, kills, stops, steps, networks and syncs in any order; the sources that are believed say the truth. */
async function randomLife(one: Life, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random.next() * of.length)] as T;
  const { machine, network } = one;
  // Known in this boot: by NTP, by an answer.
  let answersBefore = 0;
  let wasSynchronised = false;
  network.mayFlow = () => wasSynchronised || machine.isSynchronised || network.answers > answersBefore;
  const anywhen = () => pick([-START, -DAY * 400 * random.next(), -HOUR * random.next(), DAY * 9000 * random.next(), 0]);
  const boot = async () => {
    answersBefore = network.answers;
    wasSynchronised = false;
    await machine.boot(anywhen());
  };
  await boot();
  for (let step = 0; step < 14; step += 1) {
    await one.run(pick([1, 5, 30]) * MINUTE * random.next() + SECOND, pick([2, 20, 90]) * SECOND);
    const dice = random.next();
    if (dice < 0.28) {
      await (random.next() < 0.7 ? machine.kill() : machine.stop());
      one.disconnect();
      await one.off(HOUR * 20 * random.next());
      await boot();
    } else if (dice < 0.48) {
      await (random.next() < 0.7 ? machine.kill() : machine.stop());
      await machine.start();
    } else if (dice < 0.6) one.connect();
    else if (dice < 0.72) one.disconnect();
    else if (dice < 0.8) {
      machine.synchronise();
      wasSynchronised = true;
    } else if (dice < 0.92) {
      machine.isSynchronised = false;
      machine.systemAheadMs = anywhen();
    }
  }
  one.connect();
  await one.run(3 * MINUTE, 10 * SECOND);
  await one.end();
}

for (let seed = 1; seed <= LIVES; seed += 1) {
  test(`life ${seed}: within a second or named, nothing refused, nothing early, in order`, async (t) => {
    const one = await life(t, seed);
    await randomLife(one, seed);
    one.check();
  });
}
