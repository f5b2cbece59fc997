import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { logFileBytes, logFileName, parseLogFileName, PREPARED_FILE_BYTES } from './file-name.ts';
import { LogFile } from './log-file.ts';

test('a name says its chain, epoch and first number, and nothing else is a name', () => {
  assert.deepEqual(logFileName('state', 1_760_000_000_000, 12), {
    name: 'state-1760000000000-12.db',
    epoch: 1_760_000_000_000,
    first: 12,
  });
  assert.deepEqual(parseLogFileName('state-1760000000000-12.db'), {
    name: 'state-1760000000000-12.db',
    chain: 'state',
    epoch: 1_760_000_000_000,
    first: 12,
  });
  for (const other of ['state-1.db', 'state-1-2.db-wal', 'x/state-1-2.db', 'State-1-2.db', `state-${'1'.repeat(17)}-2.db`, 'next.db'])
    assert.equal(parseLogFileName(other), null, other);
});

test('a file is a sixteenth of the log, from 64 KB to 64 MB, unless another size is asked for', () => {
  const sixteen = 16;
  assert.deepEqual(
    [0, (64 << 10) * sixteen, (64 << 10) * sixteen + 31, (64 << 20) * sixteen - sixteen, (64 << 20) * sixteen, 1e15].map((maxBytes) =>
      logFileBytes(maxBytes),
    ),
    [64 << 10, 64 << 10, (64 << 10) + 1, (64 << 20) - 1, 64 << 20, 64 << 20],
  );
  assert.equal(logFileBytes(1e15, 5), 5);
});

test('what is reserved for the next file is the size of an empty one', async (t) => {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  LogFile.create(join(dir, 'next.db'), { origins: true, checkpointPages: 8 });
  assert.equal(statSync(join(dir, 'next.db')).size, PREPARED_FILE_BYTES);
});
