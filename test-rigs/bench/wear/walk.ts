/** A driver whose devices each say all their points once a second, as a station does, and now and then that a pump started or stopped. */
import { z } from 'zod';
import { defineDriver, type Driver, type Link } from '../../../core/driver.ts';
import { pause, seededRandom } from '../../../core/world.ts';

export interface Walk {
  driver: Driver;
  /** Values given so far: of measurements, and of states. */
  given(): { measured: number; states: number };
  stop(): void;
}

interface Frame {
  at: number;
  levels: number[];
  running: boolean | null;
}

const EVERY_MS = 1000;
const TICK_MS = 20;

/** @param plan points of a device beside its pump, and how often a pump of it starts or stops */
export function walkDriver(plan: { devices: number; points: number; stateEveryMs: number }): Walk {
  const count = { measured: 0, states: 0 };
  let stopped = false;
  const driver = defineDriver({
    id: 'walk',
    title: { zh: '模拟站点', en: 'station' },
    settings: z.object({ device: z.number() }),
    points: {
      ...Object.fromEntries(Array.from({ length: plan.points }, (_, at) => [`level-${at}`, { zh: '水位', en: 'level', unit: 'm' }])),
      running: { zh: '运行', en: 'running', unit: '' },
    },
    traits: ['listens'],
    async open({ device }, _points, world): Promise<Link<Frame>> {
      const random = seededRandom(device + 1);
      const levels = Array.from({ length: plan.points }, () => random.next() * 10);
      let running = false;
      return {
        async listen(take, signal) {
          const startMs = world.clock.monotonicMs();
          // Stations are not asked at the same moment.
          let dueMs = startMs + (EVERY_MS * device) / plan.devices;
          let stateMs = startMs + (device * plan.stateEveryMs) / plan.devices;
          while (await pause(world.clock, TICK_MS, signal)) {
            if (stopped) continue;
            const nowMs = world.clock.monotonicMs();
            const isDue = nowMs >= dueMs;
            const turns = nowMs >= stateMs;
            if (!isDue && !turns) continue;
            if (isDue) dueMs += EVERY_MS;
            if (turns) {
              stateMs += plan.stateEveryMs;
              running = !running;
              count.states += 1;
            }
            for (let at = 0; isDue && at < levels.length; at += 1)
              levels[at] = Math.max(0, (levels[at] as number) + (random.next() - 0.5) * 0.04);
            if (isDue) count.measured += levels.length;
            take({
              at: world.clock.nowMs(),
              levels: isDue ? levels.map((one) => Math.round(one * 1000) / 1000) : [],
              running: turns ? running : null,
            });
          }
        },
        async close() {},
      };
    },
    decode: ({ at, levels, running }: Frame) => ({
      ok: true,
      values: [
        ...levels.map((value, place) => ({ point: `level-${place}`, value, deviceAt: at })),
        ...(running === null ? [] : [{ point: 'running', value: running, deviceAt: at }]),
      ],
    }),
  });
  return { driver, given: () => ({ ...count }), stop: () => { stopped = true; } };
}
