/** Does our face detector, which blurs, see the faces that those of two other families see? */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { Box } from '../../core/event.ts';
import { inputSize, shapeOfOne, type ModelSpec, type Tensor } from '../../core/model.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import blazeface512 from '../../models/blazeface-512/model.ts';
import { decoderOf } from '../../models/families/index.ts';
import { picturesOf } from '../../models/testing/picture.ts';
import { sharedModels } from '../../models/testing/shared-models.ts';
import { graphPath } from '../../models/verify.ts';

export const peers: { name: string; needs: string[]; lacks(): string | false; run(): Promise<void> }[] = [
  {
    name: 'models: faces that YuNet and UltraFace see are seen by the model that blurs',
    needs: ['ffmpeg'],
    lacks: () => skipWithout(sharedFolder('footage') && sharedFolder('models'), 'models and clips of others'),
    run: seesAll,
  },
];

const [WIDTH, HEIGHT, PICTURES, EVERY] = [768, 432, 233, 6];
/** Faces are blurred with a margin, and what is not covered to this share stays recognisable. */
const ENLARGED = 1.4;
const MIN_COVERED = 0.6;

async function facesBy(spec: ModelSpec, graph: string): Promise<Box[][]> {
  const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  const decode = decoderOf(spec);
  const pictures = picturesOf(
    join(sharedFolder('footage') as string, 'one-by-one-person-detection.mp4'),
    Array.from({ length: PICTURES }, (_, index) => index * EVERY),
    spec.input,
  );
  const found: Box[][] = [];
  for (const picture of pictures) {
    const outputs = await session.run({ [spec.input.name]: new ort.Tensor('float32', picture, shapeOfOne(spec.input.shape) as number[]) });
    found.push(decode(outputs as unknown as Record<string, Tensor>, spec.scoreThreshold).map((box) => inPicture(box, spec)));
  }
  await session.release();
  return found;
}

/** From fractions of a letterboxed input to fractions of the picture. */
function inPicture(box: Box, { input }: ModelSpec): Box {
  if (input.fit === 'stretch') return box;
  const { width, height } = inputSize(input);
  const ratio = Math.min(width / WIDTH, height / HEIGHT);
  const [across, down] = [(WIDTH * ratio) / width, (HEIGHT * ratio) / height];
  const [left, top] = input.anchor === 'top-left' ? [0, 0] : [(1 - across) / 2, (1 - down) / 2];
  return { ...box, x: (box.x - left) / across, y: (box.y - top) / down, width: box.width / across, height: box.height / down };
}

function covers(own: Box, face: Box): boolean {
  const [more, lower] = [(own.width * (ENLARGED - 1)) / 2, (own.height * (ENLARGED - 1)) / 2];
  const width = Math.min(own.x + own.width + more, face.x + face.width) - Math.max(own.x - more, face.x);
  const height = Math.min(own.y + own.height + lower, face.y + face.height) - Math.max(own.y - lower, face.y);
  return width > 0 && height > 0 && width * height >= MIN_COVERED * face.width * face.height;
}

async function seesAll(): Promise<void> {
  const own = await facesBy(blazeface512, graphPath(blazeface512));
  for (const { spec, graph } of sharedModels().filter(({ spec: { task } }) => task === 'face-detection')) {
    const theirs = await facesBy(spec, graph);
    const faces = theirs.flatMap((boxes, index) => boxes.map((face) => ({ face, at: index })));
    const missed = faces.filter(({ face, at }) => !own[at]?.some((box) => covers(box, face)));
    process.stdout.write(
      `  ${spec.id} at ${spec.scoreThreshold}: ${faces.length} faces in ${PICTURES} pictures, ${missed.length} missed by ${blazeface512.id} at ${blazeface512.scoreThreshold}, which marks ${own.flat().length} places\n`,
    );
    assert.ok(faces.length >= 15 && missed.length === 0);
  }
}
