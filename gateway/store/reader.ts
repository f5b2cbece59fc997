/** The reading side of the time series, but for windows over all of it. Runs in workers: one for queries, one for upkeep. */
import type { PointView } from '../../api/series.ts';
import { compactSlice, type SliceRequest } from './compact.ts';
import type { TimeSpan } from './fresh.ts';
import { readBuckets, readRows, type ReadPlace } from './read.ts';
import { Snapshots } from './snapshots.ts';
import { checkBlocks, checkFile, checkSize, checkSlice } from './verify.ts';
import { packViews, type ViewColumns } from './views.ts';

export class StoreReader {
  readonly #file = new Snapshots();

  /** The operations that the worker offers. */
  readonly operations = {
    open: ({ path }: { path: string }) => { this.#file.open(path); },
    rows: (request: TimeSpan & { after: ReadPlace | null; limit: number }) => this.#file.read((db) => packed(readRows(db, request))),
    buckets: (request: TimeSpan & { maxPoints: number }) => this.#file.read((db) => packed(readBuckets(db, request))),
    compact: (request: SliceRequest) => this.#file.read((db) => compactSlice(db, request)),
    checkSize: () => this.#file.read((db) => checkSize(db)),
    check: (request: { afterId: number }) => this.#file.read((db) => checkSlice(db, request)),
    checkBlocks: (request: { afterId: number }) => this.#file.read((db) => checkBlocks(db, request)),
    checkFile: () => this.#file.read((db) => checkFile(db)),
    names: () =>
      this.#file.read(
        (db) =>
          db.prepare('SELECT id, indicator, device, point FROM series').all() as {
            id: number;
            indicator: string;
            device: string;
            point: string;
          }[],
      ),
    close: () => {
      this.#file.close();
    },
  };
}

const packed = <T extends { points: PointView[] }>(answer: T): Omit<T, 'points'> & { points: ViewColumns } => ({
  ...answer,
  points: packViews(answer.points),
});
