import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { compress, decompressText } from './zstd.ts';

const MAX_BYTES = 1 << 20;
const outcome = (run: () => string): string => {
  try {
    return `text ${run()}`;
  } catch (error) {
    return `error ${(error as NodeJS.ErrnoException).code}`;
  }
};
const ordinary = (bytes: Uint8Array) =>
  zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES, params: { [constants.ZSTD_d_windowLogMax]: 23 } }).toString('utf8');

const framed = fc
  .oneof(fc.string({ maxLength: 4000 }), fc.constantFrom('', 'ä'.repeat(200_000), 'x'.repeat(300_000), 'y'.repeat(2 << 20)))
  .chain((text) =>
    fc.record({
      text: fc.constant(text),
      cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
      flip: fc.option(fc.nat(), { freq: 3 }),
      more: fc.option(fc.uint8Array({ maxLength: 9 }), { freq: 4 }),
      twice: fc.boolean(),
    }),
  );

test('whatever comes in whatever order, the short way gives what the ordinary one does', () => {
  fc.assert(fc.property(fc.array(framed, { maxLength: 12 }), (frames) => {
    for (const { text, cut, flip, more, twice } of frames) {
      const whole = compress(Buffer.from(text));
      assert.equal(zstdDecompressSync(whole).toString('utf8'), text);
      const parts = [Buffer.from(whole), ...(twice ? [zstdCompressSync(Buffer.from('second'))] : []), ...(more ? [Buffer.from(more)] : [])];
      const bytes = Buffer.concat(parts).subarray(0, cut === null ? undefined : Math.floor(cut * whole.length));
      if (flip !== null && bytes.length > 0) bytes[flip % bytes.length] = (bytes[flip % bytes.length] as number) ^ 16;
      assert.equal(outcome(() => decompressText(bytes, MAX_BYTES)), outcome(() => ordinary(bytes)));
    }
  }), { numRuns: 60 });
});
