/**
 * Reporter of the test runner: what a green run would hide. How many tests were skipped and for want of what, and which
 * files took longest.
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const SLOWEST = 10;
/** Fewer are looked through at a glance. */
const MANY_FILES = 20;

export default async function* summaryReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped = new Map<string, number>();
  const files = new Map<string, number>();
  for await (const event of source) {
    if (event.type === 'test:summary' && event.data.file !== undefined) files.set(event.data.file, event.data.duration_ms);
    if (event.type !== 'test:pass' || event.data.skip === undefined || event.data.skip === false) continue;
    const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given';
    skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
  }
  yield slowestLines(files) + skippedLine(skipped);
}

/**
 * @param files path → ms
 * @returns a line each, the slowest first; nothing where there are few files
 */
export function slowestLines(files: ReadonlyMap<string, number>): string {
  if (files.size < MANY_FILES) return '';
  const slowest = [...files].toSorted(([, a], [, b]) => b - a).slice(0, SLOWEST);
  const lines = slowest.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}\n`);
  return `slowest test files / 最慢的测试文件：\n${lines.join('')}`;
}

/** The most first; nothing where none was skipped. */
function skippedLine(counts: ReadonlyMap<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return '';
  const reasons = [...counts]
    .toSorted(([a, fewer], [b, more]) => more - fewer || a.localeCompare(b))
    .map(([reason, count]) => `${reason} (${count})`);
  return `${total} ${total === 1 ? 'test was' : 'tests were'} skipped / 已跳过 ${total} 项测试：${reasons.join('; ')}\n`;
}
