import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board, BoardReader } from './board.ts';

const picture = (shade: number, width = 4) => ({ width, height: 2, yuv: new Uint8Array(width * 3).fill(shade), aspect: 1.5 });

test('what is written is read, beside what others still have to read', () => {
  const [board, reader] = [new Board(), new BoardReader()];
  const first = board.write([picture(1), picture(2, 8)]);
  const second = board.write([picture(3)]);
  assert.deepEqual(reader.read(first, board.fd), [picture(1), picture(2, 8)]);
  assert.deepEqual(reader.read(second, board.fd), [picture(3)]);
  board.free();
  assert.equal(board.write([picture(4)])[0]?.at, 48, 'one look is not over');
  board.free();
  board.free();
  const [again] = board.write([picture(5, 2)]);
  assert.equal(again?.at, 0, 'its memory is used again');
  assert.deepEqual(reader.read([again as never], board.fd), [picture(5, 2)]);
  assert.throws(() => reader.read([{ width: 64, height: 64, at: 0 }], board.fd), RangeError);
  board.close();
});
