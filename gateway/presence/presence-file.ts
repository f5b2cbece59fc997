/**
 * What is known of edges and devices, on disk: rows of those that changed, in one transaction. Edges say most of it again,
 * so a disk that takes nothing now keeps no gateway from starting; it is tried again with the next save.
 */
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { SqliteClient, SqliteThread, workerBeside } from '../sqlite/client.ts';
import type { PresenceDatabase, PresenceRows } from './database.ts';
import { deviceRow, edgeRow, type DeviceEntry, type EdgeEntry } from './entries.ts';

/** More would hold up what else its thread has to do. */
const MAX_ROWS_PER_COMMIT = 10_000;
/** A file that must not be touched. */
const REFUSING: ReadonlySet<FaultCode> = new Set(['CV_STORE_NEWER', 'CV_STORE_MIGRATION', 'CV_STORE_BUSY']);
/** Up to version 0.1 all of it lay in one file of JSON. */
const OLD_NAME = 'registry.json';

export interface PresenceFileOptions {
  path: string;
  /** The thread of the gateway's small databases; absent: one of its own. */
  thread?: SqliteThread | undefined;
}

export class PresenceFile {
  readonly path: string;
  readonly #world: World;
  readonly #client: SqliteClient<PresenceDatabase['operations']>;
  #isOpen = false;

  constructor({ path, thread }: PresenceFileOptions, world: World) {
    this.path = path;
    this.#world = world;
    this.#client = new SqliteClient(thread ?? new SqliteThread(workerBeside(import.meta.url, '../worker')), path, 'presence');
  }

  /** @returns what was saved. @throws CV_STORE_NEWER, CV_STORE_MIGRATION, CV_STORE_BUSY */
  async open(): Promise<PresenceRows> {
    try {
      return await this.#withOld(await this.#openNow());
    } catch (error) {
      if (error instanceof FaultError && REFUSING.has(error.fault.code)) {
        await this.#client.close();
        throw error;
      }
      this.#tellFault(error);
      return { edges: [], devices: [], lastSeen: [] };
    }
  }

  /** @returns whether it is on disk; what keeps it from there is told */
  async save(rows: PresenceRows): Promise<boolean> {
    try {
      if (!this.#isOpen) await this.#openNow();
      for (const some of slices(rows)) await this.#client.call('save', some);
      return true;
    } catch (error) {
      this.#tellFault(error);
      return false;
    }
  }

  async #openNow(): Promise<PresenceRows> {
    const { rows, salvage } = await this.#client.call('open', { path: this.path });
    this.#isOpen = true;
    if (salvage) {
      const { aside, detail, found } = salvage;
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_REGISTRY_SALVAGED', params: { path: this.path, aside, detail, ...found } } });
    }
    return rows;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** The file of before is taken over once; it goes when the new one was opened again with what it held. */
  async #withOld(rows: PresenceRows): Promise<PresenceRows> {
    const oldPath = join(dirname(this.path), OLD_NAME);
    if (rows.edges.length + rows.devices.length > 0) {
      await rm(oldPath, { force: true });
      return rows;
    }
    const old = await readOld(oldPath);
    if (old && old.edges.length + old.devices.length > 0) await this.save(old);
    return old ?? rows;
  }

  #tellFault(error: unknown): void {
    // Known again from what edges say; only devices of edges that are away would be forgotten by a restart.
    const detail = error instanceof FaultError ? String(error.fault.params.detail ?? '') : (error as Error).message;
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_REGISTRY_UNSAVED', params: { path: this.path, detail } } });
  }
}

async function readOld(path: string): Promise<PresenceRows | null> {
  try {
    const { edges, devices } = JSON.parse(await readFile(path, 'utf8')) as { edges?: unknown; devices?: unknown };
    if (!Array.isArray(edges) || !Array.isArray(devices)) return null;
    return {
      edges: (edges as EdgeEntry[]).map((edge) => edgeRow(edge.id, edge)),
      devices: (devices as [string, DeviceEntry][]).map(([id, device]) => deviceRow(id, device)),
      lastSeen: (devices as [string, DeviceEntry][]).flatMap(([id, { lastAt }]): PresenceRows['lastSeen'] =>
        typeof lastAt === 'number' ? [[id, lastAt]] : [],
      ),
    };
  } catch {
    // Not there, or cut by a crash while it was first written: edges report it all again.
    return null;
  }
}

/** One commit each: nearly always all of it. */
function slices({ edges, devices, lastSeen }: PresenceRows): PresenceRows[] {
  if (edges.length + devices.length + lastSeen.length <= MAX_ROWS_PER_COMMIT) return [{ edges, devices, lastSeen }];
  const found: PresenceRows[] = [];
  const most = Math.max(edges.length, devices.length, lastSeen.length);
  const step = Math.floor(MAX_ROWS_PER_COMMIT / 3);
  for (let from = 0; from < most; from += step)
    found.push({
      edges: edges.slice(from, from + step),
      devices: devices.slice(from, from + step),
      lastSeen: lastSeen.slice(from, from + step),
    });
  return found;
}
