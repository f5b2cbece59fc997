/**
 * CRC-16/MODBUS: reflected polynomial 0xA001, start 0xFFFF, no final xor. On the wire its low byte comes first.
 *
 * @see MODBUS over Serial Line V1.02, 2.5.1.2
 */
export function crc16Modbus(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}
