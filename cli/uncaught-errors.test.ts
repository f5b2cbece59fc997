import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Fault } from '../core/faults.ts';
import { uncaughtErrorHandler } from './uncaught-errors.ts';

test('what nothing has caught is told with its place, in part; a hundred in a minute end the process, spread out they do not', () => {
  const told: Fault[] = [];
  let nowMs = 0;
  let ends = 0;
  const take = uncaughtErrorHandler({ report: (fault) => { told.push(fault); }, nowMs: () => nowMs, end: () => { ends += 1; } });
  take(new TypeError(`broken on purpose ${'x'.repeat(100_000)}`));
  take(undefined);
  assert.match(String(told[0]?.params.detail), /^TypeError: broken on purpose/);
  assert.deepEqual(told.map(({ params }) => String(params.detail).length), [2000, 9]);
  for (let index = 0; index < 500; index += 1) {
    nowMs += 1000;
    take('again');
  }
  assert.equal(ends, 0);
  for (let index = 0; index < 40; index += 1) take('again');
  assert.equal(ends, 1);
});

test('a telling that fails ends nothing by itself', () => {
  let ends = 0;
  const take = uncaughtErrorHandler({ report: () => { throw new Error('no log'); }, nowMs: () => 0, end: () => { ends += 1; } });
  for (let index = 0; index < 99; index += 1) take('again');
  assert.equal(ends, 0);
  take('again');
  assert.equal(ends, 1);
});

const SERVICE = `
  import { openTerminal } from './terminal.ts';
  import { runService } from './service.ts';
  let told = 0;
  const tell = ({ fault }) => { told += 1; process.stdout.write(fault.code + '\\n'); if (told === 3) process.stdout.write('still here\\n'); };
  await runService(openTerminal([], { LANG: 'en' }), {
    tell, ofTheCall: new Set(), announce() {},
    async start() {
      setTimeout(() => { throw new TypeError('in a timer'); });
      setImmediate(() => void Promise.reject(new Error('in a promise')));
      process.nextTick(() => { throw new RangeError('in a callback'); });
      setInterval(() => {}, 1000);
      return { close: async () => {} };
    },
  });
`;

test('a service goes on after exceptions in timers, callbacks and promises, and is stopped as ever', async (t) => {
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '--eval', SERVICE.replaceAll("'./", `'${join(import.meta.dirname)}/`)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  const ended = once(child, 'exit');
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
    if (out.includes('still here')) child.kill('SIGTERM');
  });
  const [code] = (await ended) as [number];
  assert.equal(out.match(/CV_PROCESS_EXCEPTION/g)?.length, 3, out);
  assert.equal(code, 0);
});
