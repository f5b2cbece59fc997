/** What says that it is on disk is there after a kill on a disk that loses what was not forced, in folders that are made for it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { canCompile } from '../fsync-shim/compile.ts';
import { ForcedFolder } from './forced.ts';
import { folderOf, DURABILITY_PROMISES } from './promises.ts';

const skip = (await canCompile()) ? false : 'gcc is not installed';
const base = mkdtempSync(join(tmpdir(), 'cityvitals-promises-'));
after(() => rmSync(base, { recursive: true, force: true }));
const root = join(base, 'root');

test('a process does all of it and is killed, and what it did not force is lost', { skip }, async () => {
  mkdirSync(root);
  const folder = new ForcedFolder(root, join(base, 'forced'));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'act.ts'), root], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...(await folder.env()) },
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
  folder.lose();
});

for (const [name, { find }] of Object.entries(DURABILITY_PROMISES)) {
  test(`${name}: there after the loss`, { skip }, async () => {
    if (!existsSync(folderOf(root, name))) throw new Error('the folder itself is gone');
    await find(folderOf(root, name));
  });
}
