/** The main thread's side of databases in a worker. */
import { Worker } from 'node:worker_threads';
import { databaseFailure, databaseFault, type DatabaseFailure } from './failure.ts';
import type { DatabaseAnswer, DatabaseCall, DatabaseOperations } from './serve.ts';

type Request<O extends DatabaseOperations, N extends keyof O> = O[N] extends (request: infer R) => unknown ? R : never;
type Result<O extends DatabaseOperations, N extends keyof O> = ReturnType<O[N]>;

interface Pending {
  resolve(value: unknown): void;
  reject(failure: DatabaseFailure): void;
}

/** A worker with one database, or with several small ones: a thread of its own costs 25 MB each. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #users = 0;
  #ended: DatabaseFailure | null = null;

  constructor(worker: URL) {
    this.#worker = new Worker(worker);
    this.#worker.on('message', (answer: DatabaseAnswer) => {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ('failure' in answer) pending?.reject(answer.failure);
      else pending?.resolve(answer.value);
    });
    this.#worker.on('error', (error) => { this.#end(databaseFailure(error)); });
    this.#worker.on('exit', () => { this.#end({ code: 'CV_STORE_FAILED', detail: 'its thread has ended', errcode: null }); });
  }

  retain(): void {
    this.#users += 1;
  }

  /** The thread ends with the last that used it. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.#worker.terminate();
  }

  /** Rejects with a Failure. */
  call(call: Omit<DatabaseCall, 'id'>): Promise<unknown> {
    return new Promise((resolve, reject: (failure: DatabaseFailure) => void) => {
      if (this.#ended) return reject(this.#ended);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...call } satisfies DatabaseCall);
    });
  }

  #end(failure: DatabaseFailure): void {
    this.#ended ??= failure;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}

export class SqliteClient<O extends DatabaseOperations> {
  readonly #path: string;
  readonly #thread: SqliteThread;
  readonly #database: string;
  #closing: Promise<void> | null = null;

  /**
   * @param worker one of its own, or one that has several
   * @param path of the database, for its faults
   * @param database its name in a worker that has several
   */
  constructor(worker: URL | SqliteThread, path: string, database = '') {
    this.#path = path;
    this.#thread = worker instanceof URL ? new SqliteThread(worker) : worker;
    this.#database = database;
    this.#thread.retain();
  }

  /** @throws CV_STORE_FAILED, CV_STORE_BUSY, CV_STORE_DAMAGED; when it is opened CV_STORE_NEWER, CV_STORE_MIGRATION */
  async call<N extends keyof O & string>(operation: N, request: Request<O, N>): Promise<Result<O, N>> {
    try {
      return (await this.#thread.call({ database: this.#database, operation, request })) as Result<O, N>;
    } catch (failure) {
      throw databaseFault(failure as DatabaseFailure, this.#path);
    }
  }

  /** Waits for what was asked; its thread ends with the last database; twice is fine. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.call('close' as keyof O & string, undefined as never).catch(() => undefined);
      await this.#thread.release();
    })();
    return this.#closing;
  }
}

/** `./worker.ts` beside the caller, or `./worker.js` once compiled. */
export function workerBeside(moduleUrl: string, name = 'worker'): URL {
  return new URL(`./${name}.${moduleUrl.endsWith('.ts') ? 'ts' : 'js'}`, moduleUrl);
}
