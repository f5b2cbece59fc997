/** Checksums of serial and socket protocols, over a range of bytes. Pure. */
import { crc32 } from 'node:zlib';

/** Size in bytes, by name. */
export const CHECKSUMS = { sum8: 1, xor8: 1, lrc: 1, sum16: 2, 'crc16-modbus': 2, 'crc16-xmodem': 2, 'crc16-ccitt': 2, crc32: 4 } as const;
export type ChecksumType = keyof typeof CHECKSUMS;

/**
 * @returns the check value as an unsigned number. `lrc` is the two's complement of the sum (Modbus ASCII);
 *   `crc16-xmodem` begins with 0, `crc16-ccitt` with FFFF, both with polynomial 1021; `crc32` is that of zip
 */
export function checksumOf(type: ChecksumType, bytes: Uint8Array, from = 0, to = bytes.length): number {
  switch (type) {
    case 'sum8': return sum(bytes, from, to) & 0xff;
    case 'sum16': return sum(bytes, from, to) & 0xffff;
    case 'lrc': return -sum(bytes, from, to) & 0xff;
    case 'xor8': return xor(bytes, from, to);
    case 'crc16-modbus': return crcModbus(bytes, from, to);
    case 'crc16-xmodem': return crc1021(bytes, from, to, 0);
    case 'crc16-ccitt': return crc1021(bytes, from, to, 0xffff);
    case 'crc32': return crc32(bytes.subarray(from, to));
  }
}

function sum(bytes: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let at = from; at < to; at += 1) total += bytes[at] as number;
  return total;
}

function xor(bytes: Uint8Array, from: number, to: number): number {
  let all = 0;
  for (let at = from; at < to; at += 1) all ^= bytes[at] as number;
  return all;
}

const TABLE_A001 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit += 1) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  return register;
});

function crcModbus(bytes: Uint8Array, from: number, to: number): number {
  let register = 0xffff;
  for (let at = from; at < to; at += 1) register = (register >> 8) ^ (TABLE_A001[(register ^ (bytes[at] as number)) & 0xff] as number);
  return register;
}

const TABLE_1021 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) register = register & 0x8000 ? (register << 1) ^ 0x1021 : register << 1;
  return register;
});

function crc1021(bytes: Uint8Array, from: number, to: number, initial: number): number {
  let register = initial;
  for (let at = from; at < to; at += 1)
    register = ((register << 8) & 0xffff) ^ (TABLE_1021[(register >> 8) ^ (bytes[at] as number)] as number);
  return register;
}
