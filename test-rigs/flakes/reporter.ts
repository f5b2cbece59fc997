/** What `node --test` tells of a file's failures, a line of JSON each; of a test that failed by its subtests, these alone. */
import { basename } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

export interface TestFailure {
  test: string;
  error: string;
}

const MAX_ERROR = 2000;
/** What a file says last before it ends by itself. */
const MAX_SAID = 4000;

export default async function* failures(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let said = '';
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:diagnostic') said = `${said}${data.message}\n`.slice(-MAX_SAID);
    if (type !== 'test:fail' || data.todo) continue;
    const { error } = data.details;
    const kind = (error as { failureType?: string }).failureType;
    if (kind === 'subtestsFailed') continue;
    const cause = error.cause instanceof Error ? error.cause.stack : undefined;
    // A whole file that fails has its own name as its test's, and nothing to say but that.
    const isFile = (data.nesting === 0 && data.name === basename(data.file ?? '')) || data.name === data.file;
    yield `${JSON.stringify({ test: data.name, error: (isFile && said.trim() !== '' ? said.trim() : (cause ?? error.message)).slice(0, MAX_ERROR) } satisfies TestFailure)}\n`;
  }
}
