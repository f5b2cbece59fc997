/** Opens a detector: checks the model first, then runs it in a worker process, which is replaced when it dies. */
import { extname } from 'node:path';
import type { Picture } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import type { ModelSpec } from '../core/model.ts';
import type { World } from '../core/world.ts';
import { readGraph } from './verify.ts';
import { startWorker, type Detection, type WorkerProcess } from './worker-process.ts';

export type { Detection } from './worker-process.ts';

export interface Detector {
  readonly model: string;
  /**
   * Finds boxes in one picture, which is fitted to the model's input whatever its size.
   * @throws FaultError CV_MODEL_FAILED, CV_DETECTOR_DIED (the picture is lost, the next one gets a new worker),
   *   CV_DETECTOR_CLOSED; the signal's reason when aborted
   */
  detect(picture: Picture, signal?: AbortSignal): Promise<Detection>;
  /** Releases the session and ends the process; may be called twice. Pictures still inside are refused. */
  close(): Promise<void>;
}

export interface DetectorOptions {
  /** Default: the model's own. */
  scoreThreshold?: number;
  provider?: string;
  answerDeadlineMs?: number;
  closeDeadlineMs?: number;
  /** The worker's script; for tests of its death. */
  script?: URL;
}

const ANSWER_DEADLINE_MS = 30_000;
const CLOSE_DEADLINE_MS = 2000;
/** A worker that dies is replaced at once; one that dies again and again, after a growing wait. */
const RESTART_FIRST_MS = 500;
const RESTART_MOST_MS = 30_000;
/** What onnxruntime-node runs on without drivers of the machine's own. */
const PROVIDERS = ['cpu'];

/**
 * @throws FaultError CV_MODEL_PROVIDER, CV_MODEL_MISSING, CV_MODEL_HASH, CV_MODEL_GRAPH, CV_MODEL_OPSET,
 *   CV_MODEL_SHAPE, CV_MODEL_FAILED: all before a picture is asked for
 */
export async function openDetector(spec: ModelSpec, options: DetectorOptions, world: World): Promise<Detector> {
  const provider = options.provider ?? 'cpu';
  if (!PROVIDERS.includes(provider)) throw new FaultError('CV_MODEL_PROVIDER', { provider, known: PROVIDERS.join(', ') });
  // Compiled, this file and the worker are .js.
  const script = options.script ?? new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  const scoreThreshold = options.scoreThreshold ?? spec.scoreThreshold;
  const deadlines = { answerDeadlineMs: options.answerDeadlineMs ?? ANSWER_DEADLINE_MS, closeDeadlineMs: options.closeDeadlineMs ?? CLOSE_DEADLINE_MS };
  const refusal = () => new FaultError('CV_DETECTOR_CLOSED', { model: spec.id });
  let closed = false;
  let current: Promise<WorkerProcess> = start();
  /** The one that was found dead last, how many died without a picture between, and when the next may start. */
  let dead: Promise<WorkerProcess> | null = null;
  let deaths = 0;
  let resumeMs = 0;
  await current;

  async function start(): Promise<WorkerProcess> {
    const graph = await readGraph(spec, world.files);
    return startWorker({ spec, scoreThreshold, graph }, { script, clock: world.clock, ...deadlines });
  }

  /** The worker at hand, or a new one in place of one that died or did not start. */
  async function alive(): Promise<WorkerProcess> {
    const asked = current;
    const link = await asked.catch(() => null);
    if (link && !link.ended) return link;
    if (closed) throw refusal();
    // Only the first who finds it dead replaces it; the others wait for the same new one.
    if (current === asked) {
      const nowMs = world.clock.monotonicMs();
      if (dead !== asked) {
        dead = asked;
        deaths += 1;
        resumeMs = nowMs + (deaths === 1 ? 0 : Math.min(RESTART_MOST_MS, RESTART_FIRST_MS * 2 ** (deaths - 2)));
      }
      if (nowMs < resumeMs) throw new FaultError('CV_DETECTOR_DIED', { model: spec.id, detail: `${deaths} times without a picture between` });
      current = start();
    }
    return current;
  }

  return {
    model: spec.id,
    async detect(picture, signal) {
      const wantedBytes = (picture.width * picture.height * 3) / 2;
      if (picture.yuv.length !== wantedBytes) throw new FaultError('CV_MODEL_FAILED', { model: spec.id, detail: `${picture.yuv.length} bytes, ${wantedBytes} wanted` });
      if (closed) throw refusal();
      const link = await unlessAborted(alive(), signal);
      if (closed) throw refusal();
      try {
        const detection = await link.detect(picture, signal);
        deaths = 0;
        return detection;
      } catch (error) {
        throw closed && link.ended ? refusal() : error;
      }
    },
    async close() {
      closed = true;
      const link = await current.catch(() => null);
      await link?.close();
    },
  };
}

/** The promise goes on; whoever aborts does not wait for it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
