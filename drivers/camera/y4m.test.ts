import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Y4mCutter, type Y4mFrame } from './y4m.ts';

const text = (line: string) => [...new TextEncoder().encode(`${line}\n`)];
const HEAD = text('YUV4MPEG2 W4 H2 F5:1 Ip A3:2 C420jpeg XYSCSS=420JPEG');
const pictureOf = (shade: number) => Array.from({ length: 12 }, () => shade);

function cut(bytes: readonly number[], sizes: readonly number[] = []): Y4mFrame[] {
  const cutter = new Y4mCutter();
  const shots: Y4mFrame[] = [];
  let at = 0;
  for (let piece = 0; at < bytes.length; piece += 1) {
    const room = cutter.room();
    const some = bytes.slice(at, at + Math.min(room.length, (sizes[piece] ?? Infinity) + 1));
    room.set(some);
    at += some.length;
    const shot = cutter.took(some.length);
    if (shot) shots.push(shot);
  }
  return shots;
}

test('however the stream is cut, its pictures are the same; line ends within them mean nothing', () => {
  const stream = [...HEAD, ...[10, 70, 255].flatMap((shade) => [...text(shade === 70 ? 'FRAME Ixyz' : 'FRAME'), ...pictureOf(shade)])];
  fc.assert(fc.property(fc.array(fc.nat(20)), (sizes) => {
    const shots = cut(stream, sizes);
    assert.deepEqual(shots.map(({ yuv }) => [...yuv]), [10, 70, 255].map(pictureOf));
    assert.ok(shots.every(({ width, height, aspect }) => width === 4 && height === 2 && aspect === 3));
    assert.equal(new Set(shots.map(({ yuv }) => yuv.buffer)).size, 3);
  }));
});

test('a picture that is not whole is none; pixels are square where nobody says otherwise', () => {
  assert.deepEqual(cut([...HEAD, ...text('FRAME'), ...pictureOf(1).slice(1)]), []);
  assert.equal(cut([...text('YUV4MPEG2 W4 H2 A0:0 C420'), ...text('FRAME'), ...pictureOf(1)])[0]?.aspect, 2);
});

test('what is no stream of such pictures is refused, and so is one that changes its size', () => {
  for (const head of ['', 'RIFF', 'YUV4MPEG2 W4 C420', 'YUV4MPEG2 W3 H2 C420', 'YUV4MPEG2 W4 H2 C444', 'YUV4MPEG2 W4 H2'])
    assert.throws(() => cut(text(head)), RangeError, head);
  assert.throws(() => cut(Array.from({ length: 300 }, () => 65)), RangeError);
  assert.throws(() => cut([...HEAD, ...text('FRAME'), ...pictureOf(1), ...pictureOf(1), ...HEAD]), RangeError);
});
