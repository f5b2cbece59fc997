/** What the parts on a small disk share. */
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCode } from '../../core/faults.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realWorld, type World } from '../../core/world.ts';

export interface SmallDisk {
  /** Beside the disk, where there is room. */
  dir: string;
  disk: string;
  say(line: string): void;
}

export interface TelemetryListener {
  world: World;
  told: TelemetryEvent[];
  /** Faults that were told and not cleared. */
  standing(): FaultCode[];
}

export function telemetryListener(): TelemetryListener {
  const told: TelemetryEvent[] = [];
  return {
    told,
    world: realWorld((event) => { told.push(event); }),
    standing() {
      const open = new Set<FaultCode>();
      for (const event of told) {
        if (event.kind === 'fault') open.add(event.fault.code);
        if (event.kind === 'fault_cleared') open.delete(event.code as FaultCode);
      }
      return [...open];
    },
  };
}

/** Somebody else takes what room there is, to the last byte, and gives it back. */
export function fillDisk(disk: string): { bytes: number; free(): void } {
  const path = join(disk, 'somebody-else');
  const fd = openSync(path, 'w');
  let bytes = 0;
  for (const size of [1 << 20, 4096, 1]) {
    try {
      for (;;) bytes += writeSync(fd, Buffer.alloc(size, 7));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(fd);
  return { bytes, free: () => rmSync(path) };
}

export function freeOn(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

export const settleDelayMs = (ms: number) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Tries until it succeeds. @returns ms it took; null when it did not within `limitMs` */
export async function waitUntil(limitMs: number, holds: () => boolean | Promise<boolean>): Promise<number | null> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < limitMs) {
    if (await holds()) return Math.round(performance.now() - startedMs);
    await settleDelayMs(50);
  }
  return null;
}
