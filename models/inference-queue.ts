/** The queue of inference jobs for a detector process, fair between its clients. No I/O. */
import type { Picture } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import type { Detection } from './detector.ts';
import type { InputPicture } from './messages.ts';

/** What goes into one run together: the same model with the same threshold. */
export interface JobKind {
  key: string;
  model: string;
  scoreThreshold: number;
  /** Most pictures in one run. */
  most: number;
}

/** A picture whose turn has come. */
export interface InferenceJob extends JobKind {
  picture: InputPicture;
  resolve(detection: Detection): void;
  reject(error: unknown): void;
}

interface Waiting {
  next: () => Picture;
  resolve(detection: Detection): void;
  reject(error: unknown): void;
}

/** A client of the queue, mostly a camera. */
export interface QueueClient {
  enter(next: () => Picture, signal?: AbortSignal): Promise<Detection>;
  /** Whoever waits here gets the error; those in a run still get its answer. */
  leave(error: FaultError): void;
}

interface Asker {
  kind: JobKind;
  waiting: Waiting[];
}

export class InferenceQueue {
  /** Those who wait for something, in the order of their turns; each stands in it once. */
  readonly #turns: Asker[] = [];

  client(kind: JobKind): QueueClient {
    const asker: Asker = { kind, waiting: [] };
    return {
      enter: (next, signal) =>
        new Promise<Detection>((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const settle = (then: () => void) => {
            signal?.removeEventListener('abort', abort);
            then();
          };
          const waiting: Waiting = {
            next,
            resolve: (detection) => settle(() => resolve(detection)),
            reject: (error) => settle(() => reject(error)),
          };
          const abort = () => {
            // In a run already: its answer is for nobody then.
            asker.waiting = asker.waiting.filter((one) => one !== waiting);
            waiting.reject(signal?.reason);
          };
          signal?.addEventListener('abort', abort, { once: true });
          asker.waiting.push(waiting);
          if (!this.#turns.includes(asker)) this.#turns.push(asker);
        }),
      leave: (error) => {
        for (const { reject } of asker.waiting.splice(0)) reject(error);
      },
    };
  }

  /** Pictures for the next run; none when nobody waits. */
  next(): InferenceJob[] {
    const jobs: InferenceJob[] = [];
    const askers = this.#turns.splice(0);
    for (const asker of askers) {
      const isAlike = jobs[0] === undefined || (jobs[0].key === asker.kind.key && jobs[0].scoreThreshold === asker.kind.scoreThreshold);
      if (isAlike && jobs.length < (jobs[0]?.most ?? 1)) {
        const job = take(asker);
        if (job) jobs.push(job);
        // Whoever has had a turn stands at the end.
        if (asker.waiting.length > 0) askers.push(asker);
        continue;
      }
      this.#turns.push(asker);
    }
    return jobs;
  }
}

/** Asks for the picture; one that has none, or a broken one, has had its turn. */
function take(asker: Asker): InferenceJob | null {
  for (let waiting = asker.waiting.shift(); waiting; waiting = asker.waiting.shift()) {
    const { resolve, reject } = waiting;
    try {
      const { width, height, yuv, aspect } = waiting.next();
      const wantedBytes = (width * height * 3) / 2;
      if (yuv.length !== wantedBytes)
        throw new FaultError('CV_MODEL_FAILED', { model: asker.kind.model, detail: `${yuv.length} bytes, ${wantedBytes} wanted` });
      return { ...asker.kind, picture: { width, height, yuv, ...(aspect !== undefined && { aspect }) }, resolve, reject };
    } catch (error) {
      reject(error);
    }
  }
  return null;
}
