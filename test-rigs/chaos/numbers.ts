/**
 * A driver that gives numbers, 1, 2, 3 …, over a few devices: each number is one sample, its value, and within a device
 * the times rise strictly. Numbers are reserved with the rig before they are given out, so none is ever given twice,
 * whenever the process is killed.
 */
import { z } from 'zod';
import { defineDriver, type Driver, type Link } from '../../core/driver.ts';
import { pause, type World } from '../../core/world.ts';

export interface NumbersPlan {
  /** First number of this process. */
  from: number;
  perSecond: number;
  /** Told before any number up to `upTo` is given. */
  reserve(upTo: number): void;
}

export const CHAOS_DEVICES = 8;
const TICK_MS = 20;

interface Counted {
  number: number;
  at: number;
}

export function numbersDriver(plan: NumbersPlan): { driver: Driver; stop(): void } {
  let next = plan.from;
  let stopped = false;
  let owed = 0;
  const feeds = new Map<number, (counted: Counted[]) => void>();
  const lastAt = new Map<number, number>();

  /** Gives out what is due; device d of DEVICES gets the numbers with number % DEVICES = d. */
  function give(world: World, elapsedMs: number): void {
    if (stopped || feeds.size < CHAOS_DEVICES) return;
    owed += (plan.perSecond * elapsedMs) / 1000;
    const count = Math.floor(owed);
    if (count === 0) return;
    owed -= count;
    plan.reserve(next + count - 1);
    const batches = new Map<number, Counted[]>();
    for (const end = next + count; next < end; next += 1) {
      const device = next % CHAOS_DEVICES;
      const atMs = Math.max((lastAt.get(device) ?? 0) + 1, world.clock.nowMs());
      lastAt.set(device, atMs);
      const batch = batches.get(device) ?? [];
      batch.push({ number: next, at: atMs });
      batches.set(device, batch);
    }
    for (const [device, batch] of batches) feeds.get(device)?.(batch);
  }

  const driver = defineDriver({
    id: 'numbers',
    title: { zh: '数字源', en: 'numbers' },
    settings: z.object({ device: z.number() }),
    points: { n: { zh: '数字', en: 'number', unit: '1' } },
    traits: ['listens'],
    async open(settings, _points, world): Promise<Link<Counted[]>> {
      const device = settings.device;
      return {
        async listen(take, signal) {
          const waiting: Counted[][] = [];
          feeds.set(device, (counted) => { waiting.push(counted); });
          let lastMs = world.clock.monotonicMs();
          while (await pause(world.clock, TICK_MS, signal)) {
            if (device === 0) {
              const nowMs = world.clock.monotonicMs();
              give(world, nowMs - lastMs);
              lastMs = nowMs;
            }
            for (let batch = waiting.shift(); batch; batch = waiting.shift()) take(batch);
          }
        },
        async close() { feeds.delete(device); },
      };
    },
    decode: (counted: Counted[]) => ({ ok: true, values: counted.map(({ number, at }) => ({ point: 'n', value: number, deviceAt: at })) }),
  });
  return { driver, stop: () => { stopped = true; } };
}
