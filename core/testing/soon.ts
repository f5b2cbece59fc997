/**
 * What has to be over within a second of whoever promises it, on a machine whose processor belongs to others as well: the
 * second is counted in turns that this process really had, so that one that was held up itself never blames the promise.
 */
import { stat } from 'node:fs/promises';

const SOON_MS = 1000;
const STEP_MS = 10;

/** The promise's result, or a failure where it takes longer. */
export async function soon<T>(promise: Promise<T>, what: string, limitMs = SOON_MS): Promise<T> {
  let isOver = false;
  const late = turns(limitMs, () => isOver).then(() => {
    throw new Error(`${what} took more than ${limitMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    isOver = true;
    late.catch(() => {});
  }
}

/** Waits likewise until something holds, of which nobody tells. */
export async function soonHolds(condition: () => boolean, what: string, limitMs = SOON_MS): Promise<void> {
  await turns(limitMs, condition);
  if (!condition()) throw new Error(`not within ${limitMs} ms: ${what}`);
}

/** So long, or less once something holds. */
async function turns(limitMs: number, isOver: () => boolean): Promise<void> {
  for (let leftMs = limitMs; leftMs > 0 && !isOver(); leftMs -= STEP_MS) {
    await new Promise<void>((resolve) => { setTimeout(resolve, STEP_MS); });
    // Its other threads have their turn as well: files, names and keys are theirs.
    await stat('/');
  }
}
