/**
 * The outside world as arguments: clock, chance, files, sockets, and the way to tell what happened.
 * Everything below `main.ts` takes a World, so a test of a week takes milliseconds and two tests never share a clock.
 */
import { readFile, stat } from 'node:fs/promises';
import { realNet, type Net } from './net.ts';
import type { Ring } from './ring.ts';
import type { Tell } from './telemetry.ts';

export { realNet } from './net.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, ms UTC; may step. */
  nowMs(): number;
  /** Never goes back; ms from an arbitrary start. */
  monotonicMs(): number;
  /** Runs once after the delay. */
  after(delayMs: number, run: () => void): Timer;
  /** Absent: `nowMs` is to be believed. An edge's clock may not have been set yet. */
  trust?: ClockTrust;
}

export interface ClockTrust {
  isTrusted(): boolean;
  /** ms by which the clock was set forward (or back) since it began, all together: what is not elapsed time. */
  jumpedMs(): number;
}

/** What an event that our own clock stamps says of it. */
export function ownClock(clock: Clock): 'edge' | 'unsynced' {
  return clock.trust?.isTrusted() === false ? 'unsynced' : 'edge';
}

export interface Random {
  /** [0, 1) */
  next(): number;
}

export interface Files {
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  exists(path: string): Promise<boolean>;
}

export interface World {
  clock: Clock;
  random: Random;
  files: Files;
  net: Net;
  tell: Tell;
  /** A camera's own, where clips are wanted of it. */
  ring?: Ring;
}

/** Waits on the world's clock. @returns false when the signal ended it early */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve(true);
    });
    const stop = () => {
      timer.cancel();
      resolve(false);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Runs again and again with `periodMs` between the starts, until cancelled. */
export function everyMs(clock: Clock, periodMs: number, run: () => void): Timer {
  let timer = clock.after(periodMs, turn);
  function turn() {
    timer = clock.after(periodMs, turn);
    run();
  }
  return { cancel: () => timer.cancel() };
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    // setTimeout takes at most 2^31-1 ms and fires at once above it.
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const realFiles: Files = {
  read: (path) => readFile(path),
  readText: (path) => readFile(path, 'utf8'),
  exists: (path) => stat(path).then(() => true, () => false),
};

export function realWorld(tell: Tell): World {
  return { clock: realClock, random: { next: () => Math.random() }, files: realFiles, net: realNet, tell };
}

/** A seeded generator (mulberry32): same seed, same numbers, on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
