/** The life of one worker: started, asked, ended. It never starts another; `load.ts` does. */
import { Worker } from 'node:worker_threads';
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import { pause, type Clock } from '../core/world.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

export interface Detection {
  /** Fractions of the picture, best score first. */
  boxes: Box[];
  /** Fitting, running and reading the outputs. */
  durationMs: number;
}

export interface WorkerLink {
  /** @throws FaultError CV_MODEL_FAILED, CV_DETECTOR_DIED; the signal's reason */
  detect(picture: Picture, signal?: AbortSignal): Promise<Detection>;
  /** True once it can be asked no more. */
  readonly ended: boolean;
  /** Resolves when the thread is gone, or is known not to go. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Script to run; a test may give its own. */
  script: URL;
  clock: Clock;
  /** A thread that is silent for this long after being asked or started is ended. */
  answerDeadlineMs: number;
  /** A thread that has not ended by itself this long after close is ended. */
  closeDeadlineMs: number;
}

interface Waiting {
  resolve(detection: Detection): void;
  reject(error: unknown): void;
}

/** @throws FaultError what the worker found wrong with the graph, or CV_DETECTOR_DIED */
export async function startWorker(setup: WorkerSetup, { script, clock, answerDeadlineMs, closeDeadlineMs }: WorkerOptions): Promise<WorkerLink> {
  const worker = new Worker(script, { workerData: setup });
  const gone = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let ended = false;

  /** Whoever waits gets `error`; the thread is ended if it still runs. */
  function end(error: FaultError): void {
    ended = true;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    void terminate();
  }

  /** A thread inside native code ends only when that returns; then the process must not wait for it. */
  async function terminate(): Promise<void> {
    const stopped = new AbortController();
    await Promise.race([worker.terminate(), pause(clock, closeDeadlineMs, stopped.signal)]);
    stopped.abort();
    worker.unref();
  }

  const died = (detail: string) => new FaultError('CV_DETECTOR_DIED', { model: setup.model, detail });

  function ask(id: number, send: () => void, signal?: AbortSignal): Promise<Detection> {
    return new Promise<Detection>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const deadline = clock.after(answerDeadlineMs, () => end(died(`silent for ${answerDeadlineMs} ms`)));
      const abort = () => settle(() => reject(signal?.reason));
      const settle = (then: () => void) => {
        deadline.cancel();
        signal?.removeEventListener('abort', abort);
        waiting.delete(id);
        then();
      };
      signal?.addEventListener('abort', abort, { once: true });
      waiting.set(id, { resolve: (detection) => settle(() => resolve(detection)), reject: (error) => settle(() => reject(error)) });
      send();
    });
  }

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') waiting.get(0)?.resolve({ boxes: [], durationMs: 0 });
    else if (message.kind === 'unusable') end(new FaultError(message.fault.code, message.fault.params));
    // An answer that nobody waits for any more was aborted.
    else if (message.kind === 'found') waiting.get(message.id)?.resolve({ boxes: message.boxes, durationMs: message.durationMs });
    else waiting.get(message.id)?.reject(new FaultError('CV_MODEL_FAILED', { model: setup.model, detail: message.detail }));
  });
  worker.on('error', (error) => end(died(error.message)));
  worker.on('exit', (code) => end(died(`exit code ${code}`)));

  await ask(0, () => {});

  return {
    get ended() { return ended; },
    detect({ width, height, rgb }, signal) {
      if (ended) return Promise.reject(died('it had ended before'));
      const id = (lastId += 1);
      return ask(id, () => worker.postMessage({ kind: 'detect', id, width, height, rgb } satisfies ToWorker), signal);
    },
    async close() {
      ended = true;
      worker.postMessage({ kind: 'close' } satisfies ToWorker);
      const stopped = new AbortController();
      await Promise.race([gone, pause(clock, closeDeadlineMs, stopped.signal)]);
      stopped.abort();
      await terminate();
    },
  };
}
