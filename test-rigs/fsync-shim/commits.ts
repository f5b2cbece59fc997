/**
 * Makes commits and says on stdout how many forced writes the shim had counted after each: `commits.ts WHAT DIR COUNTERS`.
 * Started by the test beside it, with the shim before libc.
 */
import { join } from 'node:path';
import { HeadFile } from '../../log/folder.ts';
import { LogFile } from '../../log/log-file.ts';
import { SqliteFile } from '../../gateway/sqlite/file.ts';
import { firstVersion } from '../../gateway/sqlite/migrations.ts';
import { fsyncCounts } from './shim.ts';

const [, , what = '', dir = '', counters = ''] = process.argv;
const FORM = { origins: false, checkpointPages: 1000 };
const COMMITS = 5;
const calls: number[] = [];
const count = () => { calls.push(fsyncCounts(counters).calls); };

const WORK: Record<string, () => void> = {
  log() {
    const path = join(dir, 'a.db');
    LogFile.prepare(path, FORM);
    const file = LogFile.start(path, 1, FORM);
    count();
    for (let seq = 1; seq <= COMMITS; seq += 1) {
      file.write([{ seq, count: 1, payload: Buffer.from('x') }], {});
      count();
    }
    file.seal();
    count();
  },
  prepared() {
    count();
    LogFile.prepare(join(dir, 'a.db'), FORM);
    count();
  },
  database: () => commitTo(new SqliteFile(join(dir, 'a.db'), firstVersion('CREATE TABLE t (x)'))),
  shared: () => commitTo(new SqliteFile(join(dir, 'a.db'), firstVersion('CREATE TABLE t (x)'), { shared: true })),
  head() {
    const head = new HeadFile(dir, {});
    count();
    for (const monotonicMs of [0, 1, 4999, 5000, 9999]) {
      head.put('state', 1, monotonicMs, monotonicMs);
      count();
    }
    head.close();
    count();
  },
};

function commitTo(file: SqliteFile): void {
  file.open(() => {});
  count();
  for (let x = 1; x <= COMMITS; x += 1) {
    file.transaction((db) => { db.exec(`INSERT INTO t VALUES (${x})`); });
    count();
  }
  file.close();
}

WORK[what]?.();
process.stdout.write(JSON.stringify(calls));
