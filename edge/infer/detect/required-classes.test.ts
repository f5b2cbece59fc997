import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settings } from '../../../drivers/camera/settings.ts';
import { requiredClasses } from './required-classes.ts';

const camera = (more: object) => settings.parse({ url: 'rtsp://192.168.1.64/', ...more });
const ALWAYS = ['bus', 'car', 'motorcycle', 'person', 'truck'];
const polygon = [[0, 0], [1, 0], [1, 1]];

test('people and vehicles are asked for by every camera, other classes by the zone, line or indicator that names them', () => {
  assert.deepEqual(requiredClasses([camera({})]), ALWAYS);
  assert.deepEqual(requiredClasses([{}, undefined]), ALWAYS);
  const zones = [
    { id: 'gate', polygon, count: ['dog'], removed: { of: ['fire hydrant'] } },
    { id: 'hall', polygon, abandoned: {}, present: [{ id: 'cat', of: ['cat'] }] },
  ];
  const lines = [{ id: 'way', from: [0, 0.5], to: [1, 0.5], inside: [0.5, 1], of: ['bicycle'] }];
  const asked = requiredClasses([camera({ zones }), camera({ lines }), camera({ indicators: { horse: 'SH-CRD-003' } })]);
  for (const name of ['dog', 'fire hydrant', 'cat', 'bicycle', 'horse', 'backpack', 'suitcase', ...ALWAYS])
    assert.ok(asked.includes(name), name);
});
