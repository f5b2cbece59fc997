/** The command under a Node that is too old: it goes on with the one that npm brought, or says what is missing; never a stack trace. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';

const ROOT = join(import.meta.dirname, '..');
/** This Node says that it is another. */
const OLD = `data:text/javascript,${encodeURIComponent('const { versions } = process; Object.defineProperty(process, "versions", { value: { ...versions, node: "20.20.2" } }); Object.defineProperty(process, "version", { value: "v20.20.2" });')}`;

function run(bin: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', OLD, bin, ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

const brought = join(ROOT, 'node_modules', `node-linux-${process.arch}`);

test(
  'with the Node 24 of its own packages the command goes on, with its arguments and its exit code',
  { skip: !existsSync(brought) && 'npm brought no Node 24 for this machine' },
  async () => {
    const bin = join(ROOT, 'bin', 'cityvitals.js');
    const helped = await run(bin, '--help', '--lang', 'en');
    assert.deepEqual([helped.code, helped.stderr], [0, '']);
    assert.match(helped.stdout, /^Usage: cityvitals/);
    assert.equal((await run(bin, 'decode', 'modbus', '--hex', '00')).code, 1);
  },
);

test('without it the command says in both languages what is missing', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await mkdir(join(dir, 'bin'));
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  await copyFile(join(ROOT, 'bin', 'cityvitals.js'), join(dir, 'bin', 'cityvitals.js'));
  const { code, stdout, stderr } = await run(join(dir, 'bin', 'cityvitals.js'), '--help');
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /^cityvitals needs Node 24 and this is v20\.20\.2 .*\n {2}→ .*npm install --include=optional/);
  assert.match(stderr, /cityvitals 需要 Node 24，当前为 v20\.20\.2。\n {2}→ /);
  assert.doesNotMatch(stderr, /\n {4}at /);
});
