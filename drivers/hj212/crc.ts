/**
 * The check value of HJ 212 (HJ 212-2017, annex A). It has the polynomial of CRC-16/MODBUS and is not the same: a byte
 * goes in over the register's high half, and the low half is let go.
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit += 1) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  return register;
});

/** Of `bytes` from `start` up to, not including, `end`. */
export function crcOf(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let register = 0xffff;
  for (let at = start; at < end; at += 1) register = TABLE[(register >> 8) ^ (bytes[at] as number)] as number;
  return register;
}

/**
 * Check values of any part of a stream, each in one step, however many parts are asked for.
 *
 * Only the register's high half goes into the next byte, by a linear map of period 8 (`TABLE[x] >> 8`). Turned back by as
 * many steps as there were bytes, the registers of all parts that begin at one place and end where their check value
 * stands are one number: the key. A part is right when the key of its begin is the key of its end.
 */
const PERIOD = 8;
const STEP = Uint8Array.from(TABLE, (value) => value >> 8);
const BACK = new Uint8Array(256);
STEP.forEach((to, from) => { BACK[to] = from; });
const TURNED: readonly Uint8Array[] = turned();

function turned(): Uint8Array[] {
  const tables = [Uint8Array.from({ length: 256 }, (_, value) => value)];
  for (let turn = 1; turn < PERIOD; turn += 1) tables.push((tables[turn - 1] as Uint8Array).map((value) => BACK[value] as number));
  return tables;
}

/** `sum` over all bytes before, from 0 on; `place` counts on from the same begin. */
export function nextSum(sum: number, place: number, byte: number): number {
  return sum ^ ((TURNED[place % PERIOD] as Uint8Array)[byte] as number);
}

/** Of a part that begins at `place`. */
export function keyOfBegin(sum: number, place: number): number {
  return sum ^ ((TURNED[place % PERIOD] as Uint8Array)[0xff] as number);
}

/** Of a part that ends before `place` with this check value; null where no part, whatever its bytes, has that value. */
export function keyOfEnd(sum: number, place: number, crc: number): number | null {
  if (TABLE[BACK[crc >> 8] as number] !== crc) return null;
  return sum ^ ((TURNED[place % PERIOD] as Uint8Array)[crc >> 8] as number);
}
