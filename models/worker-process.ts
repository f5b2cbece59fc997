/** The life of one worker process: started, asked, ended. It never starts another; `load.ts` does. */
import { fork } from 'node:child_process';
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import type { Clock } from '../core/world.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

export interface Detection {
  /** Fractions of the picture, best score first. */
  boxes: Box[];
  /** Fitting, running and reading the outputs. */
  durationMs: number;
}

export interface WorkerProcess {
  /** @throws FaultError CV_MODEL_FAILED, CV_DETECTOR_DIED; the signal's reason */
  detect(picture: Picture, signal?: AbortSignal): Promise<Detection>;
  readonly pid: number | undefined;
  /** True once it can be asked no more. */
  readonly ended: boolean;
  /** Resolves when the process is gone. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Script to run; a test may give its own. */
  script: URL;
  clock: Clock;
  /** One that is silent for this long after being asked or started is killed. */
  answerDeadlineMs: number;
  /** One that has not ended by itself this long after close is killed. */
  closeDeadlineMs: number;
}

const MAX_STDERR_CHARACTERS = 2000;

interface Waiting {
  resolve(detection: Detection): void;
  reject(error: unknown): void;
}

/** @throws FaultError what the worker found wrong with the graph, or CV_DETECTOR_DIED */
export async function startWorker(setup: WorkerSetup, { script, clock, answerDeadlineMs, closeDeadlineMs }: WorkerOptions): Promise<WorkerProcess> {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end it in order. It ends by itself when we are gone.
  const worker = fork(script, { execArgv: [], serialization: 'advanced', detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const gone = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
  const waiting = new Map<number, Waiting>();
  let said = '';
  let lastId = 0;
  let ended = false;

  /** Whoever waits gets `error`; the process is killed if it still runs. */
  function end(error: FaultError): void {
    ended = true;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    worker.kill('SIGKILL');
  }

  // That the channel is closed is said by the process's end, too.
  const send = (message: ToWorker) => { worker.send(message, () => {}); };
  const died = (detail: string) => new FaultError('CV_DETECTOR_DIED', { model: setup.spec.id, detail });

  function ask(id: number, question: () => void, signal?: AbortSignal): Promise<Detection> {
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
      question();
    });
  }

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') waiting.get(0)?.resolve({ boxes: [], durationMs: 0 });
    else if (message.kind === 'unusable') end(new FaultError(message.fault.code, message.fault.params));
    // An answer that nobody waits for any more was aborted.
    else if (message.kind === 'found') waiting.get(message.id)?.resolve({ boxes: message.boxes, durationMs: message.durationMs });
    else waiting.get(message.id)?.reject(new FaultError(message.fault.code, message.fault.params));
  });
  worker.stderr?.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(0, MAX_STDERR_CHARACTERS); });
  worker.on('error', (error) => end(died(error.message)));
  worker.on('close', (code, signal) => end(died([signal ?? `exit code ${code}`, said.trim().split('\n')[0]].filter(Boolean).join(', '))));

  await ask(0, () => send({ kind: 'setup', setup }));

  return {
    pid: worker.pid,
    get ended() { return ended; },
    detect({ width, height, yuv, aspect }, signal) {
      if (ended) return Promise.reject(died('it had ended before'));
      const id = (lastId += 1);
      return ask(id, () => send({ kind: 'detect', id, picture: { width, height, yuv, ...(aspect !== undefined && { aspect }) } }), signal);
    },
    async close() {
      ended = true;
      send({ kind: 'close' });
      const deadline = clock.after(closeDeadlineMs, () => { worker.kill('SIGKILL'); });
      await gone;
      deadline.cancel();
    },
  };
}
