/** A log's storage that can be slow or fail on demand, as a disk that is full, slow or broken does. */
import { StorageError, type LogStorage } from '../storage.ts';

export interface FailingStorage extends LogStorage {
  /** Commits fail with this SQLite code until it is null again. */
  failWith: number | null;
  /** Awaited by every commit before it is made; what it was asked to write is on disk only after. */
  beforeCommit: (() => Promise<void>) | null;
  commits: number;
}

const FULL = 13;

export function failingStorage(real: LogStorage): FailingStorage {
  const flaky: FailingStorage = {
    ...real,
    failWith: null,
    beforeCommit: null,
    commits: 0,
    async commit(request) {
      flaky.commits += 1;
      await flaky.beforeCommit?.();
      if (flaky.failWith !== null)
        throw new StorageError({
          code: flaky.failWith,
          detail: `refused (SQLite ${flaky.failWith})`,
          needsNewFile: flaky.failWith !== FULL,
          locked: false,
        });
      return real.commit(request);
    },
  };
  return flaky;
}
