import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIVEN, PICKED, FrameTimestamps } from './frame-timestamps.ts';

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

test('a picture that was picked and not handed on was still; of the last nothing is known yet', async () => {
  const text = [
    printed(0, 0, PICKED),
    printed(0, 0, GIVEN),
    printed(1, 40, PICKED),
    printed(2, 80, PICKED),
    printed(3, 120, PICKED),
    printed(1, 120, GIVEN),
    printed(4, 160, PICKED),
  ].join('');
  for (const length of [1, 7, text.length]) assert.deepEqual(await read(text, length), ['0', '40 still', '80 still', '120']);
});

test('where each is handed on there is one line for each; numbers that begin again are filters that did', async () => {
  assert.deepEqual(
    await read([printed(0, 10, GIVEN), printed(1, 50, GIVEN), printed(0, 90, GIVEN), '[junk\n', printed(1, 130, GIVEN)].join('')),
    ['10', '50', '90 change', '130'],
  );
  assert.deepEqual(await read([printed(0, 10, PICKED), printed(0, 10, GIVEN), printed(0, 50, PICKED), printed(0, 50, GIVEN)].join('')), [
    '10',
    '50 change',
  ]);
});
