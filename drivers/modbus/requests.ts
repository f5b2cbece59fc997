/**
 * The fewest requests that read the points, and how a request is split when the device has no register in one of its
 * gaps. Pure: link and decode both use it, so both split alike.
 */
import type { Request } from '../../core/driver.ts';
import { isRegister, MAX_BITS, MAX_REGISTERS, READ_FUNCTION } from './address.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';
import { registerCount, type ValueFormat } from './values.ts';

/** The registers or bits that hold a point, and their format. */
export interface PointRegisters extends ValueFormat {
  start: number;
  count: number;
}

/** One read of consecutive registers or bits. Items are sorted by start; gaps between them are possible. */
export interface ReadBlock {
  unit: number;
  fc: number;
  start: number;
  count: number;
  items: readonly PointRegisters[];
}

export interface ModbusRequest extends ReadBlock, Request {
  /** For a write: register values, or 0 and 1 for coils. `items` and `points` are empty. */
  cells?: readonly number[];
}

type Point = { id: string } & ModbusPoint;

/**
 * The fewest requests that read these points: neighbours are joined over gaps of at most `maxGap` cells while the
 * block stays within `maxRead`. Going from the lowest address up and closing a block only when the next value does not
 * fit is optimal, since a value that opens a block could not have been in the one before. A value's registers are
 * always in one request, also when it alone is longer than `maxRead`: it must not be torn.
 */
export function requests(points: readonly Point[], settings: ModbusSettings): ModbusRequest[] {
  const made: ModbusRequest[] = [];
  for (const [area, fc] of Object.entries(READ_FUNCTION)) {
    const items = points
      .filter((point) => point.address.area === area)
      .map(pointRegisters)
      .toSorted((a, b) => a.start - b.start || a.count - b.count);
    const [maxGap, maxCount] = fc > 2 ? [settings.maxGap, settings.maxRead] : [settings.maxGapBits, settings.maxReadBits];
    let open: PointRegisters[] = [];
    for (const item of items) {
      const from = open[0]?.start ?? item.start;
      const until = endOf(open);
      if (open.length > 0 && (item.start - until > maxGap || Math.max(until, item.start + item.count) - from > maxCount)) {
        made.push(readBlock(settings.unit, fc, open));
        open = [];
      }
      open.push(item);
    }
    if (open.length > 0) made.push(readBlock(settings.unit, fc, open));
  }
  return made;
}

/**
 * Splits a refused block in two, at its widest gap, else in the middle.
 *
 * @returns null when the block is one value (or values that share registers) and cannot be split
 */
export function splitBlock(block: ReadBlock): [ReadBlock, ReadBlock] | null {
  let best: { at: number; gap: number; offCentre: number } | null = null;
  let until = -1;
  for (let at = 0; at < block.items.length; at += 1) {
    const { start, count } = block.items[at] as PointRegisters;
    if (at > 0 && start >= until) {
      const cut = { at, gap: start - until, offCentre: Math.abs(block.items.length - 2 * at) };
      if (!best || cut.gap > best.gap || (cut.gap === best.gap && cut.offCentre < best.offCentre)) best = cut;
    }
    until = Math.max(until, start + count);
  }
  if (!best) return null;
  return [readBlock(block.unit, block.fc, block.items.slice(0, best.at)), readBlock(block.unit, block.fc, block.items.slice(best.at))];
}

/** Bytes of the values in an answer of functions 1 to 4. */
export function valueBytes(fc: number, count: number): number {
  return fc > 2 ? count * 2 : Math.ceil(count / 8);
}

export function pointRegisters(point: Point): PointRegisters {
  const { area, index: at, bit } = point.address;
  const type = valueTypeOf(point);
  return {
    point: point.id, type, wordOrder: point.wordOrder, byteOrder: point.byteOrder,
    ...(point.length === undefined ? {} : { length: point.length }),
    ...(bit === undefined ? {} : { bit }),
    ...(point.invalid === undefined ? {} : { invalid: point.invalid }),
    start: at, count: isRegister(area) ? registerCount(type, point.length) : 1,
  };
}

/** By default a coil, discrete input or bit is a bool, and a register a uint16. */
export function valueTypeOf(point: Pick<ModbusPoint, 'address' | 'type'>): ValueFormat['type'] {
  return point.type ?? (isRegister(point.address.area) && point.address.bit === undefined ? 'uint16' : 'bool');
}

export function readBlock(unit: number, fc: number, items: readonly PointRegisters[]): ModbusRequest {
  const start = items[0]?.start ?? 0;
  return { unit, fc, start, count: endOf(items) - start, items, points: items.map((item) => item.point) };
}

function endOf(items: readonly PointRegisters[]): number {
  return items.reduce((end, item) => Math.max(end, item.start + item.count), 0);
}

export function maxCount(fc: number): number {
  return fc > 2 ? MAX_REGISTERS : MAX_BITS;
}
