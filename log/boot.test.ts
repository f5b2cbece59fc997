/** Which boot this is, on machines that say it and on others. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test, type TestContext } from 'node:test';
import { realClock } from '../core/world.ts';
import { realBoot } from './boot.ts';
import { mockFs } from './testing/mock-fs.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

function whenRead(t: TestContext, read: () => string): void {
  const { readFileSync } = fs;
  mockFs(t, 'readFileSync', (path: string, encoding: BufferEncoding) =>
    path === BOOT_ID ? Buffer.from(read()).toString(encoding) : readFileSync(path, encoding));
}

test('the system names the boot, the same for every process', (t) => {
  whenRead(t, () => ' 3f0c\n');
  assert.deepEqual([realBoot().id, realBoot().id], ['3f0c', '3f0c']);
});

test('where the system does not say it, each process is a boot of its own', (t) => {
  let fails = false;
  whenRead(t, () => {
    if (fails) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return '\n';
  });
  for (fails of [false, true]) {
    const [one, other] = [realBoot().id, realBoot().id];
    assert.match(one, /^[0-9a-f-]{36}$/);
    assert.notEqual(one, other);
  }
});

test('a mistake is no system without an id', (t) => {
  whenRead(t, () => { throw new TypeError('a mistake'); });
  assert.throws(() => realBoot(), TypeError);
});

test('uptime goes with the system\'s own count of ms since it was started', (t) => {
  const now = t.mock.method(realClock, 'monotonicMs', () => 5000);
  t.mock.method(process.hrtime, 'bigint', () => 3_600_000_000_000n);
  const boot = realBoot();
  assert.equal(boot.uptimeMs(), 3_600_000);
  now.mock.mockImplementation(() => 5250);
  assert.equal(boot.uptimeMs(), 3_600_250);
});
