/**
 * Runs one model in a process of its own, forked by `worker-process.ts`. The only file that loads onnxruntime: a thread
 * that is ended while onnxruntime works aborts the whole process, so it gets one that nothing else lives in.
 */
import * as ort from 'onnxruntime-node';
import { faultOf } from '../core/faults.ts';
import { shapeOfOne, type Decode, type Tensor } from '../core/model.ts';
import { fitOf, type Fit } from './fit.ts';
import { decoderOf } from './families/index.ts';
import type { FromWorker, Shown, ToWorker, WorkerSetup } from './messages.ts';

/** One thread a stream, and none of them spins while it waits. */
const SESSION: ort.InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
};

/** Input and outputs live as long as the session: onnxruntime writes into the same memory for every picture. */
interface Loaded {
  setup: WorkerSetup;
  decode: Decode;
  session: ort.InferenceSession;
  pixels: Float32Array;
  feeds: Record<string, ort.Tensor>;
  /** null: its size is decided at each run. */
  fetches: Record<string, ort.Tensor | null>;
  tensors: Record<string, Tensor>;
  /** By size and proportion of the pictures. */
  fits: Map<string, Fit>;
}

/** Of pictures; cameras come in a few. */
const MAX_SIZES = 32;

let loaded: Loaded | null = null;
/** One message after the other: a session is not let go of under a picture. */
let turn: Promise<void> = Promise.resolve();
process.on('message', (message: ToWorker) => { turn = turn.then(() => obey(message)); });
// Whoever started us is gone.
process.on('disconnect', () => process.exit(0));

async function obey(message: ToWorker): Promise<void> {
  if (message.kind === 'detect') await detect(message);
  else if (message.kind === 'close') await close();
  else {
    try {
      loaded = await load(message.setup);
      say({ kind: 'ready' });
    } catch (error) {
      say({ kind: 'unusable', fault: faultOf(error, 'CV_MODEL_FAILED', { model: message.setup.spec.id }) });
    }
  }
}

async function load(setup: WorkerSetup): Promise<Loaded> {
  const { graph, spec: { input, outputs } } = setup;
  const decode = decoderOf(setup.spec);
  const session = await ort.InferenceSession.create(graph, SESSION);
  const shape = shapeOfOne(input.shape) as number[];
  const pixels = new Float32Array(sizeOf(shape));
  const fetches: Loaded['fetches'] = {};
  const tensors: Loaded['tensors'] = {};
  for (const [name, described] of Object.entries(outputs)) {
    const dims = shapeOfOne(described);
    fetches[name] = null;
    if (!dims) continue;
    const data = new Float32Array(sizeOf(dims));
    fetches[name] = new ort.Tensor('float32', data, dims);
    tensors[name] = { dims, data };
  }
  const feeds = { [input.name]: new ort.Tensor('float32', pixels, shape) };
  // The first run allocates and is slow; it also shows that the graph can be run at all.
  await session.run(feeds, fetches);
  return { setup, decode, session, pixels, feeds, fetches, tensors, fits: new Map() };
}

async function detect({ id, picture }: ToWorker & { kind: 'detect' }): Promise<void> {
  if (!loaded) return;
  const { setup, decode, session, pixels, feeds, fetches, tensors } = loaded;
  try {
    const startedMs = performance.now();
    const fit = fitted(loaded, picture);
    fit.write(picture.yuv, pixels);
    const results = await session.run(feeds, fetches);
    for (const [name, kept] of Object.entries(fetches)) if (!kept) tensors[name] = results[name] as Tensor;
    say({ kind: 'found', id, boxes: decode(tensors, setup.scoreThreshold).map(fit.back).filter((box) => box !== null), durationMs: performance.now() - startedMs });
  } catch (error) {
    say({ kind: 'failed', id, fault: faultOf(error, 'CV_MODEL_FAILED', { model: setup.spec.id }) });
  }
}

/** The tables for a picture like this one; those of its size before are mostly the right ones. */
function fitted(model: Loaded, { width, height, aspect = width / height }: Shown): Fit {
  const key = `${width} ${height} ${aspect}`;
  const known = model.fits.get(key);
  if (known) return known;
  if (model.fits.size >= MAX_SIZES) model.fits.clear();
  const fit = fitOf({ width, height, aspect }, model.setup.spec.input);
  model.fits.set(key, fit);
  return fit;
}

async function close(): Promise<void> {
  await loaded?.session.release();
  process.disconnect();
}

function say(message: FromWorker): void {
  process.send?.(message);
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
