import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { startCpuLoad } from './load.ts';
import { FlakeTally } from './tally.ts';
import { failuresOf, runTestFile } from './test-file.ts';
import { touchingFiles } from './touching.ts';

const { dir, remove } = await tempDir();
after(remove);

const never = new AbortController().signal;

function testFile(name: string, text: string): string {
  writeFileSync(join(dir, name), `import { test } from 'node:test';\n${text}`);
  return name;
}

test('touching is a test that opens something itself, over a helper, or by what it is about; not one of arithmetic', () => {
  const file = (path: string, text: string, imports: string[] = []) => ({ path, text, imports });
  const sources = [
    file('core/world.ts', "import { open } from 'node:fs/promises';"),
    file('core/log.ts', "import { open } from 'node:fs/promises';"),
    file('edge/above-log.ts', '', ['core/log.ts']),
    file('core/testing/peer.ts', "import { connect } from 'node:net';"),
    file('core/testing/double.ts', '', ['core/testing/peer.ts']),
    file('a/itself.test.ts', "import { spawn } from 'node:child_process';"),
    file('a/helper.test.ts', '', ['core/testing/double.ts']),
    file('a/subject.test.ts', '', ['core/log.ts']),
    file('a/real.test.ts', "import { realFiles } from '../core/world.ts';", ['core/world.ts']),
    file('a/unknown.test.ts', 'await import(`./${id}.ts`);'),
    file('a/chance.test.ts', "import { seededRandom } from '../core/world.ts';", ['core/world.ts']),
    file('a/far.test.ts', '', ['edge/above-log.ts']),
  ];
  assert.deepEqual(touchingFiles(sources), [
    'a/itself.test.ts',
    'a/helper.test.ts',
    'a/subject.test.ts',
    'a/real.test.ts',
    'a/unknown.test.ts',
  ]);
});

test('a run counts each test once, keeps its first error, and goes on from its file', () => {
  const path = join(dir, 'state.json');
  const tally = FlakeTally.read(path);
  tally.add('a.test.ts', []);
  tally.add('a.test.ts', [{ test: 'one', error: 'first' }, { test: 'one', error: 'its namesake' }]);
  tally.add('b.test.ts', [{ test: 'two', error: 'other' }]);
  tally.write(path);
  const later = FlakeTally.read(path);
  assert.deepEqual([later.runsOf('a.test.ts'), later.runsOf('b.test.ts'), later.runsOf('c.test.ts')], [2, 1, 0]);
  later.add('a.test.ts', [{ test: 'one', error: 'second' }]);
  assert.deepEqual(later.failedOf(['a.test.ts']), [{ file: 'a.test.ts', test: 'one', times: 2, error: 'first' }]);
});

test('of a file that fails, each failed test has its name and its error; one that passes has none', async () => {
  const passing = testFile('passing.test.ts', "console.log('{}'); test('passes', () => {});");
  assert.deepEqual(await runTestFile(dir, passing, never), []);
  const failing = testFile(
    'failing.test.ts',
    "test('outer', async (t) => { await t.test('inner', () => { throw new Error('seen'); }); });",
  );
  const [failure, ...more] = (await runTestFile(dir, failing, never)) ?? [];
  assert.deepEqual(more, []);
  assert.equal(failure?.test, 'inner');
  assert.match(failure.error, /^Error: seen\n {4}at /);
});

test('a file that ends by itself after its tests have passed fails under its own name, with what it said last', async () => {
  const late = testFile(
    'late.test.ts',
    "test('passes', () => {}); process.on('exit', () => { console.error('what it said'); process.exitCode = 7; });",
  );
  const failures = (await runTestFile(dir, late, never)) ?? [];
  assert.deepEqual(
    failures.map(({ test: name }) => name),
    ['late.test.ts'],
  );
  assert.match(failures[0]?.error ?? '', /what it said/);
  const broken = await runTestFile(dir, testFile('broken.test.ts', "import './missing.ts';"), never) ?? [];
  assert.match(broken[0]?.error ?? '', /Cannot find module/);
});

test('a run that is called off ends with all that it started, and counts as none', async () => {
  const begun = join(dir, 'begun');
  const hanging = testFile(
    'hanging.test.ts',
    `import { writeFileSync } from 'node:fs'; test('hangs', () => { writeFileSync(${JSON.stringify(begun)}, ''); for (;;); });`,
  );
  const calling = new AbortController();
  const result = runTestFile(dir, hanging, calling.signal);
  await until(() => existsSync(begun));
  calling.abort();
  assert.equal(await result, null);
  assert.equal(await runTestFile(dir, hanging, calling.signal), null);
});

test('lines that a test printed itself are no failures', () => {
  assert.deepEqual(failuresOf('hello\nnull\n{"test":1}\n{"test":"a","error":"b"}\n'), [{ test: 'a', error: 'b' }]);
});

test('busy processes run until they are stopped', async () => {
  const load = startCpuLoad(2);
  assert.equal(load.pids.length, 2);
  for (const pid of load.pids) assert.equal(process.kill(pid, 0), true);
  await load.stop();
  for (const pid of load.pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});
