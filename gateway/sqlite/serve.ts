/** The worker's side of databases: answers calls one after the other. */
import { parentPort } from 'node:worker_threads';
import { databaseFailure, type DatabaseFailure } from './failure.ts';

export interface DatabaseCall {
  id: number;
  /** Its name, in a worker that has several. */
  database: string;
  operation: string;
  request: unknown;
}

export type DatabaseAnswer = { id: number; value: unknown } | { id: number; failure: DatabaseFailure };

/** The operations a database offers: plain synchronous functions of one argument. */
export type DatabaseOperations = Record<string, (request: never) => unknown>;

export function serveDatabase(operations: DatabaseOperations): void {
  serveDatabases({ '': operations });
}

/** Several databases in one thread, by name. */
export function serveDatabases(databases: Readonly<Record<string, DatabaseOperations>>): void {
  parentPort?.on('message', ({ id, database, operation, request }: DatabaseCall) => {
    let answer: DatabaseAnswer;
    try {
      const run = (databases[database] as DatabaseOperations)[operation] as (request: unknown) => unknown;
      answer = { id, value: run(request) };
    } catch (error) {
      answer = { id, failure: databaseFailure(error) };
    }
    parentPort?.postMessage(answer);
  });
}
