/** What a detector and its worker say to each other. */
import type { Picture } from '../core/driver.ts';
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

/** What the worker needs of a picture. */
export type Shown = Pick<Picture, 'width' | 'height' | 'yuv' | 'aspect'>;

export type ToWorker =
  | { kind: 'setup'; setup: WorkerSetup }
  | { kind: 'detect'; id: number; picture: Shown }
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'ready' }
  /** The graph does not load or does not do what its description says; the worker ends. */
  | { kind: 'unusable'; fault: Fault }
  | { kind: 'found'; id: number; boxes: Box[]; durationMs: number }
  | { kind: 'failed'; id: number; fault: Fault };
