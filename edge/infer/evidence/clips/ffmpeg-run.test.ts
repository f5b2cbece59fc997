import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock } from '../../../../core/world.ts';
import { runFfmpeg } from './ffmpeg-run.ts';

test('what is called off is over, though its reader turned away with more to come', async () => {
  const ending = new AbortController();
  const { stdout, stdin, done } = runFfmpeg(
    ['-f', 'lavfi', '-i', 'testsrc=s=640x480', '-f', 'rawvideo', 'pipe:1'],
    1_800_000,
    realClock,
    ending.signal,
  );
  stdin.end();
  const chunks = stdout[Symbol.asyncIterator]();
  await chunks.next();
  // What is held back fills the pipe: reading stops.
  for (let held = -1; stdout.readableLength > held;) {
    held = stdout.readableLength;
    await new Promise((resolve) => { setImmediate(() => setImmediate(resolve)); });
  }
  const reason = new Error('called off');
  ending.abort(reason);
  await assert.rejects(done, reason);
  assert.equal(stdout.destroyed, true);
});
