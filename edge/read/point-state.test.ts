import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PointValue } from '../../core/driver.ts';
import type { PointSetup } from '../config/setup.ts';
import { PointState } from './point-state.ts';

const setup: PointSetup = {
  id: 'level',
  indicator: 'T',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement',
  own: { id: 'level' },
};
const said = (value: PointValue['value'], more: Partial<PointValue> = {}): PointValue => ({ point: 'level', value, ...more });

test('it remembers what was said last, whole, but for the device\'s own time', () => {
  const memory = new PointState(setup, 5);
  assert.deepEqual([memory.last, memory.isBad, memory.isStale, memory.refreshedMs], [null, false, false, 5]);
  for (const [value, kept] of [
    [said(3), said(3)],
    [said(4, { deviceAt: 99 }), said(4)],
    [said('on'), said('on')],
    [said('off', { deviceAt: 99 }), said('off')],
    [said(null, { deviceAt: 7 }), said(null)],
    [said(5, { quality: 'bad', flags: ['comm'], deviceAt: 99 }), said(5, { quality: 'bad', flags: ['comm'] })],
    [said(6, { window: { fromAt: 0, toAt: 1, count: 1 } }), said(6, { window: { fromAt: 0, toAt: 1, count: 1 } })],
    [said(7, { unit: 'cm' }), said(7, { unit: 'cm' })],
    [said(8, { origin: 'backfill' }), said(8, { origin: 'backfill' })],
    [said(9, { evidence: [] }), said(9, { evidence: [] })],
    [said(10), said(10)],
  ] as const) {
    memory.accept(value, 20);
    assert.deepEqual(memory.last, kept);
    assert.equal(memory.isBad, kept.quality === 'bad');
  }
  assert.equal(memory.refreshedMs, 20);
});

test('a value that comes ends its staleness; a picture ends what was said before it; a changed setup is taken over', () => {
  const memory = new PointState(setup, 0);
  memory.isStale = true;
  memory.accept(said('x'), 10);
  assert.equal(memory.isStale, false);
  memory.isStale = true;
  memory.pictureReceived(30);
  assert.deepEqual([memory.last, memory.isStale, memory.refreshedMs], [null, false, 30]);
  memory.update({ ...setup, unit: 'cm' });
  assert.deepEqual([memory.unit, memory.setup.unit, memory.id], ['cm', 'cm', 'level']);
});
