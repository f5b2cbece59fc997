/**
 * Detector processes that all cameras share. A camera has its turn when every other that waits has had one; what it
 * shows is asked for then, so that nothing stale is looked at; where the graph leaves the number of pictures open,
 * those of several cameras may go into one run.
 */
import { extname } from 'node:path';
import { FaultError } from '../core/faults.ts';
import type { ModelSpec } from '../core/model.ts';
import type { World } from '../core/world.ts';
import type { Detector } from './detector.ts';
import { InferenceQueue, type InferenceJob } from './inference-queue.ts';
import type { ModelSetup } from './messages.ts';
import { WorkerSlot } from './worker-slot.ts';
import { readGraph, sha256 } from './verify.ts';

export interface PoolOptions {
  /** Default 1. */
  processes?: number;
  /** That one run may use; default 1. */
  threads?: number;
  /** Most pictures in one run; default by provider. */
  batch?: number | undefined;
  /** In place of what the model's description says. */
  provider?: string | undefined;
  answerDeadlineMs?: number;
  closeDeadlineMs?: number;
  /** The worker's script; for tests of its death. */
  script?: URL;
}

/** Longest that a process is waited for; at work it has mostly less (`hang-timeout.ts`). */
const ANSWER_DEADLINE_MS = 30_000;
/** It holds nothing that would be lost. */
const CLOSE_DEADLINE_MS = 1000;
/** What this program knows how to ask onnxruntime for. */
const PROVIDERS = ['cpu', 'cuda', 'tensorrt'];
/** On a processor two pictures in one run cost more than two runs (docs/decisions/0025): caches are small. */
const BATCH_ON_CPU = 1;
const BATCH_ELSEWHERE = 8;

interface Model {
  key: string;
  spec: ModelSpec;
  users: number;
  /** The provider; rejects when it cannot be opened. */
  ready: Promise<string>;
}

export class DetectorPool {
  readonly #options: PoolOptions;
  readonly #world: World;
  readonly #seats: WorkerSlot[];
  readonly #models = new Map<string, Model>();
  readonly #line = new InferenceQueue();
  #isEnding = false;

  constructor(options: PoolOptions, world: World) {
    this.#options = options;
    this.#world = world;
    // Compiled, this file and the worker are .js.
    const script = options.script ?? new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
    const seat = {
      script,
      clock: world.clock,
      answerDeadlineMs: options.answerDeadlineMs ?? ANSWER_DEADLINE_MS,
      closeDeadlineMs: options.closeDeadlineMs ?? CLOSE_DEADLINE_MS,
      unheard: ({ fault }: FaultError) => world.tell({ kind: 'fault', fault }),
    };
    this.#seats = Array.from({ length: options.processes ?? 1 }, () => new WorkerSlot(seat));
  }

  /**
   * @param classes boxes of others may be left out; null: all are asked for
   * @throws FaultError CV_MODEL_PROVIDER, CV_MODEL_MISSING, CV_MODEL_HASH, CV_MODEL_GRAPH, CV_MODEL_OPSET,
   *   CV_MODEL_SHAPE, CV_MODEL_FAILED and their like: all before a picture is asked for
   */
  async open(spec: ModelSpec, scoreThreshold: number = spec.scoreThreshold, classes: readonly string[] | null = null): Promise<Detector> {
    const model = this.#modelOf(spec, classes);
    model.users += 1;
    let provider: string;
    try {
      provider = await model.ready;
    } catch (error) {
      await this.#leave(model);
      throw error;
    }
    return this.#detector(model, provider, scoreThreshold);
  }

  /** The program is about to end: a model that is being opened is given up, none is opened any more; detectors that are open go on until they are closed. */
  stopOpening(): void {
    this.#isEnding = true;
    for (const seat of this.#seats) seat.stopOpening();
  }

  #detector(model: Model, provider: string, scoreThreshold: number): Detector {
    const { spec, key } = model;
    const refusal = () => new FaultError('CV_DETECTOR_CLOSED', { model: spec.id });
    const most = isBatched(spec) ? this.#options.batch ?? (provider === 'cpu' ? BATCH_ON_CPU : BATCH_ELSEWHERE) : 1;
    const place = this.#line.client({ key, model: spec.id, scoreThreshold, most });
    let closing: Promise<void> | null = null;
    return {
      model: spec.id, provider,
      detect: async (picture, signal) => {
        if (closing) throw refusal();
        const detected = place.enter(typeof picture === 'function' ? picture : () => picture, signal);
        this.#serve();
        try {
          return await detected;
        } catch (error) {
          throw closing && error !== signal?.reason ? refusal() : error;
        }
      },
      close: () => (closing ??= (async () => {
        place.leave(refusal());
        await this.#leave(model);
      })()),
    };
  }

  #modelOf(spec: ModelSpec, classes: readonly string[] | null): Model {
    const asked = classes && spec.classes.filter((name) => classes.includes(name));
    // Two descriptions of one graph are two models: what is made of its outputs differs.
    const key = `${spec.id} ${sha256(Buffer.from(JSON.stringify([spec, asked])))}`;
    const known = this.#models.get(key);
    if (known) return known;
    const model: Model = { key, spec, users: 0, ready: this.#load(key, spec, asked) };
    model.ready.catch(() => {});
    this.#models.set(key, model);
    return model;
  }

  async #load(key: string, spec: ModelSpec, classes: readonly string[] | null): Promise<string> {
    const providers = this.#options.provider === undefined ? spec.providers ?? ['cpu'] : [this.#options.provider];
    const unknown = providers.find((provider) => !PROVIDERS.includes(provider));
    if (unknown !== undefined) throw new FaultError('CV_MODEL_PROVIDER', { provider: unknown, known: PROVIDERS.join(', ') });
    const setup: ModelSetup = {
      spec,
      graph: await readGraph(spec, this.#world.files),
      classes,
      providers,
      threads: this.#options.threads ?? 1,
    };
    if (this.#isEnding) throw new FaultError('CV_DETECTOR_CLOSED', { model: spec.id });
    const loaded = await Promise.allSettled(this.#seats.map((seat) => seat.load(key, setup)));
    const failed = loaded.find((one) => one.status === 'rejected');
    if (failed) throw this.#isEnding ? new FaultError('CV_DETECTOR_CLOSED', { model: spec.id }) : failed.reason;
    const [first] = loaded as PromiseFulfilledResult<string>[];
    const provider = first?.value ?? '';
    this.#world.tell({ kind: 'notice', level: 'info', en: `model ${spec.id} runs on ${provider}`, zh: `模型 ${spec.id} 运行于 ${provider}` });
    return provider;
  }

  async #leave(model: Model): Promise<void> {
    model.users -= 1;
    if (model.users > 0) return;
    if (this.#models.get(model.key) === model) this.#models.delete(model.key);
    await Promise.all(this.#seats.map((seat) => seat.unload(model.key)));
  }

  /** Gives whoever waits to whoever is free. One whose process may not start yet comes last: it would only say so. */
  #serve(): void {
    for (const seat of this.#seats.filter(({ isBusy }) => !isBusy).toSorted((a, b) => Number(a.isResting) - Number(b.isResting))) {
      if (seat.isResting && this.#seats.some((other) => !other.isResting)) return;
      const jobs = this.#line.next();
      if (jobs.length === 0) return;
      void this.#run(seat, jobs);
    }
  }

  async #run(seat: WorkerSlot, jobs: readonly InferenceJob[]): Promise<void> {
    const [{ key, scoreThreshold }] = jobs as [InferenceJob];
    seat.isBusy = true;
    try {
      const { found, durationMs } = await seat.look(key, scoreThreshold, jobs.map(({ picture }) => picture));
      jobs.forEach((job, at) => {
        const one = found[at];
        if (one?.boxes) job.resolve({ boxes: one.boxes, durationMs: durationMs / jobs.length });
        else job.reject(new FaultError(one?.fault?.code ?? 'CV_MODEL_FAILED', one?.fault?.params ?? { model: key, detail: 'no answer' }));
      });
    } catch (error) {
      for (const job of jobs) job.reject(this.#isEnding ? new FaultError('CV_DETECTOR_CLOSED', { model: job.model }) : error);
    } finally {
      seat.isBusy = false;
      this.#serve();
    }
  }
}

/** Where input and all outputs leave the number of pictures open. */
function isBatched({ input, outputs }: ModelSpec): boolean {
  return [input.shape, ...Object.values(outputs)].every(([first]) => first === 'batch');
}
