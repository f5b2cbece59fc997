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
