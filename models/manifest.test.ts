import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FaultError } from '../core/faults.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realFiles } from '../core/world.ts';
import { MODELS } from './index.ts';
import { findModel, loadManifest, readManifest } from './manifest.ts';
import { manifestText } from './manifest-text.ts';

const { dir: folder, remove } = await tempDir();
after(remove);

const OWN = `name: helmets-640
version: "2026-03"
task: object-detection
licence: ours
source: trained by us
file: weights/helmets.onnx
sha256: ${'0123456789abcdef'.repeat(4)}
input: { name: images, shape: [1, 3, 640, 640], layout: NCHW, color: RGB, fit: letterbox, pad: 114, scale: [0.0039215686, 0.0039215686, 0.0039215686] }
outputs: { output0: [1, 6, 8400] }
family: yolov8
classes: [helmet, { en: no helmet, zh: 未戴安全帽 }]
scoreThreshold: 0.4
indicators: { no helmet: AQ-PPE-001 }
`;

test('a manifest of one\'s own becomes a model: its file counts from its folder, classes have names in both languages', () => {
  const { spec } = readManifest('/models/helmets/model.yaml', OWN);
  assert.deepEqual(
    [spec?.id, spec?.file, spec?.classes, spec?.classesZh, spec?.maxOverlap, spec?.indicators],
    [
      'helmets-640',
      '/models/helmets/weights/helmets.onnx',
      ['helmet', 'no helmet'],
      ['helmet', '未戴安全帽'],
      0.45,
      { 'no helmet': 'AQ-PPE-001' },
    ],
  );
});

for (const [what, change, line, words] of [
  ['a misspelt key', ['family:', 'famly:'], 10, 'famly'],
  ['a family that is not there', ['yolov8', 'yolo99'], 10, 'family'],
  ['two colours', ['[1, 3, 640', '[1, 2, 640'], 8, '3 colours'],
  ['a hash cut short', ['sha256: 0123', 'sha256: 123'], 7, 'sha256'],
  ['a threshold above 1', ['scoreThreshold: 0.4', 'scoreThreshold: 40'], 12, 'scoreThreshold'],
  ['an option that the family has not', ['family: yolov8', 'familyOptions: { decoded: true }\nfamily: yolov8'], 10, 'no options'],
  ['a class twice', ['{ en: no helmet, zh: 未戴安全帽 }', 'helmet'], 11, 'class 0 already'],
  ['no code of an indicator', ['AQ-PPE-001', 'no code'], 13, 'indicators'],
  ['an indicator of a class that is not there', ['indicators: { no helmet', 'indicators: { cap'], 13, 'no class'],
] as const) {
  test(`${what} is told with its place`, async () => {
    const path = join(folder, 'wrong.yaml');
    await writeFile(path, OWN.replace(change[0], change[1]));
    await assert.rejects(loadManifest(path, realFiles), ({ fault }: FaultError) => {
      assert.deepEqual([fault.code, fault.params.line], ['CV_MODEL_MANIFEST', line], String(fault.params.problem));
      assert.ok(String(fault.params.problem).includes(words), String(fault.params.problem));
      return true;
    });
  });
}

test('a model is found by its name or by the path of its manifest', async () => {
  const path = join(folder, 'model.yaml');
  await writeFile(path, OWN);
  assert.equal((await findModel(path, MODELS, realFiles)).id, 'helmets-640');
  assert.equal((await findModel('centernet-320', MODELS, realFiles)).id, 'centernet-320');
  await assert.rejects(findModel('helmets-640', MODELS, realFiles), (error: FaultError) => error.fault.code === 'CV_MODEL_UNKNOWN');
  await assert.rejects(
    findModel(join(folder, 'none.yaml'), MODELS, realFiles),
    (error: FaultError) => error.fault.code === 'CV_MODEL_MANIFEST' && error.fault.params.problemZh === '没有此文件',
  );
});

for (const model of MODELS) {
  test(`${model.id}: written as a manifest and read again it is the same`, () => {
    const text = manifestText({ ...model, file: `/models/${model.file}` }, ['by the registry']);
    const { spec, problems } = readManifest('/elsewhere/model.yaml', text);
    assert.deepEqual(problems, []);
    assert.deepEqual(spec, {
      ...model,
      file: `/models/${model.file}`,
      classes: [...model.classes],
      classesZh: [...(model.classesZh ?? model.classes)],
    });
  });
}
