import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { until } from './testing/until.ts';

test('a child that hangs is gone with whoever is ended in haste', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', `
    import { spawn } from 'node:child_process';
    import { killOnExit } from ${JSON.stringify(new URL('./child-processes.ts', import.meta.url).href)};
    const child = spawn('sleep', ['1000'], { detached: true });
    killOnExit(child);
    child.kill('SIGSTOP');
    process.stdout.write(String(child.pid), () => process.exit(1));
  `], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(parent.stdout, 'data') as [Buffer];
  await once(parent, 'exit');
  const isThere = () => {
    try {
      return process.kill(Number(said), 0);
    } catch {
      return false;
    }
  };
  await until(() => Promise.resolve(isThere()), (there) => !there);
  assert.equal(isThere(), false);
});
