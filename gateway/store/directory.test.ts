import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogueOf, normaliser } from '../../city/catalogue/catalogue.ts';
import type { Columns } from '../../core/wire/columns.ts';
import { EventColumns } from '../../core/wire/event-columns.ts';
import { placesInOrder, PointsBuilder } from './block.ts';
import { Directory } from './directory.ts';

const DEVICES = ['a', 'b', 'c'];
const NAME = { from: 'edge-1', stream: 'measurement', epoch: 1, seq: 1 } as const;

const plain = (atMs: number, differs: Columns = {}): Columns => ({
  device: DEVICES,
  point: { all: 'v' },
  indicator: { all: 'BN-1' },
  centre: { all: '500112001' },
  kind: { all: 'measurement' },
  value: [1, -0, 2.5],
  unit: { all: '1' },
  occurredAt: { all: atMs },
  clock: { all: 'edge' },
  observedAt: { all: atMs },
  quality: { all: 'good' },
  origin: { all: 'live' },
  ...differs,
});

/** Each differs from what is plain in one way. */
const GROUPS: readonly Columns[] = [
  plain(1000),
  plain(2000),
  plain(2000, { quality: { all: 'uncertain' } }),
  plain(1500),
  plain(3000, { value: [1, null, 2], quality: ['good', 'bad', 'good'] }),
  plain(3000, { value: [true, false, 3] }),
  plain(4000, { flags: [['stale'], null, null] }),
  plain(4000, { unit: { all: 'kPa' } }),
  plain(5000, { subject: { all: 'mast' } }),
  plain(5000),
  plain(6000, { device: ['d', 'a', 'a'] }),
  plain(6000, { occurredAt: [6000, 5000, 6500] }),
  plain(7000, { centre: { all: '500112002' } }),
  plain(8000, { point: ['v', 'w', 'v'] }),
  plain(9000),
  plain(9500, { window: [null, { fromAt: 9000, toAt: 9500, count: 3, min: 1, max: 2 }, null] }),
  plain(9600, {
    gap: [{ stream: 'measurement', epoch: 1, fromSeq: 1, toSeq: 2, fromAt: 1, toAt: 2, count: 2, reason: 'log_damaged' }, null, null],
  }),
  plain(9700, { warning: [null, null, { id: 'w', rule: 'r', version: 1, subject: 's', level: 2, change: 'raised', onsetAt: 1 }] }),
  plain(9800),
];

test('a group of nothing but numbers of known series gives the same as its events looked at one by one', () => {
  const whole = new Directory(normaliser(catalogueOf([])), []);
  const each = new Directory(normaliser(catalogueOf([])), []);
  for (const columns of GROUPS) {
    const group = EventColumns.ofColumns(NAME, DEVICES.length, columns);
    const batches = [whole.batchOf([group]), each.batchOf([EventColumns.ofRows(NAME, group.events())])] as const;
    assert.deepEqual(batches[0], batches[1]);
    assert.deepEqual(whole.stored(batches[0]), each.stored(batches[1]));
    assert.deepEqual([...whole.all()], [...each.all()]);
  }
});

test('points are put in order by series and time, those of one time as they came', () => {
  const points = new PointsBuilder(8);
  for (const [id, at] of [[7, 5], [3, 9], [7, 4], [3, 9], [7, 5], [12, 1]] as const) points.number(id, at, 0, 0);
  assert.deepEqual([...placesInOrder(points.done())], [1, 3, 2, 0, 4, 5]);
  assert.deepEqual([...placesInOrder(new PointsBuilder(0).done())], []);
});
