/** A number at an offset of a payload, for devices without a codec. Pure. */
import type { ByteField } from './settings.ts';

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const WIDTHS: Readonly<Record<ByteField['type'], number>> = {
  u8: 1,
  i8: 1,
  bit: 1,
  u16: 2,
  i16: 2,
  u24: 3,
  u32: 4,
  i32: 4,
  f32: 4,
  f64: 8,
};

/** @param data base64; absent for an uplink without payload. @returns null where the payload ends before, undefined where it is not base64 */
export function readByteField(data: unknown, { at, type, order, bit }: ByteField): number | null | undefined {
  if (data === undefined) return null;
  if (typeof data !== 'string' || data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  const bytes = Buffer.from(data, 'base64');
  if (at + WIDTHS[type] > bytes.length) return null;
  const isLittle = order === 'little';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'u8': return view.getUint8(at);
    case 'i8': return view.getInt8(at);
    case 'bit': return (view.getUint8(at) >> bit) & 1;
    case 'u16': return view.getUint16(at, isLittle);
    case 'i16': return view.getInt16(at, isLittle);
    case 'u24': return isLittle ? bytes.readUIntLE(at, 3) : bytes.readUIntBE(at, 3);
    case 'u32': return view.getUint32(at, isLittle);
    case 'i32': return view.getInt32(at, isLittle);
    case 'f32': return view.getFloat32(at, isLittle);
    case 'f64': return view.getFloat64(at, isLittle);
  }
}
