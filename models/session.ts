/**
 * One model in onnxruntime. Only a worker loads this file: a thread that ends while onnxruntime works aborts its whole
 * process, so it gets one that nothing else lives in.
 */
import * as ort from 'onnxruntime-node';
import type { Box } from '../core/event.ts';
import { FaultError, faultOf } from '../core/faults.ts';
import { shapeOfOne, type Decode, type ModelSpec, type Tensor } from '../core/model.ts';
import { decoderOf } from './families/index.ts';
import { inputFitOf, type InputFit } from './fit.ts';
import type { DetectionResult, ModelSetup, InputPicture } from './messages.ts';
import { tuneModel } from './tune/tune.ts';

/** Memory for runs of so many pictures; onnxruntime reads and writes the same for all of them. */
interface Lane {
  pixels: Float32Array;
  feeds: Record<string, ort.Tensor>;
  /** null: its size is decided at each run. */
  fetches: Record<string, ort.Tensor | null>;
}

/** Sizes of pictures whose tables are kept; cameras come in a few. */
const MAX_SIZES = 32;

export class OnnxSession {
  readonly provider: string;
  readonly #spec: ModelSpec;
  readonly #session: ort.InferenceSession;
  readonly #decode: Decode;
  readonly #lanes = new Map<number, Lane>();
  readonly #fits = new Map<string, InputFit>();

  private constructor(spec: ModelSpec, session: ort.InferenceSession, provider: string) {
    this.#spec = spec;
    this.#session = session;
    this.#decode = decoderOf(spec);
    this.provider = provider;
  }

  /** @throws FaultError CV_MODEL_PROVIDER, CV_MODEL_FAMILY, CV_MODEL_OUTPUT, CV_MODEL_FAILED */
  static async open(setup: ModelSetup): Promise<OnnxSession> {
    const tuned = tuneModel(setup.spec, setup.graph, setup.classes);
    // That it could be cheaper must not cost anybody the model.
    return (tuned && await OnnxSession.#begin({ ...setup, ...tuned }).catch(() => null)) ?? OnnxSession.#begin(setup);
  }

  /** Runs once, which allocates, is slow, and shows that the graph can be run and its outputs be read at all. */
  static async #begin(setup: ModelSetup): Promise<OnnxSession> {
    const { session, provider } = await create(setup);
    try {
      const opened = new OnnxSession(setup.spec, session, provider);
      const lane = opened.#lane(1);
      const results = await session.run(lane.feeds, lane.fetches);
      opened.#decode(outputsOf(results, 0, 1), 1);
      release(results, lane);
      return opened;
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Where a picture of this size is best put: it need not be copied again then. */
  room(picture: Pick<InputPicture, 'width' | 'height' | 'aspect'>): Uint8Array {
    return this.#fit(picture).room;
  }

  /** One run for all of them. @throws what the run throws */
  async look(pictures: readonly InputPicture[], scoreThreshold: number): Promise<DetectionResult[]> {
    const lane = this.#lane(pictures.length);
    const share = lane.pixels.length / pictures.length;
    const fits = pictures.map((picture) => this.#fit(picture));
    pictures.forEach(({ yuv }, at) => fits[at]?.write(yuv, lane.pixels.subarray(at * share, (at + 1) * share)));
    const results = await this.#session.run(lane.feeds, lane.fetches);
    const found = fits.map((fit, at) => this.#read(fit, outputsOf(results, at, pictures.length), scoreThreshold));
    release(results, lane);
    return found;
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  #read(fit: InputFit, outputs: Record<string, Tensor>, scoreThreshold: number): DetectionResult {
    try {
      return { boxes: this.#decode(outputs, scoreThreshold).map(fit.back).filter((box): box is Box => box !== null) };
    } catch (error) {
      return { fault: faultOf(error, 'CV_MODEL_FAILED', { model: this.#spec.id }) };
    }
  }

  #lane(count: number): Lane {
    const known = this.#lanes.get(count);
    if (known) return known;
    const { input, outputs } = this.#spec;
    const batched = (dims: readonly number[]) => [count * (dims[0] ?? 1), ...dims.slice(1)];
    const shape = batched(shapeOfOne(input.shape) as number[]);
    const pixels = new Float32Array(sizeOf(shape));
    const fetches: Lane['fetches'] = {};
    for (const [name, described] of Object.entries(outputs)) {
      const one = shapeOfOne(described);
      const dims = one && batched(one);
      fetches[name] = dims && new ort.Tensor('float32', new Float32Array(sizeOf(dims)), dims);
    }
    const lane = { pixels, fetches, feeds: { [input.name]: new ort.Tensor('float32', pixels, shape) } };
    this.#lanes.set(count, lane);
    return lane;
  }

  #fit({ width, height, aspect = width / height }: Pick<InputPicture, 'width' | 'height' | 'aspect'>): InputFit {
    const key = `${width} ${height} ${aspect}`;
    const known = this.#fits.get(key);
    if (known) return known;
    if (this.#fits.size >= MAX_SIZES) this.#fits.clear();
    const fit = inputFitOf({ width, height, aspect }, this.#spec.input);
    this.#fits.set(key, fit);
    return fit;
  }
}

/** Of one picture's share of each output; nothing is copied. */
function outputsOf(results: ort.InferenceSession.ReturnType, at: number, count: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => {
      const values = data as Float32Array;
      const share = values.length / count;
      return [
        name,
        count === 1
          ? { dims, data: values }
          : { dims: [(dims[0] as number) / count, ...dims.slice(1)], data: values.subarray(at * share, (at + 1) * share) },
      ];
    }),
  );
}

/**
 * The binding copies outputs into new memory at each run, of megabytes. Until it was collected there would be dozens of
 * them, none in any cache; given back at once, it is the same each time.
 */
function release(results: ort.InferenceSession.ReturnType, { fetches }: Lane): void {
  for (const [name, { data }] of Object.entries(results)) {
    if (ArrayBuffer.isView(data) && data !== fetches[name]?.data) (data.buffer as ArrayBuffer).transfer(0);
  }
}

/** The first provider that this machine has. */
async function create({ graph, providers, threads }: ModelSetup): Promise<{ session: ort.InferenceSession; provider: string }> {
  for (const provider of providers) {
    try {
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: [provider], intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 4,
        // None of them spins while it waits.
        extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
      });
      return { session, provider };
    } catch (error) {
      // A provider whose library is not there says so in words of its own; the graph is looked at by the next.
      if (provider === 'cpu') throw error;
    }
  }
  throw new FaultError('CV_MODEL_PROVIDER', { provider: providers.join(', '), known: 'cpu' });
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
