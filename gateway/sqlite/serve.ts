/** The worker's side of databases: answers calls one after the other. */
import { parentPort } from 'node:worker_threads';
import { failureOf, type Failure } from './failure.ts';

export interface Call {
  id: number;
  /** Its name, in a worker that has several. */
  database: string;
  operation: string;
  request: unknown;
}

export type Answer = { id: number; value: unknown } | { id: number; failure: Failure };

/** The operations a database offers: plain synchronous functions of one argument. */
export type Operations = Record<string, (request: never) => unknown>;

export function serve(operations: Operations): void {
  serveDatabases({ '': operations });
}

/** Several databases in one thread, by name. */
export function serveDatabases(databases: Readonly<Record<string, Operations>>): void {
  parentPort?.on('message', ({ id, database, operation, request }: Call) => {
    let answer: Answer;
    try {
      const run = (databases[database] as Operations)[operation] as (request: unknown) => unknown;
      answer = { id, value: run(request) };
    } catch (error) {
      answer = { id, failure: failureOf(error) };
    }
    parentPort?.postMessage(answer);
  });
}
