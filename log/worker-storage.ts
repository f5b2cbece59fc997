/** The storage of a log in its own thread, so that no fsync blocks the main loop. */
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
  // An idle log does not keep the process alive; pending work does.
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
  worker.on('error', (error) => die(`log worker failed: ${(error as Error).message}`));
  worker.on('exit', (code) => die(`log worker exited (${code})`));

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
      return ask('commit', copyPayloads(memory, request), [memory]);
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

/** Payloads are often slices of a larger buffer: copied into one buffer that can be transferred. */
function copyPayloads(memory: ArrayBuffer, request: CommitRequest): CommitRequest {
  let offset = 0;
  const groups = request.groups.map((group) => {
    const payload = new Uint8Array(memory, offset, group.payload.length);
    payload.set(group.payload);
    offset += payload.length;
    return { ...group, payload };
  });
  return { ...request, groups };
}

/** The same without a thread, for tests and rigs: maintenance runs right after each call. */
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
