/** Walks the parameters of a message: TLV (type, length, value) and TV (one byte of type, fixed length); LLRP 16.2. */

/** Values of TV parameters in bytes, by type; without it the next parameter cannot be found. */
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

/** Calls back for each parameter with the range of its value. @returns false where the rest cannot be parsed */
export function eachParameter(
  bytes: Uint8Array,
  start: number,
  end: number,
  onParameter: (type: number, from: number, to: number) => void,
): boolean {
  let offset = start;
  while (offset < end) {
    const first = bytes[offset] as number;
    if (first & 0x80) {
      const size = TV_BYTES[first & 0x7f];
      if (size === undefined || offset + 1 + size > end) return false;
      onParameter(first & 0x7f, offset + 1, offset + 1 + size);
      offset += 1 + size;
      continue;
    }
    if (offset + 4 > end) return false;
    const type = ((first & 3) << 8) | (bytes[offset + 1] as number);
    const length = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
    if (length < 4 || offset + length > end) return false;
    onParameter(type, offset + 4, offset + length);
    offset += length;
  }
  return true;
}
