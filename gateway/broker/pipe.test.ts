import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { openPipe } from './pipe.ts';

test('what is written within a turn arrives in one piece, in the next', async () => {
  const [here, there] = openPipe(1 << 20);
  const heard: string[] = [];
  there.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
  here.write('a');
  queueMicrotask(() => here.write('b'));
  process.nextTick(() => here.write('c'));
  assert.deepEqual(heard, []);
  here.write('d');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(heard.map((piece) => [...piece].toSorted().join('')), ['abcd']);
  here.destroy();
});

test('a reader that has enough holds the writer until it reads on; the end comes behind all of it', async () => {
  const [here, there] = openPipe(1000);
  const pieces = Array.from({ length: 50 }, (_, at) => Buffer.alloc(400, at));
  let written = 0;
  const writing = (async () => {
    for (const piece of pieces) {
      if (!here.write(piece)) await once(here, 'drain');
      written += 1;
    }
    here.end();
  })();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.ok(written < 12, `${written} of 400 bytes went into twice 1000`);
  const read: Buffer[] = [];
  for await (const piece of there) read.push(piece as Buffer);
  await writing;
  assert.deepEqual(Buffer.concat(read), Buffer.concat(pieces));
});
