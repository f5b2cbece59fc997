import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSED, PICKED, FrameTimestamps } from './frame-timestamps.ts';

const printed = (number: number, streamMs: number, mark: number) =>
  `frame:${number}    pts:${streamMs * 1000}  pts_time:${streamMs / 1000}\nstamp=${mark}\n`;

async function read(text: string, pieceLength = text.length): Promise<string[]> {
  const stamps = new FrameTimestamps();
  for (let at = 0; at < text.length; at += pieceLength) stamps.receive(text.slice(at, at + pieceLength));
  stamps.end();
  const seen: string[] = [];
  for (let stamp = await stamps.next(); stamp; stamp = await stamps.next())
    seen.push(`${stamp.streamMs}${stamp.isStill ? ' still' : ''}${stamp.isChange ? ' change' : ''}`);
  return seen;
}

test('a picture that was picked and not passed on was unchanged; the last one is undecided', async () => {
  const text = [
    printed(0, 0, PICKED),
    printed(0, 0, PASSED),
    printed(1, 40, PICKED),
    printed(2, 80, PICKED),
    printed(3, 120, PICKED),
    printed(1, 120, PASSED),
    printed(4, 160, PICKED),
  ].join('');
  for (const length of [1, 7, text.length]) assert.deepEqual(await read(text, length), ['0', '40 still', '80 still', '120']);
});

test('where all are passed on there is one line for each; numbers that restart mean that the filters did', async () => {
  assert.deepEqual(
    await read([printed(0, 10, PASSED), printed(1, 50, PASSED), printed(0, 90, PASSED), '[junk\n', printed(1, 130, PASSED)].join('')),
    ['10', '50', '90 change', '130'],
  );
  assert.deepEqual(await read([printed(0, 10, PICKED), printed(0, 10, PASSED), printed(0, 50, PICKED), printed(0, 50, PASSED)].join('')), [
    '10',
    '50 change',
  ]);
});
