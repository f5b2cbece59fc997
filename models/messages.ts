/** What a detector's process is told, and what it says. */
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import type { Fault } from '../core/faults.ts';
import type { ModelSpec } from '../core/model.ts';

/** A model for a process: how it is to be run there. */
export interface ModelSetup {
  spec: ModelSpec;
  /** The checked bytes of the graph. */
  graph: Uint8Array;
  /** Boxes of these alone are asked for; null: of all. */
  classes: readonly string[] | null;
  /** Tried in this order. */
  providers: readonly string[];
  /** That one run may use. */
  threads: number;
}

/** What a process needs of a picture. */
export type InputPicture = Pick<Picture, 'width' | 'height' | 'yuv' | 'aspect'>;

/** The same, and from which byte on its `yuv` lies on the board. */
export type SharedInputPicture = Omit<InputPicture, 'yuv'> & { at: number };

/** What it found in one picture, or why nothing can be said of it. */
export type DetectionResult = { boxes: Box[]; fault?: undefined } | { fault: Fault; boxes?: undefined };

/** `id` names an answer; `key` a model among those that the process holds. */
export type ToWorker =
  | { kind: 'load'; id: number; key: string; setup: ModelSetup }
  | { kind: 'unload'; key: string }
  /** Pictures for one run; more than one only where the graph leaves their number open. */
  | { kind: 'look'; id: number; key: string; scoreThreshold: number; pictures: SharedInputPicture[] }
  | { kind: 'close' };

export type FromWorker =
  /** The execution provider that it really runs on. */
  | { kind: 'ready'; id: number; provider: string }
  | { kind: 'found'; id: number; found: DetectionResult[]; durationMs: number }
  /** Of a load or a look; the process goes on. */
  | { kind: 'failed'; id: number; fault: Fault };
