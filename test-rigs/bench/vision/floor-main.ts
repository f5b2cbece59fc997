/** `node floor-main.ts RUNS WARM PAUSE_MS [tuned]`: bare onnxruntime on a ready tensor, with the model's graph or what a detector's process makes of it; with so long a pause before each; says processor time of a run. */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { shapeOfOne } from '../../../core/model.ts';
import { requiredClasses } from '../../../edge/infer/detect/required-classes.ts';
import centernet320 from '../../../models/centernet-320/model.ts';
import { tuneModel } from '../../../models/tune/tune.ts';
import { graphPath } from '../../../models/verify.ts';

const [runs, warm, pauseMs] = process.argv.slice(2).map(Number) as [number, number, number];
const file = readFileSync(graphPath(centernet320));
const { spec, graph } = (process.argv[5] === 'tuned' && tuneModel(centernet320, file, requiredClasses([]))) || {
  spec: centernet320,
  graph: file,
};
const session = await ort.InferenceSession.create(graph, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
});
const tensorOf = (dims: number[]) =>
  new ort.Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, at) => (at * 31) % 256),
    dims,
  );
const { input, outputs } = spec;
const feeds = { [input.name]: tensorOf(shapeOfOne(input.shape) as number[]) };
const fetches = Object.fromEntries(Object.entries(outputs).map(([name, dims]) => [name, tensorOf(shapeOfOne(dims) as number[])]));
let before = process.cpuUsage();
for (let at = 0; at < warm + runs; at += 1) {
  if (at === warm) before = process.cpuUsage();
  if (pauseMs > 0) await new Promise((resolve) => { setTimeout(resolve, pauseMs); });
  await session.run(feeds, fetches);
}
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${JSON.stringify({ cpuMs: (user + system) / 1000 / runs })}\n`);
await session.release();
