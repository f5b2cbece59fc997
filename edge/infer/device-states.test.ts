import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError, type Fault, type FaultCode } from '../../core/faults.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceState } from '../../core/wire/messages.ts';
import type { Detector } from '../../models/detector.ts';
import '../../drivers/faults.ts';
import { infer } from './line.ts';
import { cameraPipeline } from './camera-pipeline.ts';
import { withDetectorFaults } from './device-states.ts';

const camera = (more: Partial<DeviceState> = {}): DeviceState => ({
  id: 'cam',
  driver: 'camera',
  online: true,
  reason: 'ok',
  lastAt: 1,
  pictures: true,
  ...more,
});

function rig(told?: Fault) {
  let fails: FaultCode | null = null;
  const detector: Detector = {
    model: 'm', provider: 'cpu', close: async () => {},
    detect: async () => {
      if (fails) throw new FaultError(fails, { model: 'm', detail: 'd', problem: 'p' });
      return { boxes: [], durationMs: 1 };
    },
  };
  const station = infer(new Map([['cam', { detector, pipeline: cameraPipeline({}), ...(told && { fault: told }) }]]), testWorld());
  const look = async (fault: FaultCode | null) => {
    fails = fault;
    station.take?.(
      [{ device: 'cam', at: 1, observedAt: 1, points: {}, picture: { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) } }],
      () => {},
    );
    await settle();
  };
  return { look, reasons: (...states: DeviceState[]) => withDetectorFaults(states, station).map(({ reason }) => reason) };
}

test('a camera whose model fails has that for a reason until a picture was looked at again', async () => {
  const { look, reasons } = rig();
  assert.deepEqual(reasons(camera()), ['ok']);
  await look('CV_MODEL_OUTPUT');
  assert.deepEqual(reasons(camera({ reason: 'CV_CAMERA_SOFTWARE' })), ['CV_MODEL_OUTPUT']);
  await look('CV_DETECTOR_DIED');
  assert.deepEqual(reasons(camera()), ['CV_DETECTOR_DIED']);
  await look(null);
  assert.deepEqual(reasons(camera(), camera({ reason: 'CV_CAMERA_SOFTWARE' })), ['ok', 'CV_CAMERA_SOFTWARE']);
});

test('one whose model could not be opened says so before its first picture', async () => {
  const { look, reasons } = rig({ code: 'CV_MODEL_NOT_PULLED', params: { model: 'm', path: 'm.onnx' } });
  assert.deepEqual(reasons(camera()), ['CV_MODEL_NOT_PULLED']);
  await look(null);
  assert.deepEqual(reasons(camera()), ['ok']);
});

test('one that does not answer says that, and no other device is concerned', async () => {
  const { look, reasons } = rig();
  await look('CV_MODEL_OUTPUT');
  const { pictures: _pictures, ...plc } = camera();
  assert.deepEqual(reasons(camera({ online: false, reason: 'CV_LINK_REFUSED' }), camera({ id: 'other' }), plc), [
    'CV_LINK_REFUSED',
    'ok',
    'ok',
  ]);
});
