/** The exchanges that write a value to a point and read it back. Pure. */
import { FaultError, type Fault } from '../../core/faults.ts';
import { READ_FUNCTION, type ModbusArea } from './address.ts';
import './faults.ts';
import { readBlock, pointRegisters, type ModbusRequest } from './requests.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';
import { encodeValue } from './values.ts';

type Point = { id: string } & ModbusPoint;

const WRITE_ONE = { coil: 5, holding: 6 } as const;
const WRITE_MANY = { coil: 15, holding: 16 } as const;

/**
 * A write and the read of its result: functions 5 (a coil), 6 (one register) or 16 (several), then 1 or 3. Every device
 * supports 5 and 6; `writeMany` uses 15 and 16 for devices that support only those.
 *
 * @param value as the driver reads it: before `scale` and `offset` of the point
 * @returns throws CV_MODBUS_READ_ONLY (inputs, a bit of a register, unit 0) or CV_MODBUS_WRITE_VALUE
 */
export function write(point: Point, value: number | boolean | string, settings: ModbusSettings): ModbusRequest[] {
  const { area, bit } = point.address;
  if (!isWritable(area) || bit !== undefined || settings.unit === 0)
    throw new FaultError('CV_MODBUS_READ_ONLY', { point: point.id, place: placeOf(point) });
  const item = pointRegisters(point);
  const cells = area === 'coil' ? coilOf(value) : encodeValue(value, item);
  if (!Array.isArray(cells)) throw new FaultError('CV_MODBUS_WRITE_VALUE', { point: point.id, type: item.type, value: String(value) });
  const fc = (cells.length === 1 && !settings.writeMany ? WRITE_ONE : WRITE_MANY)[area];
  return [
    { unit: settings.unit, fc, start: item.start, count: cells.length, cells, items: [], points: [] },
    readBlock(settings.unit, READ_FUNCTION[area], [item]),
  ];
}

/** The PDU that confirms a write. @see MODBUS Application Protocol V1.1b3, 6.5, 6.6, 6.11, 6.12 */
export function writeConfirmation(fc: number, start: number, cells: readonly number[]): Uint8Array {
  const second = fc === 5 ? (cells[0] ? 0xff00 : 0) : fc === 6 ? (cells[0] as number) : cells.length;
  return Uint8Array.of(fc, start >>> 8, start & 0xff, second >>> 8, second & 0xff);
}

/** The fault of a write that was not confirmed correctly. */
export function confirmationFault(frame: Uint8Array, { fc, start }: ModbusRequest, cells: readonly number[]): Fault | null {
  const wanted = writeConfirmation(fc, start, cells);
  if (frame.length === wanted.length && wanted.every((byte, at) => byte === frame[at])) return null;
  return { code: 'CV_MODBUS_ANSWER_MISMATCH', params: { detail: 'it does not confirm the written values', detailZh: '未确认所写内容' } };
}

function isWritable(area: ModbusArea): area is keyof typeof WRITE_ONE {
  return area === 'coil' || area === 'holding';
}

function coilOf(value: number | boolean | string): number[] | null {
  return value === true || value === 1 ? [1] : value === false || value === 0 ? [0] : null;
}

function placeOf({ address: { area, index: at, bit } }: Point): string {
  return `${area}:${at}${bit === undefined ? '' : `.${bit}`}`;
}
