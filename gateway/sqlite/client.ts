/** The main thread's side of a database in a worker. */
import { Worker } from 'node:worker_threads';
import { failureOf, faultFrom, type Failure } from './failure.ts';
import type { Answer, Operations } from './serve.ts';

type Request<O extends Operations, N extends keyof O> = O[N] extends (request: infer R) => unknown ? R : never;
type Result<O extends Operations, N extends keyof O> = ReturnType<O[N]>;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class SqliteClient<O extends Operations> {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: Failure | null = null;
  #closing: Promise<void> | null = null;

  /** @param path of the database, for what is said when it fails */
  constructor(worker: URL, path: string) {
    this.#path = path;
    this.#worker = new Worker(worker);
    this.#worker.on('message', (answer: Answer) => {
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ('failure' in answer) pending?.reject(faultFrom(answer.failure, this.#path));
      else pending?.resolve(answer.value);
    });
    this.#worker.on('error', (error) => { this.#end(failureOf(error)); });
    this.#worker.on('exit', () => { this.#end({ code: 'CV_STORE_FAILED', detail: 'its thread has ended', errcode: null }); });
  }

  /** @throws CV_STORE_FAILED, CV_STORE_BUSY, CV_STORE_DAMAGED */
  call<N extends keyof O & string>(operation: N, request: Request<O, N>): Promise<Result<O, N>> {
    if (this.#ended) return Promise.reject(faultFrom(this.#ended, this.#path));
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, operation, request });
    });
  }

  /** Waits for what was asked, then ends the thread; twice is fine. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.call('close' as keyof O & string, undefined as never).catch(() => undefined);
      await this.#worker.terminate();
    })();
    return this.#closing;
  }

  #end(failure: Failure): void {
    this.#ended ??= failure;
    for (const pending of this.#pending.values()) pending.reject(faultFrom(this.#ended, this.#path));
    this.#pending.clear();
  }
}

/** `./worker.ts` beside the caller, or `./worker.js` once compiled. */
export function workerBeside(moduleUrl: string, name = 'worker'): URL {
  return new URL(`./${name}.${moduleUrl.endsWith('.ts') ? 'ts' : 'js'}`, moduleUrl);
}
