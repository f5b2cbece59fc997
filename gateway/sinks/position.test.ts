import assert from 'node:assert/strict';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { SinkPosition, type StoredPosition } from './position.ts';

const reached = (seq: number): StoredPosition => ({ cursor: { epoch: 1, seq }, receivedAt: 1_760_000_000_000 + seq });

test('a place is found again; a file that is not ours begins anew, one that cannot be read says so', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'sinks', 'city.json');
  const place = await SinkPosition.open(path, 'city', reached(3), testWorld());
  place.move(reached(9));
  await place.close();
  assert.deepEqual((await SinkPosition.open(path, 'city', reached(0), testWorld())).reached, reached(9));
  for (const text of ['{', 'null', '{"cursor":"x"}', '{"v":1,"cursor":"1:2"}']) {
    await writeFile(path, text);
    assert.deepEqual((await SinkPosition.open(path, 'city', reached(4), testWorld())).reached, reached(4), text);
  }
  const folder = join(dir, 'folder.json');
  await mkdir(folder);
  await assert.rejects(SinkPosition.open(folder, 'city', reached(0), testWorld()), (error: FaultError) => {
    assert.deepEqual([error.fault.code, error.fault.params.sink, error.fault.params.path], ['CV_SINK_UNSAVED', 'city', folder]);
    return /EISDIR/.test(String(error.fault.params.detail));
  });
});

test('a disk that fails is told once, tried again with the next move, and cleared', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const world = testWorld();
  const path = join(dir, 'city.json');
  const place = await SinkPosition.open(path, 'city', reached(0), world);
  await mkdir(`${path}.new`);
  for (const seq of [1, 2]) {
    place.move(reached(seq));
    await place.save();
  }
  await rmdir(`${path}.new`);
  place.move(reached(3));
  await place.save();
  assert.deepEqual(
    world.told.map((event) => [event.kind, event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' && event.code]),
    [
      ['fault', 'CV_SINK_UNSAVED'],
      ['fault_cleared', 'CV_SINK_UNSAVED'],
    ],
  );
  assert.equal((JSON.parse(await readFile(path, 'utf8')) as { receivedAt: number }).receivedAt, reached(3).receivedAt);
  await place.close();
});
