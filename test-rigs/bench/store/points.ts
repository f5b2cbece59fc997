/** Points that every contender is given alike: random walks of 3 decimals, one a minute with ±20 ms, 5 % with a flag. */
import { seededRandom, type Random } from '../../../core/world.ts';

export const MINUTE_MS = 60_000;
const FLAGGED_SHARE = 0.05;

export interface BenchPoint {
  series: number;
  at: number;
  value: number;
  flagged: boolean;
}

export class Walks {
  readonly #random: Random;
  readonly #first: number;
  readonly #levels: number[];

  /** @param first number of the first of `count` series */
  constructor(first: number, count: number) {
    this.#random = seededRandom(first + 1);
    this.#first = first;
    this.#levels = Array.from({ length: count }, () => this.#random.next() * 10);
  }

  /** A point of each series, at a minute and spread over it. */
  minute(startsAt: number): BenchPoint[] {
    return this.#levels.map((level, place) => {
      const next = Math.max(0, level + (this.#random.next() - 0.5) * 0.04);
      this.#levels[place] = next;
      const spreadMs = Math.floor((place / this.#levels.length) * (MINUTE_MS - 100));
      return {
        series: this.#first + place,
        at: startsAt + 50 + spreadMs + Math.round((this.#random.next() - 0.5) * 40),
        value: Math.round(next * 1000) / 1000,
        flagged: this.#random.next() < FLAGGED_SHARE,
      };
    });
  }
}
