/**
 * A simulated Modbus device for rigs and tests: requests in, answers out, as TCP or RTU. It shares no code with the driver
 * or its library, so that the two sides of a test do not share a mistake. Functions 1 to 6, 15, 16 and 43/14.
 */

/** The contents of a simulated device: registers or bits of an area, or an exception code. Bits are 0 and 1. */
export interface SimulatedModbusDevice {
  read(unit: number, fc: 1 | 2 | 3 | 4, start: number, count: number): number[] | { exception: number };
  /** Accepts values, or returns an exception code. Without it nothing can be written. */
  write?(unit: number, fc: 5 | 6 | 15 | 16, start: number, cells: number[]): number | null;
  /** A unit's basic identification: vendor, product, version; null for a unit that does not exist. */
  identity?(unit: number): readonly string[] | null;
  /** Units that answer; on a serial line the others are silent. Default: all. */
  units?: readonly number[];
}

/** The exception of a gateway behind which the unit does not answer. */
export const NO_SUCH_UNIT = 11;

export type ModbusEnvelope = 'tcp' | 'rtu';

/** Takes bytes in pieces and returns each whole request with its answer; null when they are not Modbus TCP. */
export function requestReader(
  device: SimulatedModbusDevice,
  envelope: ModbusEnvelope,
): (bytes: Uint8Array) => { request: Buffer; answer: Buffer | null }[] | null {
  let held = Buffer.alloc(0);
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    const answered: { request: Buffer; answer: Buffer | null }[] = [];
    for (;;) {
      const whole = envelope === 'tcp' ? tcpBytes(held) : rtuBytes(held);
      if (whole === 'bad' && envelope === 'tcp') return null;
      if (whole === 'bad') held = held.subarray(1);
      else if (whole === null || held.length < whole) return answered;
      else {
        const request = held.subarray(0, whole);
        held = held.subarray(whole);
        answered.push({ request, answer: answerTo(request, device, envelope) });
      }
    }
  };
}

function tcpBytes(held: Buffer): number | null | 'bad' {
  if (held.length < 8) return null;
  const whole = 6 + held.readUInt16BE(4);
  return held.readUInt16BE(2) === 0 && whole >= 8 && whole <= 260 ? whole : 'bad';
}

function rtuBytes(held: Buffer): number | null | 'bad' {
  if (held.length < 7) return null;
  const fc = held.readUInt8(1);
  const whole = fc === 15 || fc === 16 ? 9 + held.readUInt8(6) : fc === 43 ? 7 : 8;
  if (held.length < whole) return null;
  return crc(held.subarray(0, whole - 2)) === held.readUInt16LE(whole - 2) ? whole : 'bad';
}

/** The correct answer to a request ADU, exceptions included; null from a serial unit that does not exist. */
function answerTo(request: Buffer, device: SimulatedModbusDevice, envelope: ModbusEnvelope): Buffer | null {
  const body = envelope === 'tcp' ? request.subarray(6) : request.subarray(0, -2);
  const unit = body.readUInt8(0);
  const exists = device.units?.includes(unit) ?? true;
  if (!exists && envelope === 'rtu') return null;
  const fc = body.readUInt8(1);
  const pdu = exists ? answerPdu(unit, body.subarray(1), device) : Buffer.from([fc | 0x80, NO_SUCH_UNIT]);
  if (envelope === 'rtu') return rtuFrame(Buffer.concat([Buffer.from([unit]), pdu]));
  const header = Buffer.from(request.subarray(0, 7));
  header.writeUInt16BE(pdu.length + 1, 4);
  return Buffer.concat([header, pdu]);
}

function answerPdu(unit: number, asked: Buffer, device: SimulatedModbusDevice): Buffer {
  const fc = asked.readUInt8(0);
  const refused = (exception: number) => Buffer.from([fc | 0x80, exception]);
  if (fc === 43 && device.identity && asked[1] === 14) {
    const texts = device.identity(unit);
    return texts ? identification(texts) : refused(NO_SUCH_UNIT);
  }
  if ((fc === 5 || fc === 6 || fc === 15 || fc === 16) && device.write) {
    const start = asked.readUInt16BE(1);
    const exception = device.write(unit, fc, start, writtenCells(fc, asked));
    return exception === null ? Buffer.from(asked.subarray(0, 5)) : refused(exception);
  }
  if (fc < 1 || fc > 4) return refused(1);
  if (asked.length !== 5) return refused(3);
  const [start, count] = [asked.readUInt16BE(1), asked.readUInt16BE(3)];
  if (count < 1 || count > (fc > 2 ? 125 : 2000)) return refused(3);
  const cells = device.read(unit, fc as 1 | 2 | 3 | 4, start, count);
  if (!Array.isArray(cells)) return refused(cells.exception);
  const data = fc > 2 ? registerBytes(cells) : bitBytes(cells);
  return Buffer.concat([Buffer.from([fc, data.length]), data]);
}

function writtenCells(fc: number, asked: Buffer): number[] {
  if (fc === 5) return [asked.readUInt16BE(3) === 0xff00 ? 1 : 0];
  if (fc === 6) return [asked.readUInt16BE(3)];
  const count = asked.readUInt16BE(3);
  return Array.from({ length: count }, (_, at) =>
    fc === 16 ? asked.readUInt16BE(6 + at * 2) : (asked.readUInt8(6 + (at >> 3)) >> (at & 7)) & 1,
  );
}

function registerBytes(cells: readonly number[]): Buffer {
  const data = Buffer.alloc(cells.length * 2);
  cells.forEach((cell, at) => { data.writeUInt16BE(cell & 0xffff, at * 2); });
  return data;
}

function bitBytes(cells: readonly number[]): Buffer {
  const data = Buffer.alloc(Math.ceil(cells.length / 8));
  cells.forEach((cell, at) => { if (cell) data[at >> 3] = (data[at >> 3] as number) | (1 << (at & 7)); });
  return data;
}

function identification(texts: readonly string[]): Buffer {
  const objects = texts.map((text, object) => Buffer.concat([Buffer.from([object, Buffer.byteLength(text)]), Buffer.from(text)]));
  return Buffer.concat([Buffer.from([43, 14, 1, 1, 0, 0, texts.length]), ...objects]);
}

/** Unit and PDU with their CRC. */
export function rtuFrame(body: Uint8Array): Buffer {
  const check = crc(body);
  return Buffer.concat([body, Buffer.from([check & 0xff, check >>> 8])]);
}

/** CRC-16/MODBUS, bit by bit. */
function crc(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) register = register & 1 ? (register >>> 1) ^ 0xa001 : register >>> 1;
  }
  return register;
}
