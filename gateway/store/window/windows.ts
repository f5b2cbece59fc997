/** The main thread's side of windows: the thread begins with the first one that is asked for, and is fed from then on. */
import { FaultError } from '../../../core/faults.ts';
import type { Cursor } from '../../../log/types.ts';
import { SqliteClient, workerBeside } from '../../sqlite/client.ts';
import { BAD_CODE, type PointColumns } from '../block.ts';
import type { ChunkDamage } from '../chunks.ts';
import type { FedNumbers } from '../database.ts';
import type { TotalColumns } from './totals.ts';
import type { WindowReader } from './window-reader.ts';

export class Windows {
  readonly #path: string;
  #reader: SqliteClient<WindowReader['operations']> | null = null;
  #closed = false;

  /** @param path of `store.db` */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws CV_STORE_FAILED, CV_STORE_BUSY, CV_STORE_DAMAGED */
  ask(span: { from: number; to: number }): Promise<{ totals: TotalColumns; damages: ChunkDamage[] }> {
    if (this.#closed) return Promise.reject(new FaultError('CV_STORE_FAILED', { path: this.#path, detail: 'it is closed' }));
    this.#reader ??= openWindowReader(this.#path);
    return this.#reader.call('window', span);
  }

  /** What a commit brought, when it is on disk. */
  feed(points: PointColumns, upTo: Cursor): void {
    if (this.#reader) this.#inform('feed', { numbers: numbersOf(points), upTo });
  }

  /** Rows before this went from disk. */
  forget(beforeAt: number): void {
    this.#inform('forget', { beforeAt });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.close();
  }

  /** What goes wrong there is said by the next window. */
  #inform<N extends 'feed' | 'forget'>(operation: N, request: Parameters<WindowReader['operations'][N]>[0]): void {
    this.#reader?.call(operation, request as never).catch(() => undefined);
  }
}

function openWindowReader(path: string): SqliteClient<WindowReader['operations']> {
  const reader = new SqliteClient<WindowReader['operations']>(workerBeside(import.meta.url), path);
  // Fails only when the thread does, and then everything asked of it says so.
  reader.call('open', { path }).catch(() => undefined);
  return reader;
}

/** Numbers that are not bad: what counts in windows. */
function numbersOf({ ids, times, values, codes }: PointColumns): FedNumbers {
  if (codes.every((code) => code < BAD_CODE)) return { ids, times, values };
  const counts = (_: number, place: number): boolean => (codes[place] as number) < BAD_CODE;
  return { ids: ids.filter(counts), times: times.filter(counts), values: values.filter(counts) };
}
