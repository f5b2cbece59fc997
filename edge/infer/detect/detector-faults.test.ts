import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../../core/faults.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import type { PictureItem } from '../../item.ts';
import { cameraPipeline } from '../camera-pipeline.ts';
import { PictureCounts } from '../picture-counts.ts';
import { DetectorFaults } from './detector-faults.ts';

const ITEM: PictureItem = {
  device: 'cam', at: 1, observedAt: 2, points: { persons: { unit: '{person}' }, video: { unit: '' } },
  picture: { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) },
};
const fault = (code: Fault['code']): Fault => ({ code, params: { model: 'm' } });

function rig(first?: Fault) {
  const told: TelemetryEvent[] = [];
  const tell = (event: TelemetryEvent) => { told.push(event); };
  const detector = { model: 'm', provider: 'cpu', detect: async () => ({ boxes: [], durationMs: 0 }), close: async () => {} };
  const faults = new DetectorFaults(new Map([['cam', { detector, pipeline: cameraPipeline({}), ...(first && { fault: first }) }]]), new PictureCounts(tell), tell);
  const kinds = () => told.splice(0).map((event) => (event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' ? `-${event.code}` : event.kind));
  return { faults, kinds };
}

test('a fault is told once, and in the place of another; a success clears it', () => {
  const { faults, kinds } = rig();
  assert.equal(faults.of('cam'), null);
  faults.failed(ITEM, fault('CV_DETECTOR_DIED'));
  assert.deepEqual(kinds(), ['CV_DETECTOR_DIED', 'samples_lost']);
  faults.failed(ITEM, fault('CV_MODEL_OUTPUT'));
  assert.deepEqual(kinds(), ['-CV_DETECTOR_DIED', 'CV_MODEL_OUTPUT', 'samples_lost', 'samples_read']);
  assert.equal(faults.of('cam')?.code, 'CV_MODEL_OUTPUT');
  faults.succeeded('cam');
  assert.deepEqual([kinds(), faults.of('cam')], [['-CV_MODEL_OUTPUT'], null]);
});

test('counts are unknown from the second failure in a row, and said so once; video quality is not one of them', () => {
  const { faults } = rig();
  const given = [1, 2, 3].map(() => faults.failed(ITEM, fault('CV_MODEL_OUTPUT')).map(({ point, value, quality }) => [point, value, quality]));
  assert.deepEqual(given, [[], [['persons', null, 'bad']], []]);
  faults.succeeded('cam');
  assert.deepEqual(faults.failed(ITEM, fault('CV_MODEL_OUTPUT')), []);
});

test('a detector that could not be opened has its fault before the first picture, and it is not told again', () => {
  const { faults, kinds } = rig(fault('CV_MODEL_NOT_PULLED'));
  assert.equal(faults.of('cam')?.code, 'CV_MODEL_NOT_PULLED');
  faults.failed(ITEM, fault('CV_MODEL_NOT_PULLED'));
  assert.deepEqual(kinds(), ['samples_lost']);
});
