/** The library itself: what a process forced is there after its kill, and nothing else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { canCompile } from '../fsync-shim/compile.ts';
import { ForcedFolder } from './forced.ts';

const skip = (await canCompile()) ? false : 'gcc is not installed';

/** Runs a program in a folder on such a disk until it says that it is done, kills it, and loses what was not forced. */
async function killed(t: TestContext, program: string, prepare: (root: string) => void = () => {}, not?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'cityvitals-forced-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const root = join(dir, 'root');
  mkdirSync(root);
  prepare(root);
  const folder = new ForcedFolder(root, join(dir, 'kept'), not);
  const started = `const fs = require('node:fs'); const fsp = fs.promises; const { DatabaseSync } = require('node:sqlite');
    const force = (path) => { const fd = fs.openSync(path, 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
    (async () => { ${program}; process.stdout.write('done'); setInterval(() => {}, 1000); })();`;
  const child = spawn(process.execPath, ['-e', started], {
    cwd: root,
    env: { ...process.env, ...(await folder.env()) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = new Promise((resolve) => {
    child.once('close', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
  });
  child.kill('SIGKILL');
  await end;
  const lost = folder.lose();
  return { root, lost, text: (name: string) => readFileSync(join(root, name), 'utf8'), names: () => readdirSync(root).toSorted() };
}

test('bytes written by write, pwrite, writev, appendFile and ftruncate are there with fsync or fdatasync alone', { skip }, async (t) => {
  const { text, lost } = await killed(
    t,
    `
    for (const name of ['write', 'pwrite', 'writev', 'ftruncate', 'thread']) for (const how of ['lost', 'fsync', 'fdatasync']) {
      const fd = fs.openSync(name + '-' + how, 'r+');
      if (name === 'write') fs.writeSync(fd, 'new');
      if (name === 'pwrite') fs.writeSync(fd, 'new', 1);
      if (name === 'writev') fs.writevSync(fd, [Buffer.from('n'), Buffer.from('ew')], 2);
      if (name === 'ftruncate') fs.ftruncateSync(fd, 1);
      if (name === 'thread') await new Promise((resolve) => fs.write(fd, Buffer.from('new'), 0, 3, 0, resolve));
      if (how === 'fsync') fs.fsyncSync(fd);
      if (how === 'fdatasync') await new Promise((resolve) => fs.fdatasync(fd, resolve));
    }
    const append = await fsp.open('append-lost', 'a'); await append.appendFile('new');
    const appended = await fsp.open('append-fdatasync', 'a'); await appended.appendFile('new'); await appended.datasync(); await appended.appendFile('more');`,
    (root) => {
      for (const name of ['write', 'pwrite', 'writev', 'ftruncate', 'thread', 'append'])
        for (const how of ['lost', 'fsync', 'fdatasync']) writeFileSync(join(root, `${name}-${how}`), 'old bytes');
    },
  );
  const after: Record<string, string> = {
    write: 'new bytes',
    pwrite: 'onewbytes',
    writev: 'olnewytes',
    ftruncate: 'o',
    thread: 'new bytes',
  };
  for (const [name, content] of Object.entries(after))
    assert.deepEqual([text(`${name}-lost`), text(`${name}-fsync`), text(`${name}-fdatasync`)], ['old bytes', content, content]);
  assert.deepEqual([text('append-lost'), text('append-fdatasync')], ['old bytes', 'old bytesnew']);
  assert.deepEqual(lost, { names: 0, files: 7, pages: 7 });
});

test('names made, changed and removed are as they were unless their folder was forced, and so are folders', { skip }, async (t) => {
  for (const forced of [false, true]) {
    const { names, text, root } = await killed(
      t,
      `
      const fd = fs.openSync('made', 'w'); fs.writeSync(fd, 'made'); fs.fsyncSync(fd);
      fs.writeFileSync('unforced', 'text');
      fs.renameSync('before', 'after');
      fs.unlinkSync('removed');
      fs.renameSync('replacement', 'replaced');
      fs.mkdirSync('folder/new', { recursive: true }); fs.writeFileSync('folder/new/file', 'x', { flush: true });
      ${forced ? "force('folder/new'); force('folder'); force('.');" : ''}`,
      (dir) => {
        for (const name of ['before', 'removed', 'replaced', 'replacement']) writeFileSync(join(dir, name), name, { mode: 0o600 });
      },
    );
    if (!forced) assert.deepEqual([names(), text('replaced')], [['before', 'removed', 'replaced', 'replacement'], 'replaced']);
    else {
      assert.deepEqual(
        [names(), text('replaced'), text('after'), text('made')],
        [['after', 'folder', 'made', 'replaced', 'unforced'], 'replacement', 'before', 'made'],
      );
      // Its name was forced and it itself was not.
      assert.deepEqual([text('unforced'), text('folder/new/file')], ['', 'x']);
    }
    assert.equal(statSync(join(root, 'replaced')).mode & 0o777, 0o600);
  }
});

test(
  'a folder whose name was forced and whose own list was not is empty; a file behind an unforced folder is gone with it',
  { skip },
  async (t) => {
    const { names, root } = await killed(
      t,
      `
    fs.mkdirSync('named'); fs.writeFileSync('named/file', 'x', { flush: true }); force('.');
    fs.mkdirSync('unnamed'); fs.writeFileSync('unnamed/file', 'x', { flush: true }); force('unnamed');`,
    );
    assert.deepEqual([names(), readdirSync(join(root, 'named'))], [['named'], []]);
  },
);

test('an open file that has no name any more comes back as it was last forced', { skip }, async (t) => {
  const { text } = await killed(
    t,
    "const fd = fs.openSync('file', 'r+'); fs.unlinkSync('file'); fs.writeSync(fd, 'new'); fs.fsyncSync(fd); fs.writeSync(fd, 'lost');",
    (root) => writeFileSync(join(root, 'file'), 'old bytes'),
  );
  assert.equal(text('file'), 'new bytes');
});

test(
  'what SQLite commits with synchronous=FULL is there, with OFF it is not, with readers beside it in a shared index as well',
  { skip },
  async (t) => {
    const rows = (root: string) => {
      const db = new DatabaseSync(join(root, 'a.db'));
      const { n } = db.prepare('SELECT count(*) AS n FROM t').get() as { n: number };
      assert.deepEqual(
        db
          .prepare('PRAGMA integrity_check')
          .all()
          .map((row) => Object.values(row)),
        [['ok']],
      );
      db.close();
      return n;
    };
    for (const [synchronous, locking, expected] of [
      ['FULL', 'EXCLUSIVE', 300],
      ['FULL', 'NORMAL', 300],
      ['OFF', 'EXCLUSIVE', 0],
      ['NORMAL', 'NORMAL', 0],
    ] as const) {
      const { root } = await killed(
        t,
        `
      const db = new DatabaseSync('a.db');
      db.exec('PRAGMA journal_mode=WAL; PRAGMA locking_mode=${locking}; PRAGMA synchronous=${synchronous}; PRAGMA wal_autocheckpoint=40');
      const insert = db.prepare('INSERT INTO t VALUES (randomblob(3000))');
      for (let n = 0; n < ${expected || 5}; n += 1) insert.run();`,
        (dir) => {
          const db = new DatabaseSync(join(dir, 'a.db'));
          db.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x)');
          db.close();
        },
      );
      assert.equal(rows(root), expected, `${synchronous}, ${locking}`);
    }
  },
);

test('forced writes that count as nothing are lost, chosen by path', { skip }, async (t) => {
  const { names } = await killed(
    t,
    "for (const name of ['one', 'two']) fs.mkdirSync(name); force('.'); for (const name of ['one', 'two']) { fs.writeFileSync(name + '/file', 'x', { flush: true }); force(name); }",
    () => {},
    'two',
  );
  assert.deepEqual(names(), ['one', 'two']);
  const { root } = await killed(
    t,
    "fs.writeFileSync('one/file', 'x', { flush: true }); force('one'); fs.writeFileSync('two/file', 'x', { flush: true }); force('two');",
    (dir) => {
      mkdirSync(join(dir, 'one'));
      mkdirSync(join(dir, 'two'));
    },
    'two',
  );
  assert.deepEqual(
    ['one', 'two'].map((name) => existsSync(join(root, name, 'file'))),
    [true, false],
  );
});
