import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Picture } from '../../../core/driver.ts';
import type { FaultError } from '../../../core/faults.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { realWorld } from '../../../core/world.ts';
import { MODELS } from '../../../models/index.ts';
import { CameraDetectors } from '../detect/camera-detectors.ts';
import { openLatestPictures } from '../viewers/latest-pictures.ts';
import { EdgeEvidence } from './edge-evidence.ts';

const picture: Picture = { index: 0, ptsMs: 0, width: 960, height: 540, yuv: new Uint8Array(960 * 540 * 1.5).fill(120) };
const people = [{ class: 'person', score: 0.9, x: 0.4, y: 0.2, width: 0.1, height: 0.5 }];

test('the face model that comes with us looks at the whole, at parts and at heads; without its graph nothing is shown to anybody, said once', async () => {
  const told: TelemetryEvent[] = [];
  const world = realWorld((event) => { told.push(event); });
  for (const file of ['blazeface-512.onnx', 'gone.onnx']) {
    const detectors = new CameraDetectors(
      async () => MODELS.map((model) => (model.id === 'blazeface-512' ? { ...model, file } : model)),
      {},
      world,
    );
    const { blurFinder, eventPictures } = new EdgeEvidence({ edge: 'e1', centre: '500112001' }, { detectors, onWaiting: () => {} }, world);
    assert.equal(eventPictures, undefined, 'by default of a setup that says nothing there are no files');
    const pictures = openLatestPictures(blurFinder, world.tell);
    pictures.set('cam', picture, 0, people);
    const shown = () => pictures.get('cam').then((view) => view?.width, (error: FaultError) => error.fault.params.cause);
    assert.equal(await shown(), file === 'gone.onnx' ? 'CV_MODEL_MISSING' : 640);
    assert.equal(await shown(), file === 'gone.onnx' ? 'CV_MODEL_MISSING' : 640);
    await blurFinder?.close();
  }
  assert.deepEqual(told.flatMap((event) => (event.kind === 'fault' ? event.fault.code : [])), ['CV_EVIDENCE_UNBLURRED']);
});
