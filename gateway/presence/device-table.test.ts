import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { DeviceTable, MAX_DEVICES_OF_EDGE } from './device-table.ts';
import { PresenceRegistry } from './registry.ts';

const CENTRE = '500112001';

test('an edge fills no more than its part of the list, is told so once, and keeps nobody else out', async () => {
  const world = testWorld();
  const registry = new PresenceRegistry({ path: null, edges: [], centre: CENTRE }, world);
  await registry.open();
  const say = (edge: string, count: number) => registry.noteState({
    v: 1, edge, centre: CENTRE, online: true,
    devices: Array.from({ length: count }, (_, at) => ({ id: `${edge}-${at}`, driver: 'modbus', online: true, reason: '', lastAt: null })),
  }, CENTRE);
  say('bad', 20_000);
  say('bad', 20_000);
  say('good', 5);
  assert.equal(registry.devices().filter(({ edge }) => edge === 'bad').length, MAX_DEVICES_OF_EDGE);
  assert.equal(registry.device('good-4')?.edge, 'good');
  assert.equal(world.told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_EDGE_DEVICES').length, 1);
  say('bad', 3);
  assert.equal(registry.devices().length, 8);
  await registry.close();
});

test('what an edge says walks its own devices alone', () => {
  const table = new DeviceTable<{ edge: string }>();
  table.set('a1', { edge: 'a' });
  table.set('a2', { edge: 'a' });
  table.set('b1', { edge: 'b' });
  table.set('a2', { edge: 'b' });
  assert.deepEqual([[...table.ofEdge('a')].map(([id]) => id), [...table.ofEdge('b')].map(([id]) => id)], [['a1'], ['b1', 'a2']]);
  // Deleted while it is walked.
  for (const [id] of table.ofEdge('b')) table.delete(id);
  assert.deepEqual([[...table].length, [...table.ofEdge('b')].length], [1, 0]);
});
