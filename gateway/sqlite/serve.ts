/** The worker's side of a database: answers calls one after the other. */
import { parentPort } from 'node:worker_threads';
import { failureOf, type Failure } from './failure.ts';

interface Call {
  id: number;
  operation: string;
  request: unknown;
}

export type Answer = { id: number; value: unknown } | { id: number; failure: Failure };

/** The operations a database offers: plain synchronous functions of one argument. */
export type Operations = Record<string, (request: never) => unknown>;

export function serve(operations: Operations): void {
  parentPort?.on('message', ({ id, operation, request }: Call) => {
    let answer: Answer;
    try {
      answer = { id, value: (operations[operation] as (request: unknown) => unknown)(request) };
    } catch (error) {
      answer = { id, failure: failureOf(error) };
    }
    parentPort?.postMessage(answer);
  });
}
