/** Walks the parameters of a message: TLV (type, length, value) and TV (one byte of type, fixed length); LLRP 16.2. */

/** Values of TV parameters in bytes, by type; without these the next parameter cannot be found. */
const TV_BYTES: Readonly<Record<number, number>> = {
  1: 2,
  2: 8,
  3: 8,
  4: 8,
  5: 8,
  6: 1,
  7: 2,
  8: 2,
  9: 4,
  10: 2,
  11: 2,
  12: 2,
  13: 12,
  14: 2,
  15: 4,
  16: 4,
  17: 2,
  18: 4,
};

/** Calls back for each parameter with where its value stands. @returns false where the rest cannot be read */
export function eachParameter(
  bytes: Uint8Array,
  start: number,
  end: number,
  take: (type: number, from: number, to: number) => void,
): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at] as number;
    if (first & 0x80) {
      const size = TV_BYTES[first & 0x7f];
      if (size === undefined || at + 1 + size > end) return false;
      take(first & 0x7f, at + 1, at + 1 + size);
      at += 1 + size;
      continue;
    }
    if (at + 4 > end) return false;
    const type = ((first & 3) << 8) | (bytes[at + 1] as number);
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    if (length < 4 || at + length > end) return false;
    take(type, at + 4, at + length);
    at += length;
  }
  return true;
}
