/** Devices for tests of the host: a driver whose links do what the test says, on the world's clock. */
import { z } from 'zod';
import type { Decoded, Driver, Link, Request, FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';

export interface FakeBus {
  /** Opens so far, and links that are open now. */
  opened: number;
  open: number;
  /** Exchanges under way at this moment, and the most there ever were. */
  busy: number;
  mostBusy: number;
  /** When (monotonic ms) each device was asked, by device. */
  askedMs: Record<string, number[]>;
  /** The frame for a request; throw, or wait on the clock, as the device would. Default: 20 ms, then the number of the ask. */
  answer: (device: string, request: FakeRequest, signal: AbortSignal) => Promise<unknown>;
  /** Before a link is given; default: at once. */
  opens: (signal: AbortSignal) => Promise<void>;
  /** When a link is closed; default: at once. */
  closes: () => Promise<void>;
  /** For a device that speaks by itself. */
  speaks: (take: FrameHandler<unknown>, signal: AbortSignal) => Promise<void>;
}

export interface FakeRequest extends Request {
  device: string;
}

const ANSWER_MS = 20;

/** @param traits polled: each request is one point; listens: frames are `{ point: value }` */
export function fakeDriver(
  world: World,
  trait: 'polled' | 'listens' = 'polled',
  decode?: (frame: unknown, request?: Request) => Decoded,
): { driver: Driver; bus: FakeBus } {
  const bus: FakeBus = {
    opened: 0, open: 0, busy: 0, mostBusy: 0, askedMs: {},
    answer: async (device, _request, signal) => {
      await pause(world.clock, ANSWER_MS, signal);
      return bus.askedMs[device]?.length ?? 0;
    },
    opens: async () => {},
    closes: async () => {},
    async speaks() {},
  };
  const link = (): Link<unknown, FakeRequest> => {
    let isOpen = true;
    const closed = Promise.withResolvers<void>();
    return {
      async exchange(request, signal) {
        if (!isOpen) throw new FaultError('CV_LINK_CLOSED', { address: 'fake', detail: 'closed here' });
        bus.busy += 1;
        bus.mostBusy = Math.max(bus.mostBusy, bus.busy);
        (bus.askedMs[request.device] ??= []).push(world.clock.monotonicMs());
        try {
          return await bus.answer(request.device, request, signal);
        } finally {
          bus.busy -= 1;
        }
      },
      listen: (take, signal) => Promise.race([bus.speaks(take, signal), closed.promise]),
      async close() {
        if (isOpen) bus.open -= 1;
        isOpen = false;
        closed.resolve();
        await bus.closes();
      },
    };
  };
  const driver: Driver = {
    id: 'fake',
    title: { zh: '测试设备', en: 'device for tests' },
    settings: z.object({ bus: z.string().optional(), device: z.string() }),
    point: z.object({}),
    traits: [trait],
    async open(_settings, _points, _world, signal = new AbortController().signal) {
      await bus.opens(signal);
      bus.opened += 1;
      bus.open += 1;
      return link() as Link<unknown>;
    },
    bus: (settings) => (settings as { bus?: string }).bus ?? (settings as { device: string }).device,
    requests: (points, settings) => points.map((point) => ({ points: [point.id], device: (settings as { device: string }).device })),
    decode: decode ?? ((frame, request) => (request
      ? { ok: true, values: request.points.map((point) => ({ point, value: frame as number })) }
      : { ok: true, values: Object.entries(frame as Record<string, number>).map(([point, value]) => ({ point, value })) })),
  };
  return { driver, bus };
}

/** What a device does that is dead: nothing, until it is no longer waited for. */
export const silence = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
});
