import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import type { PictureItem } from '../../item.ts';
import { PictureCounts } from '../picture-counts.ts';
import { CameraQueue, holdPicture, type QueuedPicture } from './camera-queue.ts';

function rig() {
  const told: TelemetryEvent[] = [];
  const released: number[] = [];
  const queue = new CameraQueue(new PictureCounts((event) => { told.push(event); }));
  const queued = (index: number, isHeld = false): QueuedPicture => {
    const item: PictureItem = { device: 'cam', at: index, observedAt: index, points: { persons: { unit: '{person}' } }, picture: { index, ptsMs: index, width: 2, height: 2, yuv: new Uint8Array(6), ...(isHeld && { hold: () => () => {} }) } };
    return { item, release: () => { released.push(index); } };
  };
  const rest = () => {
    const indices: number[] = [];
    for (let next = queue.shift(); next; next = queue.shift()) indices.push((next as QueuedPicture).item.picture.index);
    return indices;
  };
  return { queue, queued, rest, released, lost: () => told.flatMap((event) => (event.kind === 'samples_lost' ? [event.reason] : [])) };
}

test('the newest picture waits alone; the one before is dropped, counted and released', () => {
  const { queue, queued, rest, released, lost } = rig();
  for (const index of [0, 1, 2]) queue.push(queued(index));
  assert.deepEqual([released, lost()], [[0, 1], ['picture_late', 'picture_late']]);
  assert.deepEqual(rest(), [2]);
});

test('pictures that must not be lost all wait, beside one that may be', () => {
  const { queue, queued, rest, lost } = rig();
  queue.push(queued(0, true));
  queue.push(queued(1));
  queue.push(queued(2, true));
  assert.deepEqual([rest(), lost()], [[0, 1, 2], []]);
});

test('the picture that waits takes the place of the current one, unless one of the two must not be lost', () => {
  const { queue, queued, released } = rig();
  const current = queued(0);
  assert.equal(queue.replaceByNewer(current), false);
  queue.push(queued(1));
  assert.equal(queue.replaceByNewer(current), true);
  assert.deepEqual([current.item.picture.index, released], [1, [0]]);
  current.release();
  assert.deepEqual(released, [0, 1]);
  queue.push(queued(2, true));
  assert.equal(queue.replaceByNewer(current), false);
  queue.shift();
  queue.push(queued(3));
  assert.equal(queue.replaceByNewer(queued(4, true)), false);
});

test('a picture is held by its memory and its source, and both are let go of', () => {
  const held: string[] = [];
  const hold = (name: string) => () => {
    held.push(name);
    return () => { held.splice(held.indexOf(name), 1); };
  };
  const release = holdPicture({ index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6), hold: hold('source'), keep: hold('memory') });
  assert.deepEqual(held, ['source', 'memory']);
  release();
  assert.deepEqual(held, []);
});
