/** What a detector and its worker say to each other. */
import type { Box } from '../core/event.ts';
import type { Fault } from '../core/faults.ts';
import type { ModelSpec } from '../core/model.ts';

/** What the worker is told first. */
export interface WorkerSetup {
  spec: ModelSpec;
  scoreThreshold: number;
  /** The checked bytes of the graph. */
  graph: Uint8Array;
}

export type ToWorker =
  | { kind: 'setup'; setup: WorkerSetup }
  | { kind: 'detect'; id: number; width: number; height: number; rgb: Uint8Array }
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'ready' }
  /** The graph does not load or does not do what its description says; the worker ends. */
  | { kind: 'unusable'; fault: Fault }
  | { kind: 'found'; id: number; boxes: Box[]; durationMs: number }
  | { kind: 'failed'; id: number; fault: Fault };
