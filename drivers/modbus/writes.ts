/** From a point and a value to the exchanges that write it and read it back. Pure. */
import { FaultError, type Fault } from '../../core/faults.ts';
import { READ_FUNCTION, type Area } from './address.ts';
import './faults.ts';
import { blockOf, itemOf, type ModbusRequest } from './requests.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';
import { wordsOf } from './values.ts';

type Point = { id: string } & ModbusPoint;

const WRITE_ONE = { coil: 5, holding: 6 } as const;
const WRITE_MANY = { coil: 15, holding: 16 } as const;

/**
 * The write and the read that shows what the device made of it: functions 5 (a coil), 6 (one register) or 16 (several),
 * then 1 or 3. 5 and 6 are what every device knows; `writeMany` takes 15 and 16 for devices that know only those.
 *
 * @param value as the driver would read it: before `scale` and `offset` of the point
 * @returns throws CV_MODBUS_READ_ONLY (inputs, a bit of a register, unit 0) or CV_MODBUS_WRITE_VALUE
 */
export function write(point: Point, value: number | boolean | string, settings: ModbusSettings): ModbusRequest[] {
  const { area, bit } = point.address;
  if (!isWritable(area) || bit !== undefined || settings.unit === 0) throw new FaultError('CV_MODBUS_READ_ONLY', { point: point.id, place: placeOf(point) });
  const item = itemOf(point);
  const cells = area === 'coil' ? coilOf(value) : wordsOf(value, item);
  if (!Array.isArray(cells)) throw new FaultError('CV_MODBUS_WRITE_VALUE', { point: point.id, type: item.type, value: String(value) });
  const fc = (cells.length === 1 && !settings.writeMany ? WRITE_ONE : WRITE_MANY)[area];
  return [
    { unit: settings.unit, fc, start: item.start, count: cells.length, cells, items: [], points: [] },
    blockOf(settings.unit, READ_FUNCTION[area], [item]),
  ];
}

/** The PDU by which a device says that it has done it. @see MODBUS Application Protocol V1.1b3, 6.5, 6.6, 6.11, 6.12 */
export function confirmationOf(fc: number, start: number, cells: readonly number[]): Uint8Array {
  const second = fc === 5 ? (cells[0] ? 0xff00 : 0) : fc === 6 ? (cells[0] as number) : cells.length;
  return Uint8Array.of(fc, start >>> 8, start & 0xff, second >>> 8, second & 0xff);
}

/** What a write of these cells is decoded to when it was not confirmed as it should be. */
export function unconfirmed(frame: Uint8Array, { fc, start }: ModbusRequest, cells: readonly number[]): Fault | null {
  const wanted = confirmationOf(fc, start, cells);
  if (frame.length === wanted.length && wanted.every((byte, at) => byte === frame[at])) return null;
  return { code: 'CV_MODBUS_ANSWER_MISMATCH', params: { detail: 'it does not confirm what was written', detailZh: '未确认所写内容' } };
}

function isWritable(area: Area): area is keyof typeof WRITE_ONE {
  return area === 'coil' || area === 'holding';
}

function coilOf(value: number | boolean | string): number[] | null {
  return value === true || value === 1 ? [1] : value === false || value === 0 ? [0] : null;
}

function placeOf({ address: { area, at, bit } }: Point): string {
  return `${area}:${at}${bit === undefined ? '' : `.${bit}`}`;
}
