/** The life of one worker process: started, asked, ended. It never starts another; `worker-slot.ts` does. */
import { fork } from 'node:child_process';
import { killOnExit } from '../core/child-processes.ts';
import { FaultError } from '../core/faults.ts';
import type { Clock } from '../core/world.ts';
import { SharedPictureFile } from './shared-picture-file.ts';
import type { DetectionResult, FromWorker, ModelSetup, InputPicture, ToWorker } from './messages.ts';

export interface WorkerProcess {
  /** @returns the execution provider it runs on. @throws FaultError what is wrong with the graph, CV_DETECTOR_DIED */
  load(key: string, setup: ModelSetup): Promise<string>;
  unload(key: string): void;
  /** @param deadlineMs how long it may be silent. @throws FaultError CV_MODEL_FAILED, CV_DETECTOR_DIED */
  look(
    key: string,
    scoreThreshold: number,
    pictures: InputPicture[],
    deadlineMs: number,
  ): Promise<{ found: DetectionResult[]; durationMs: number }>;
  readonly pid: number | undefined;
  /** True once it can be asked no more. */
  readonly ended: boolean;
  /** It is opening a model. */
  readonly isLoading: boolean;
  /** Resolves when the process is gone. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Script to run; a test may give its own. */
  script: URL;
  clock: Clock;
  /** One that is silent for this long after being given a model is killed; for a look whoever asks says how long. */
  answerDeadlineMs: number;
  /** One that has not ended by itself this long after close is killed. */
  closeDeadlineMs: number;
  /** Told when it died while nobody waited for anything of it. */
  unheard?(death: FaultError): void;
}

type Answer = Exclude<FromWorker, { kind: 'failed' }>;

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

const MAX_STDERR_CHARACTERS = 2000;

/** @param name for whoever reads of its death */
export function startWorker(name: string, { script, clock, answerDeadlineMs, closeDeadlineMs, unheard }: WorkerOptions): WorkerProcess {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end it in order. It ends by itself when we are gone.
  const board = new SharedPictureFile();
  const worker = fork(script, {
    execArgv: [],
    serialization: 'advanced',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', board.fd],
  });
  killOnExit(worker);
  const gone = new Promise<void>((resolve) => { worker.once('exit', () => resolve()); });
  const waiting = new Map<number, Waiting>();
  let said = '';
  let lastId = 0;
  let loading = 0;
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
  const died = (detail: string) => new FaultError('CV_DETECTOR_DIED', { model: name, detail });

  function ask(question: (id: number) => ToWorker, deadlineMs: number): Promise<Answer> {
    if (ended) return Promise.reject(died('it had ended before'));
    return new Promise<Answer>((resolve, reject) => {
      const id = (lastId += 1);
      // Half of it twice: where this whole machine stood still its answer is read in between.
      let deadline = clock.after(deadlineMs / 2, () => {
        deadline = clock.after(deadlineMs / 2, () => end(died(`silent for ${Math.round(deadlineMs)} ms`)));
      });
      const settle = (then: () => void) => {
        deadline.cancel();
        waiting.delete(id);
        then();
      };
      waiting.set(id, { resolve: (answer) => settle(() => resolve(answer)), reject: (error) => settle(() => reject(error)) });
      send(question(id));
    });
  }

  worker.on('message', (message: FromWorker) => {
    const asker = waiting.get(message.id);
    if (message.kind === 'failed') asker?.reject(new FaultError(message.fault.code, message.fault.params));
    else asker?.resolve(message);
  });
  worker.stderr?.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(0, MAX_STDERR_CHARACTERS); });
  worker.on('error', (error) => end(died(error.message)));
  worker.on('close', (code, signal) => {
    board.close();
    const death = died([signal ?? `exit code ${code}`, said.trim().split('\n')[0]].filter(Boolean).join(', '));
    if (!ended && waiting.size === 0) unheard?.(death);
    end(death);
  });

  return {
    pid: worker.pid,
    get ended() { return ended; },
    get isLoading() { return loading > 0; },
    async load(key, setup) {
      loading += 1;
      try {
        const answer = await ask((id) => ({ kind: 'load', id, key, setup }), answerDeadlineMs);
        return answer.kind === 'ready' ? answer.provider : '';
      } finally {
        loading -= 1;
      }
    },
    unload: (key) => send({ kind: 'unload', key }),
    async look(key, scoreThreshold, pictures, deadlineMs) {
      if (ended) throw died('it had ended before');
      const placed = board.write(pictures);
      try {
        const answer = await ask((id) => ({ kind: 'look', id, key, scoreThreshold, pictures: placed }), deadlineMs);
        return answer.kind === 'found' ? answer : { found: [], durationMs: 0 };
      } finally {
        board.free();
      }
    },
    async close() {
      ended = true;
      // One that opens a model hears nothing for as long as that takes, and nobody wants the model any more.
      if (loading > 0) worker.kill('SIGKILL');
      send({ kind: 'close' });
      const deadline = clock.after(closeDeadlineMs, () => { worker.kill('SIGKILL'); });
      await gone;
      deadline.cancel();
    },
  };
}
