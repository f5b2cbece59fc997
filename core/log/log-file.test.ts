import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryDir } from '../testing/temp-dir.ts';
import { Engine } from './engine.ts';
import { LogFile } from './log-file.ts';

const FORM = { origins: false, checkpointPages: 100 };

test('the group that holds a number is found by any of its numbers, and by no other', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const path = join(dir, 'a.db');
  LogFile.prepare(path, FORM);
  const file = LogFile.start(path, 7, FORM);
  file.write([{ seq: 2, count: 3, payload: Buffer.from('a') }, { seq: 9, count: 1, payload: Buffer.from('b') }], {});
  assert.deepEqual([1, 2, 4, 5, 8, 9, 10].map((seq) => file.groupAt(seq)?.seq ?? null), [null, 2, 2, null, null, 9, null]);
  assert.deepEqual(file.extent(), { last: 9, lastAt: 0 });
  assert.equal(file.isEmpty, false);
  file.close();
});

test('an engine that never opened has done nothing', () => {
  assert.deepEqual(new Engine().stats(), { commits: 0, fsyncs: 0, checkpoints: 0, filesCreated: 0 });
});
