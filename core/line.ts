/**
 * A line: stations one after the other, each handing lists of items to the next. `edge/line.ts` and
 * `gateway/line.ts` name their stations in order; this file only joins them.
 */
import type { World } from './world.ts';
import { everyMs, type Timer } from './world.ts';

/** A station takes lists of I and gives lists of O. Pure ones only have `take`. */
export interface Station<I, O> {
  name: string;
  /** Called once, last station first, so that everything downstream is ready before the first item comes. */
  open?(give: EmitItems<O>): Promise<void> | void;
  /** May be async (a detector, a disk); the line does not wait, so such a station bounds what it holds by itself. */
  take?(items: readonly I[], give: EmitItems<O>): void;
  /** Called about once a second with the wall clock. */
  tick?(nowMs: number, give: EmitItems<O>): void;
  /** Called first station first; each must have handed on or counted what it holds when it resolves. */
  close?(): Promise<void> | void;
}

export type EmitItems<O> = (items: readonly O[]) => void;

export interface Line {
  open(): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 1000;

/**
 * Joins stations. Each station's output type must be the next one's input type.
 */
export function line<A, B, C = B, D = C, E = D, F = E, G = F, H = G, I = H>(
  world: World,
  stations: readonly [
    Station<A, B>,
    Station<B, C>?,
    Station<C, D>?,
    Station<D, E>?,
    Station<E, F>?,
    Station<F, G>?,
    Station<G, H>?,
    Station<H, I>?,
  ],
): Line {
  const present = stations.filter((station) => station !== undefined) as Station<unknown, unknown>[];
  const gives: EmitItems<unknown>[] = [];
  for (let index = present.length - 1; index >= 0; index -= 1) {
    const next = present[index + 1];
    const giveNext = gives[index + 1];
    gives[index] =
      next?.take && giveNext
        ? (items) => {
            if (items.length > 0) next.take?.(items, giveNext);
          }
        : () => {};
  }
  let ticks: Timer | undefined;
  return {
    async open() {
      for (let index = present.length - 1; index >= 0; index -= 1) await present[index]?.open?.(gives[index] as EmitItems<unknown>);
      ticks = everyMs(world.clock, TICK_MS, () => {
        const nowMs = world.clock.nowMs();
        present.forEach((station, index) => station.tick?.(nowMs, gives[index] as EmitItems<unknown>));
      });
    },
    async close() {
      ticks?.cancel();
      for (const station of present) await station.close?.();
    },
  };
}
