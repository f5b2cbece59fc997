/** The storage of a log in a thread of its own, so that no fsync ever holds up the main loop. */
import { Worker } from 'node:worker_threads';
import { StorageEngine } from './storage-engine.ts';
import { storageFailureOf, StorageError, type CommitRequest, type LogStorage } from './storage.ts';
import type { StorageAnswer, StorageCall } from './worker.ts';

interface Pending {
  resolve: (value: never) => void;
  reject: (error: StorageError) => void;
}

export function workerStorage(): LogStorage {
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url), { name: 'log' });
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let dead: StorageError | null = null;
  // An idle log keeps no process alive; one with work under way does.
  worker.unref();

  worker.on('message', (answer: StorageAnswer) => {
    const call = pending.get(answer.id);
    pending.delete(answer.id);
    if (pending.size === 0) worker.unref();
    if ('failure' in answer) call?.reject(new StorageError(answer.failure));
    else call?.resolve(answer.value as never);
  });
  const die = (detail: string) => {
    dead ??= new StorageError({ code: 'WORKER', detail, needsNewFile: true, locked: false });
    for (const call of pending.values()) call.reject(dead);
    pending.clear();
  };
  worker.on('error', (error) => die(`the log's thread failed: ${(error as Error).message}`));
  worker.on('exit', (code) => die(`the log's thread ended (${code})`));

  function ask<T>(operation: StorageCall['operation'], request: unknown, transfer: ArrayBuffer[] = []): Promise<T> {
    if (dead) return Promise.reject(dead);
    return new Promise<T>((resolve, reject) => {
      const id = nextId;
      nextId += 1;
      pending.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, operation, request } satisfies StorageCall, transfer);
    });
  }

  return {
    open: (request) => ask('open', request),
    commit(request) {
      const memory = new ArrayBuffer(request.groups.reduce((sum, { payload }) => sum + payload.length, 0));
      return ask('commit', withPayloadsIn(memory, request), [memory]);
    },
    read: (request) => ask('read', request),
    replay: (request) => ask('replay', request),
    remove: (request) => ask('remove', request),
    setAside: (request) => ask('setAside', request),
    disk: () => ask('disk', null),
    stats: () => ask('stats', null),
    async close() {
      if (dead) return null;
      await ask<null>('close', null);
      await worker.terminate();
      return null;
    },
  };
}

/** The payloads are the caller's, often slices of a larger buffer: the thread gets copies of its own, in one piece to hand over. */
function withPayloadsIn(memory: ArrayBuffer, request: CommitRequest): CommitRequest {
  let at = 0;
  const groups = request.groups.map((group) => {
    const payload = new Uint8Array(memory, at, group.payload.length);
    payload.set(group.payload);
    at += payload.length;
    return { ...group, payload };
  });
  return { ...request, groups };
}

/** The same without a thread, for tests and rigs: what is done between messages is done right after each. */
export function directStorage(engine: StorageEngine = new StorageEngine()): LogStorage {
  const call = <T>(run: () => T): Promise<T> => new Promise((resolve, reject) => {
    try {
      resolve(run());
      while (engine.runMaintenanceStep());
    } catch (error) {
      reject(new StorageError(storageFailureOf(error), { cause: error }));
    }
  });
  return {
    open: (request) => call(() => engine.open(request)),
    commit: (request) => call(() => engine.commit(request)),
    read: (request) => call(() => engine.read(request)),
    replay: (request) => call(() => engine.replay(request)),
    remove: (request) => call(() => engine.remove(request)),
    setAside: (request) => call(() => engine.setAside(request)),
    disk: () => call(() => engine.disk()),
    stats: () => call(() => engine.stats()),
    close: () => call(() => engine.close()),
  };
}
