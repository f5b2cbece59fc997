import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import driver from '../../../drivers/camera/driver.ts';
import { settings } from '../../../drivers/camera/settings.ts';
import { realFiles } from '../../../core/world.ts';
import type { OpenDevice } from '../../read/host-device.ts';
import { MODELS } from '../../../models/index.ts';
import { verifyModel } from '../../../models/verify.ts';
import { CameraDetectors } from './camera-detectors.ts';

const model = MODELS.find(({ id }) => id === 'centernet-320');
const skip = model && !(await verifyModel(model, realFiles)) ? false : 'the graph is not made yet (node models/convert/main.ts)';
const camera = (id: string, more: object = {}) =>
  ({ driver, setup: { id, settings: settings.parse({ url: 'rtsp://192.168.1.64/', ...more }) } }) as unknown as OpenDevice;
const dogs = {
  zones: [
    {
      id: 'gate',
      polygon: [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
      count: ['dog'],
    },
  ],
};

test(
  'a camera that asks for more of a model gives those that share it another graph; they go on with what they have seen',
  { skip },
  async (t) => {
    let loaded = 0;
    const detectors = new CameraDetectors(
      async () => MODELS,
      {},
      {
        ...testWorld(),
        files: realFiles,
        tell: (event) => {
          if (event.kind === 'notice') loaded += 1;
        },
      },
    );
    t.after(() => detectors.close());
    const turn = async (...devices: OpenDevice[]) => {
      const prepared = await detectors.prepare(devices);
      prepared.swap();
      await prepared.finish();
      return devices.map(({ setup }) => detectors.byDevice.get(setup.id));
    };
    const [first] = await turn(camera('a'));
    const [same, other] = await turn(camera('a'), camera('b'));
    assert.equal(same?.detector, first?.detector, 'one more that asks for the same changes nothing');
    assert.notEqual(other?.pipeline, first?.pipeline);
    const [again, changed] = await turn(camera('a'), camera('b', dogs));
    assert.notEqual(again?.detector, first?.detector);
    assert.equal(again?.pipeline, first?.pipeline);
    assert.notEqual(changed?.pipeline, other?.pipeline, 'its own settings are others');
    await assert.rejects(first?.detector.detect({ index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) }) ?? Promise.resolve(), {
      message: /centernet-320/,
    });
    assert.equal(loaded, 2, 'a graph for each of what was asked');
    const [kept, , third] = await turn(camera('a'), camera('b', dogs), camera('c'));
    assert.equal(kept?.detector, again?.detector);
    assert.ok(third);
    assert.equal(loaded, 2, 'who comes later and asks for less shares the graph that is there');
  },
);
