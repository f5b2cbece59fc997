/** A slot for one worker process, which is replaced when it exits, with all its models. */
import { FaultError } from '../core/faults.ts';
import type { DetectionResult, ModelSetup, InputPicture } from './messages.ts';
import { HangTimeout } from './hang-timeout.ts';
import { startWorker, type WorkerOptions, type WorkerProcess } from './worker-process.ts';

/** A worker that dies is replaced at once; one that dies again and again, after a growing wait. */
const RESTART_FIRST_MS = 500;
const RESTART_MOST_MS = 30_000;
/** A model that a new process did not take is offered to it again after this long. */
const OFFER_AGAIN_MS = 15_000;

export class WorkerSlot {
  /** At work: it takes one run at a time. */
  isBusy = false;
  readonly #options: WorkerOptions;
  readonly #models = new Map<string, ModelSetup>();
  /** Of them, those that the process at hand did not take when it took the place of another. */
  readonly #refused = new Map<string, { fault: unknown; againMs: number }>();
  /** Models that are on their way into the process: it is not empty then. */
  #loading = 0;
  #current: Promise<WorkerProcess> | null = null;
  /** The process of `#current`, from its start. */
  #started: WorkerProcess | null = null;
  /** The one that was found dead last, how many died without a picture between, and when the next may start. */
  #dead: Promise<WorkerProcess> | null = null;
  #deaths = 0;
  #resumeMs = 0;
  #isEnding = false;
  /** Of its first model, for whoever reads of its death. */
  #name = '';
  readonly #patience: HangTimeout;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#patience = new HangTimeout(options.answerDeadlineMs);
  }

  /** Whether a look would fail at once, since its process died and the next may not start yet. */
  get isResting(): boolean {
    return this.#dead === this.#current && this.#current !== null && this.#options.clock.monotonicMs() < this.#resumeMs;
  }

  /** Nothing is opened any more, and a process that is at it is ended; one that is not goes on until its models are unloaded. */
  stopOpening(): void {
    this.#isEnding = true;
    // `#start` and `load` close it once they know.
    if (this.#started?.isLoading) void this.#started.close();
  }

  /** @returns the execution provider that it runs on. @throws FaultError as WorkerProcess.load; the others stay */
  async load(key: string, setup: ModelSetup): Promise<string> {
    this.#name ||= setup.spec.id;
    this.#loading += 1;
    try {
      const worker = await this.#alive();
      const provider = await worker.load(key, setup);
      this.#models.set(key, setup);
      this.#loading -= 1;
      return provider;
    } catch (error) {
      this.#loading -= 1;
      await this.unload(key);
      throw error;
    }
  }

  /** Without models there is no process. */
  async unload(key: string): Promise<void> {
    this.#models.delete(key);
    this.#refused.delete(key);
    this.#patience.forget(key);
    if (this.#models.size + this.#loading > 0) return (await this.#current?.catch(() => null))?.unload(key);
    // Also one that is still at its models, and may hang there.
    const started = this.#started;
    this.#started = this.#current = null;
    this.#name = '';
    await started?.close();
  }

  /** @throws FaultError CV_MODEL_FAILED, CV_DETECTOR_DIED: these pictures are lost, the next get a new process; or why the model was refused */
  async look(key: string, scoreThreshold: number, pictures: InputPicture[]): Promise<{ found: DetectionResult[]; durationMs: number }> {
    const worker = await this.#alive();
    const refused = this.#refused.get(key);
    const setup = this.#models.get(key);
    if (refused && this.#options.clock.monotonicMs() < refused.againMs) throw refused.fault;
    if (refused && setup) await this.#offer(worker, key, setup);
    const startedMs = this.#options.clock.monotonicMs();
    const waitedMs = () => this.#options.clock.monotonicMs() - startedMs;
    try {
      // It does one thing after the other: a model that is on its way comes before these.
      const deadlineMs = this.#loading > 0 ? this.#options.answerDeadlineMs : this.#patience.for(key, pictures.length);
      const answer = await worker.look(key, scoreThreshold, pictures, deadlineMs);
      this.#patience.answered(key, waitedMs(), pictures.length);
      this.#deaths = 0;
      return answer;
    } catch (error) {
      if (worker.ended) this.#patience.unanswered(key, waitedMs(), pictures.length);
      throw error;
    }
  }

  /** The process at hand, or a new one in place of one that died or did not start. */
  async #alive(): Promise<WorkerProcess> {
    const asked = this.#current;
    const worker = await asked?.catch(() => null);
    if (worker && !worker.ended) return worker;
    // Only the first who finds it dead replaces it; the others wait for the same new one.
    if (this.#current === asked) {
      if (this.#isEnding) throw new FaultError('CV_DETECTOR_CLOSED', { model: this.#name });
      if (asked) this.#bury(asked);
      this.#current = this.#start();
      this.#current.catch(() => {});
    }
    return this.#current as Promise<WorkerProcess>;
  }

  #bury(dead: Promise<WorkerProcess>): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#dead !== dead) {
      this.#dead = dead;
      this.#deaths += 1;
      this.#resumeMs = nowMs + (this.#deaths === 1 ? 0 : Math.min(RESTART_MOST_MS, RESTART_FIRST_MS * 2 ** (this.#deaths - 2)));
    }
    if (nowMs < this.#resumeMs)
      throw new FaultError('CV_DETECTOR_DIED', { model: this.#name, detail: `${this.#deaths} times without a picture between` });
  }

  async #start(): Promise<WorkerProcess> {
    const worker = this.#started = startWorker(this.#name, this.#options);
    this.#refused.clear();
    this.#patience.anew();
    try {
      // One that cannot be had any more takes the process from no other.
      for (const [key, setup] of this.#models)
        await this.#offer(worker, key, setup).catch((error: unknown) => {
          if (worker.ended) throw error;
        });
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  async #offer(worker: WorkerProcess, key: string, setup: ModelSetup): Promise<void> {
    try {
      await worker.load(key, setup);
      this.#refused.delete(key);
    } catch (error) {
      this.#refused.set(key, { fault: error, againMs: this.#options.clock.monotonicMs() + OFFER_AGAIN_MS });
      throw error;
    }
  }
}
