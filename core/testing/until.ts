/** Waits for what another thread, process or server makes true, where nothing tells of it. */
import assert from 'node:assert/strict';

const PAUSE_MS = 5;
/** A minute and more: who waits so long waits in vain, and a test that was given up would else keep its process for good. */
const MAX_TURNS = 12_000;

/** Asks again and again. @returns the first answer that holds, or that is true where nothing else is asked of it */
export async function until<T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean = Boolean): Promise<T> {
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise<void>((resolve) => { setTimeout(resolve, PAUSE_MS); });
  }
  return assert.fail(`never: ${holds.toString()} of ${ask.toString()}`);
}
