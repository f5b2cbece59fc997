import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError, type Fault } from '../../../core/faults.ts';
import { VirtualClock } from '../../../core/testing/virtual-clock.ts';
import type { Detector } from '../../../models/detector.ts';
import { retryingDetector } from './retrying-detector.ts';

const picture = { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) };
const missing: Fault = { code: 'CV_MODEL_NOT_PULLED', params: { model: 'm', path: 'm.onnx' } };

test('a model that comes later is taken when it is there; until then each picture says what is wrong now', async () => {
  const clock = new VirtualClock();
  let closed = 0;
  let tries = 0;
  let wrong: Fault | null = { code: 'CV_MODEL_HASH', params: { model: 'm', path: 'm.onnx', got: 'a', want: 'b' } };
  const real: Detector = {
    model: 'm',
    provider: 'cpu',
    detect: async () => ({ boxes: [], durationMs: 1 }),
    close: async () => {
      closed += 1;
    },
  };
  const detector = retryingDetector(
    'm',
    missing,
    async () => {
      tries += 1;
      if (wrong) throw new FaultError(wrong.code, wrong.params);
      return real;
    },
    clock,
  );
  const look = () =>
    detector.detect(picture).then(
      () => 'seen',
      (error: FaultError) => error.fault.code,
    );
  assert.deepEqual([await look(), await look(), tries], ['CV_MODEL_NOT_PULLED', 'CV_MODEL_NOT_PULLED', 0]);
  await clock.advanceMs(15_000);
  assert.deepEqual([await look(), await look(), tries], ['CV_MODEL_HASH', 'CV_MODEL_HASH', 1]);
  wrong = null;
  await clock.advanceMs(15_000);
  assert.deepEqual([await look(), await look(), tries, detector.provider], ['seen', 'seen', 2, 'cpu']);
  await detector.close();
  assert.equal(closed, 1);
});

test('one that is closed meanwhile leaves nothing open', async () => {
  const clock = new VirtualClock();
  let closed = 0;
  let come = () => {};
  const detector = retryingDetector(
    'm',
    missing,
    () =>
      new Promise<Detector>((resolve) => {
        come = () =>
          resolve({
            model: 'm',
            provider: 'cpu',
            detect: async () => ({ boxes: [], durationMs: 1 }),
            close: async () => {
              closed += 1;
            },
          });
      }),
    clock,
  );
  await clock.advanceMs(15_000);
  const looked = assert.rejects(detector.detect(picture), (error: FaultError) => error.fault.code === 'CV_MODEL_NOT_PULLED');
  await detector.close();
  come();
  await looked;
  assert.equal(closed, 1);
});
