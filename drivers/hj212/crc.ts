/**
 * The check value of HJ 212 (HJ 212-2017, annex A). It has the polynomial of CRC-16/MODBUS but differs: a byte enters
 * over the register's high half, and the low half is discarded.
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit += 1) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  return register;
});

/** Of `bytes` from `start` up to, not including, `end`. */
export function hj212Crc(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let register = 0xffff;
  for (let at = start; at < end; at += 1) register = TABLE[(register >> 8) ^ (bytes[at] as number)] as number;
  return register;
}

/**
 * Check values of any range of a stream, each in one step, however many ranges are asked for.
 *
 * Only the register's high half goes into the next byte, by a linear map of period 8 (`TABLE[x] >> 8`). Reversed by as
 * many steps as there were bytes, the registers of all ranges that start at one position and end at their check value are
 * one number: the key. A range is valid when the key of its start equals the key of its end.
 */
const PERIOD = 8;
const STEP = Uint8Array.from(TABLE, (value) => value >> 8);
const BACK = new Uint8Array(256);
STEP.forEach((to, from) => { BACK[to] = from; });
const REVERSED: readonly Uint8Array[] = reversedTables();

function reversedTables(): Uint8Array[] {
  const tables = [Uint8Array.from({ length: 256 }, (_, value) => value)];
  for (let turn = 1; turn < PERIOD; turn += 1) tables.push((tables[turn - 1] as Uint8Array).map((value) => BACK[value] as number));
  return tables;
}

/** @param sum over all bytes before, beginning with 0 @param offset of the byte, from the same start */
export function nextCrcSum(sum: number, offset: number, byte: number): number {
  return sum ^ ((REVERSED[offset % PERIOD] as Uint8Array)[byte] as number);
}

/** Key of a range that starts at `offset`. */
export function crcKeyOfStart(sum: number, offset: number): number {
  return sum ^ ((REVERSED[offset % PERIOD] as Uint8Array)[0xff] as number);
}

/** Key of a range that ends before `offset` with this check value; null for a value that no range can have. */
export function crcKeyOfEnd(sum: number, offset: number, crc: number): number | null {
  if (TABLE[BACK[crc >> 8] as number] !== crc) return null;
  return sum ^ ((REVERSED[offset % PERIOD] as Uint8Array)[crc >> 8] as number);
}
