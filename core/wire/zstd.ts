/**
 * zstd for small texts. Node makes a new context for each call, which for a batch takes ten times as long as the work
 * itself (34 µs of 38 for 100 events). Here one context is used again and again, through what Node's own streams are
 * made of; whatever does not go through at once and in full is done again in the ordinary way, which also says what is
 * wrong. So the short way never decides anything, and may be missing (a test compares the two).
 */
import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync, type ZstdOptions } from 'node:zlib';

const COMPRESS: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };
/** What fits is done the short way: a batch of some thousand events. */
const OUTPUT_BYTES = 256 << 10;

/** A stream of `node:zlib` as seen from inside (Node 24). */
interface Internals {
  _handle?: {
    writeSync(
      flag: number,
      input: Uint8Array,
      inputAt: number,
      inputBytes: number,
      output: Uint8Array,
      outputAt: number,
      outputBytes: number,
    ): void;
    onerror: () => void;
  };
  /** Room left in the output, and bytes left of the input. */
  _writeState?: Uint32Array;
}

class Reused {
  readonly #make: () => unknown;
  readonly #output = Buffer.alloc(OUTPUT_BYTES);
  #stream: Internals | null = null;
  #failed = false;

  constructor(make: () => unknown) {
    this.#make = make;
  }

  /** The result, valid until the next call; null when it is to be done in the ordinary way. */
  run(input: Uint8Array): Buffer | null {
    const { _handle: handle, _writeState: state } = (this.#stream ??= this.#opened());
    if (!handle || !state || input.length === 0) return null;
    this.#failed = false;
    handle.writeSync(constants.ZSTD_e_end, input, 0, input.length, this.#output, 0, OUTPUT_BYTES);
    const [room = 0, left = 0] = state;
    if (!this.#failed && room > 0 && left === 0) return this.#output.subarray(0, OUTPUT_BYTES - room);
    // In the middle of something: the next one begins with a new context.
    this.#stream = null;
    return null;
  }

  #opened(): Internals {
    const stream = this.#make() as Internals;
    Object.assign(stream._handle ?? {}, { onerror: () => { this.#failed = true; } });
    return stream;
  }
}

const compressor = new Reused(() => createZstdCompress(COMPRESS));
/** The window is bounded as well: a small frame may declare one of 128 MB. */
const BOUNDED = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };
const decompressor = new Reused(() => createZstdDecompress(BOUNDED));

/** Level 1, with its checksum. */
export function compress(text: Uint8Array): Uint8Array {
  const short = compressor.run(text);
  return short ? new Uint8Array(short) : zstdCompressSync(text, COMPRESS);
}

/** @throws what `zstdDecompressSync` throws: ERR_BUFFER_TOO_LARGE above `maxBytes`, and whatever is wrong with the bytes */
export function decompressText(bytes: Uint8Array, maxBytes: number): string {
  return (decompressor.run(bytes) ?? zstdDecompressSync(bytes, { ...BOUNDED, maxOutputLength: maxBytes })).toString('utf8');
}
