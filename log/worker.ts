/**
 * The thread that owns the files of one log: answers the messages of `worker-storage.ts` in order and runs maintenance
 * between them, one step at a time.
 */
import { parentPort } from 'node:worker_threads';
import { StorageEngine } from './storage-engine.ts';
import { storageFailureOf, type StorageFailure } from './storage.ts';

export interface StorageCall {
  id: number;
  operation: 'open' | 'commit' | 'read' | 'replay' | 'remove' | 'setAside' | 'disk' | 'stats' | 'close';
  request: unknown;
}

export type StorageAnswer = { id: number; value: unknown } | { id: number; failure: StorageFailure };

const engine = new StorageEngine(() => performance.now());
let isTidying = false;

parentPort?.on('message', ({ id, operation, request }: StorageCall) => {
  let answer: StorageAnswer;
  try {
    answer = { id, value: (engine[operation] as (request: unknown) => unknown).call(engine, request) };
  } catch (error) {
    answer = { id, failure: storageFailureOf(error) };
  }
  parentPort?.postMessage(answer, payloadsOf(answer));
  if (!isTidying) setImmediate(tidy);
  isTidying = true;
});

function tidy(): void {
  isTidying = engine.runMaintenanceStep();
  if (isTidying) setImmediate(tidy);
}

/** Payloads of a read are transferred, not copied. */
function payloadsOf(answer: StorageAnswer): ArrayBuffer[] {
  if (!('value' in answer)) return [];
  const { groups } = (answer.value ?? {}) as { groups?: { payload: Uint8Array<ArrayBuffer> }[] };
  return groups?.map((group) => group.payload.buffer) ?? [];
}
