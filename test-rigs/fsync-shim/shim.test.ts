import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { fsyncCounts, shimAvailable, slowDisk } from './shim.ts';

const PROGRAM = `
const fs = require('node:fs');
const { DatabaseSync } = require('node:sqlite');
const [dir] = process.argv.slice(1);
const said = (work) => { const from = performance.now(); let code = 'ok'; try { work(); } catch (error) { code = error.code === 'ERR_SQLITE_ERROR' ? error.errcode & 0xff : error.code; } return { code, ms: performance.now() - from }; };
const fd = fs.openSync(dir + '/slow-one', 'w');
const file = said(() => fs.fsyncSync(fd));
const other = said(() => fs.fdatasyncSync(fs.openSync(dir + '/other', 'w')));
const db = new DatabaseSync(dir + '/slow-two.db');
const sqlite = said(() => db.exec('CREATE TABLE t (x)'));
console.log(JSON.stringify({ file, other, sqlite }));
`;

test(
  'fsync and fdatasync of Node and SQLite are slowed, failed, chosen by path and counted',
  { skip: (await shimAvailable()) ? false : 'gcc is not installed' },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'cityvitals-shim-'));
    const count = join(dir, 'count');
    const run = async (disk: Parameters<typeof slowDisk>[0]) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM, dir], {
        env: { ...process.env, ...(await slowDisk(disk)) },
      });
      return JSON.parse(stdout) as Record<'file' | 'other' | 'sqlite', { code: string | number; ms: number }>;
    };
    const slow = await run({ delayMs: 30, path: 'slow-', count });
    assert.deepEqual([slow.file.code, slow.other.code, slow.sqlite.code], ['ok', 'ok', 'ok']);
    assert.ok(slow.file.ms >= 29 && slow.sqlite.ms >= 29, JSON.stringify(slow));
    const { calls } = fsyncCounts(count);
    assert.ok(calls >= 2);
    await rm(join(dir, 'slow-two.db'));
    const failing = await run({ errno: 5, path: 'slow-', count });
    assert.deepEqual([failing.file.code, failing.other.code, failing.sqlite.code], ['EIO', 'ok', 10]);
    assert.ok(fsyncCounts(count).calls > calls && fsyncCounts(count).failed >= 2);
    await rm(join(dir, 'slow-two.db'), { force: true });
    const gate = join(dir, 'gate');
    assert.equal((await run({ errno: 28, while: gate })).file.code, 'ok');
    writeFileSync(gate, '');
    assert.equal((await run({ errno: 28, while: gate })).file.code, 'ENOSPC');
    await rm(dir, { recursive: true });
  },
);
