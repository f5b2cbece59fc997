import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedPictureFile, SharedPictureFileReader } from './shared-picture-file.ts';

const picture = (shade: number, width = 4) => ({ width, height: 2, yuv: new Uint8Array(width * 3).fill(shade), aspect: 1.5 });

test('what is written is read, beside what others still have to read', () => {
  const board = new SharedPictureFile();
  const reader = new SharedPictureFileReader(board.fd);
  const first = board.write([picture(1), picture(2, 8)]);
  const second = board.write([picture(3)]);
  assert.deepEqual(reader.read(first), [picture(1), picture(2, 8)]);
  assert.deepEqual(reader.read(second), [picture(3)]);
  board.free();
  assert.equal(board.write([picture(4)])[0]?.at, 48, 'one look is not over');
  board.free();
  board.free();
  const [again] = board.write([picture(5, 2)]);
  assert.equal(again?.at, 0, 'its memory is used again');
  assert.deepEqual(reader.read([again as never]), [picture(5, 2)]);
  const room = new Uint8Array(6);
  assert.equal(reader.read([again as never], () => room)[0]?.yuv, room, 'where the reader wants it');
  assert.deepEqual(room, picture(5, 2).yuv);
  assert.throws(() => reader.read([{ width: 64, height: 64, at: 0 }]), RangeError);
  board.close();
});
