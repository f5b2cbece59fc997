import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { MutationBatches, type SourceLocation } from './batches.ts';
import { testsPass } from './copy.ts';

test('a run that goes on knows which tests fail without any mistake, and does not run them again', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  writeFileSync(join(dir, 'a.ts'), 'export const a = 1;\n');
  writeFileSync(join(dir, 'a.test.ts'), "import { a } from './a.ts';\nif (a !== 1) throw new Error('noticed');\n");
  writeFileSync(
    join(dir, 'b.test.ts'),
    "import './a.ts';\nimport { appendFileSync } from 'node:fs';\nappendFileSync(new URL('runs', import.meta.url), 'x');\nthrow new Error('always');\n",
  );
  const file = (path: string, imports: string[] = []) => ({ path, text: '', imports });
  const sources = [file('a.ts'), file('b.test.ts', ['a.ts']), file('a.test.ts', ['a.ts'])];
  const place = (from: string, to: string): SourceLocation => ({ file: 'a.ts', line: 1, start: 17, end: 18, from, to });
  const kept: string[] = [];
  const resumed = () => {
    const done = JSON.parse(kept.at(-1) ?? '{}') as Record<string, boolean>;
    return new MutationBatches(dir, sources, [], 60_000, new AbortController().signal, {
      done,
      keep: () => kept.push(JSON.stringify(done)),
    });
  };
  assert.equal(await resumed().notice(place('1', '2')), true);
  assert.equal(await resumed().notice(place('1', '1.0')), false, 'the failing test is left out');
  assert.equal(readFileSync(join(dir, 'runs'), 'utf8'), 'x');
  assert.deepEqual(JSON.parse(kept.at(-1) as string), { '["sound","b.test.ts"]': false, '["sound","a.test.ts"]': true });
  assert.equal(readFileSync(join(dir, 'a.ts'), 'utf8'), 'export const a = 1;\n', 'as it was');
});

test('the first failure ends a run: what hangs after it is not waited for', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  writeFileSync(
    join(dir, 'a.test.ts'),
    "import { test } from 'node:test';\ntest('fails', () => { console.log('{}'); throw new Error('seen'); });\ntest('hangs', () => new Promise((resolve) => { setTimeout(resolve, 3_600_000); }));\n",
  );
  writeFileSync(join(dir, 'b.test.ts'), "import { test } from 'node:test';\ntest('passes', () => { console.log('{\"test\":1}'); });\n");
  const never = new AbortController().signal;
  assert.equal(await testsPass(dir, ['a.test.ts', 'b.test.ts'], 3_600_000, never), false);
  assert.equal(await testsPass(dir, ['b.test.ts'], 3_600_000, never), true);
});
