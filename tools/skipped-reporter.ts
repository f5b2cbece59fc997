/** Reporter of the test runner: only how many tests were skipped and for want of what, so that a green run does not hide it. */
import type { TestEvent } from 'node:test/reporters';

export default async function* skippedReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = new Map<string, number>();
  for await (const event of source) {
    if (event.type !== 'test:pass' || event.data.skip === undefined || event.data.skip === false) continue;
    const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given';
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  yield skippedLine(counts);
}

/** The most first; nothing where none was skipped. */
export function skippedLine(counts: ReadonlyMap<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return '';
  const reasons = [...counts]
    .toSorted(([a, fewer], [b, more]) => more - fewer || a.localeCompare(b))
    .map(([reason, count]) => `${reason} (${count})`);
  return `${total} ${total === 1 ? 'test was' : 'tests were'} skipped / 已跳过 ${total} 项测试：${reasons.join('; ')}\n`;
}
