/** Runs one model in a thread of its own. The only file that loads onnxruntime. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { FaultError, faultOf } from '../core/faults.ts';
import type { ModelSpec, Tensor } from '../core/model.ts';
import { fitPicture } from './fit.ts';
import { modelById, modelIds } from './index.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

const port = parentPort as MessagePort;
const { model, input, outputs, scoreThreshold, graph } = workerData as WorkerSetup;

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
  decode: ModelSpec['decode'];
  session: ort.InferenceSession;
  pixels: Float32Array;
  feeds: Record<string, ort.Tensor>;
  fetches: Record<string, ort.Tensor>;
  tensors: Record<string, Tensor>;
}

const loaded = load().then((ready) => {
  say({ kind: 'ready' });
  return ready;
}, (error: unknown) => {
  say({ kind: 'unusable', fault: faultOf(error, 'CV_MODEL_FAILED', { model }) });
  port.close();
  return null;
});

/** One message after the other: a session is not let go of under a picture. */
let turn: Promise<unknown> = loaded;
port.on('message', (message: ToWorker) => {
  turn = turn.then(() => (message.kind === 'close' ? close() : detect(message)));
});

async function load(): Promise<Loaded> {
  const decode = modelById(model)?.decode;
  if (!decode) throw new FaultError('CV_MODEL_UNKNOWN', { model, known: modelIds().join(', ') });
  const session = await ort.InferenceSession.create(graph, SESSION);
  const pixels = new Float32Array(sizeOf(input.shape));
  const fetches: Loaded['fetches'] = {};
  const tensors: Loaded['tensors'] = {};
  for (const [name, dims] of Object.entries(outputs)) {
    const data = new Float32Array(sizeOf(dims));
    fetches[name] = new ort.Tensor('float32', data, [...dims]);
    tensors[name] = { dims, data };
  }
  const feeds = { [input.name]: new ort.Tensor('float32', pixels, [...input.shape]) };
  // The first run allocates and is slow; it also shows that the graph can be run at all.
  await session.run(feeds, fetches);
  return { decode, session, pixels, feeds, fetches, tensors };
}

async function detect({ id, width, height, rgb }: ToWorker & { kind: 'detect' }): Promise<void> {
  const ready = await loaded;
  if (!ready) return;
  try {
    const startedMs = performance.now();
    const [, rows, columns] = input.shape;
    fitPicture({ width, height, rgb }, ready.pixels, columns, rows);
    await ready.session.run(ready.feeds, ready.fetches);
    say({ kind: 'found', id, boxes: ready.decode(ready.tensors, scoreThreshold), durationMs: performance.now() - startedMs });
  } catch (error) {
    say({ kind: 'failed', id, detail: (error as Error).message });
  }
}

async function close(): Promise<void> {
  const ready = await loaded;
  await ready?.session.release();
  port.close();
}

function say(message: FromWorker): void {
  port.postMessage(message);
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
