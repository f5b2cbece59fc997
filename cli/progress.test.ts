import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProgress, type ProgressOutput } from './progress.ts';

const TASK = { id: 'check', en: 'checking', zh: '正在校验', unit: 'bytes' } as const;

function rig(more: { json?: boolean; isTerminal?: boolean; columns?: number; zh?: boolean } = {}) {
  const written: string[] = [];
  let nowMs = 0;
  const out: ProgressOutput = {
    isTerminal: more.isTerminal ?? false,
    columns: more.columns ?? 80,
    nowMs: () => nowMs,
    write: (text) => {
      written.push(text);
    },
  };
  const progress = openProgress({ json: more.json ?? false, text: ({ en, zh }) => (more.zh ? zh : en) }, TASK, out);
  return { written, progress, pass: (byMs: number) => { nowMs += byMs; } };
}

test('on a terminal: one line that is written over, at most ten times a second, and gone at the end', () => {
  const { written, progress, pass } = rig({ isTerminal: true });
  for (let step = 0; step < 1000; step += 1) {
    progress.update(step, 1000);
    pass(1);
  }
  assert.equal(written.length, 10);
  assert.ok(written.every((text) => text.startsWith('\r') && text.endsWith('\x1b[K') && !text.includes('\n')));
  assert.match(written[5] as string, /checking: █{10}░{10} {2}50 %/);
  progress.end();
  assert.equal(written.at(-1), '\r\x1b[K');
});

test('on a terminal it makes room for a line of the result and is drawn again at once', () => {
  const { written, progress, pass } = rig({ isTerminal: true });
  progress.clear();
  progress.update(1, 4);
  pass(1);
  progress.clear();
  progress.clear();
  progress.update(2, 4);
  assert.deepEqual(written.map((text) => /(\d+) %/.exec(text)?.[1] ?? text), ['25', '\r\x1b[K', '50']);
});

test('elsewhere: nothing for what ends at once, else a line every few seconds and one at the end', () => {
  const quick = rig();
  quick.progress.update(1, 2);
  quick.progress.end();
  assert.deepEqual(quick.written, []);
  const { written, progress, pass } = rig();
  for (let second = 0; second < 10; second += 1) {
    progress.update(second << 20, 10 << 20, 'a.db');
    pass(1000);
  }
  progress.update(10 << 20, 10 << 20);
  progress.end();
  assert.equal(written.length, 4);
  assert.match(written[0] as string, /^checking: .* 30 % .* · a\.db\n$/);
  assert.match(written.at(-1) as string, /100 %/);
});

test('with --json it is JSON lines, on a terminal too', () => {
  const { written, progress, pass } = rig({ json: true, isTerminal: true });
  pass(5000);
  progress.update(5, null, 'x');
  progress.end();
  assert.deepEqual(
    written.map((line) => JSON.parse(line) as unknown),
    [
      { progress: 'check', done: 5, of: null, note: 'x' },
      { progress: 'check', done: 5, of: null, ended: true },
    ],
  );
});

test('a line never wraps, also of characters that take two columns', () => {
  const { written, progress } = rig({ isTerminal: true, columns: 20, zh: true });
  progress.update(1, 2, '一'.repeat(50));
  const shown = (written[0] as string).replace('\r', '').replace('\x1b[K', '');
  assert.ok(shown.startsWith('正在校验：') && Array.from(shown).reduce((sum, one) => sum + (/[^\x20-\x7e█░]/.test(one) ? 2 : 1), 0) <= 19);
});
