/** The whole way on real footage, nothing dropped: camera driver → detector → samples, against what a person counted. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FaultError } from '../../core/faults.ts';
import type { Sample } from '../../core/sample.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { realWorld } from '../../core/world.ts';
import driver from '../../drivers/camera/driver.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings } from '../../drivers/camera/settings.ts';
import { MODELS, modelById } from '../../models/index.ts';
import { verifyModel } from '../../models/verify.ts';
import { infer } from './line.ts';
import { openDetectors } from './detect/open-detectors.ts';

const CLIP = sharedFolder('footage', 'vtest.avi');
const TRUTH = sharedFolder('footage', 'FOOTAGE.tsv');
const world = realWorld(() => {});
const model = modelById('centernet-320');
const graphFault = model ? await verifyModel(model, world.files) : null;

/** "0=3 100=7 …" of the clip's row: frame number → people. */
function countedByEye(): Map<number, number> {
  const row = readFileSync(TRUTH as string, 'utf8').split('\n').find((line) => line.startsWith('vtest.avi\t')) ?? '';
  return new Map([...row.matchAll(/\b(\d+)=(\d+)\b/g)].map(([, frame, people]) => [Number(frame), Number(people)]));
}

for (const size of [{}, { width: 320, height: 320 }]) {
  const name = 'width' in size ? `pictures of ${size.width} × ${size.height}` : "pictures as large as the clip's";
  test(
    `${name}: persons within 1 of the count by eye on 6 of 8 frames at least, and a car`,
    { skip: graphFault ? graphFault.code : skipWithout(CLIP && TRUTH, 'vtest.avi') },
    async () => {
      const truth = countedByEye();
      assert.deepEqual([...truth.keys()], [0, 100, 200, 300, 400, 500, 600, 700]);
      // The clip has 10 pictures a second: one every 10 s is frames 0, 100 … 700.
      const camera = settings.parse({ url: `file:${CLIP}`, fps: 0.1, speed: 'max', ...size });
      const detectors = await openDetectors([{ id: 'cam', settings: camera }], MODELS, world);
      const station = infer(detectors.byDevice, world);
      const samples: Sample[] = [];
      const complete = Promise.withResolvers<void>();
      const link = await open(camera, [], world);
      try {
        for await (const frame of link.frames(new AbortController().signal)) {
          const decoded = driver.decode(frame);
          assert.ok(decoded.ok && decoded.picture);
          const at = decoded.picture.takenAt ?? 0;
          station.take?.([{ device: 'cam', picture: decoded.picture, at, observedAt: at, points: driver.points ?? {} }], (items) => {
            samples.push(...items);
            if (samples.filter(({ point }) => point === 'occupancy').length === truth.size) complete.resolve();
          });
        }
      } catch (error) {
        assert.equal((error as FaultError).fault?.code, 'CV_VIDEO_ENDED');
        await complete.promise; // of the pictures that were still in hand when the clip ended
      } finally {
        await link.close();
        await station.close?.();
        await detectors.close();
      }
      const of = (point: string) => samples.filter((sample) => sample.point === point);
      const persons = of('persons').map(({ value }) => value as number);
      const right = [...truth.values()].filter((people, at) => Math.abs(people - (persons[at] ?? NaN)) <= 1).length;
      assert.ok(right >= 6, `persons ${persons.join()}, ${[...truth.values()].join()} by eye`);
      assert.ok(
        of('vehicles').some((sample) =>
          sample.evidence?.some((one) => one.kind === 'boxes' && one.boxes.some((box) => box.class === 'car')),
        ),
      );
      assert.ok(of('occupancy').every(({ value }) => (value as number) > 0 && (value as number) < 50));
      if (process.env.CITYVITALS_SHOW)
        console.log(
          name,
          persons.join(),
          of('vehicles')
            .map(({ value }) => value)
            .join(),
          of('occupancy')
            .map(({ value }) => value)
            .join(),
        );
    },
  );
}
