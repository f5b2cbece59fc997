/** A register map with a value of every type in every order, written by Buffer and not by our driver. */

type Order = 'big' | 'little';

export interface EveryType {
  cells: { holding: Record<number, number>; input: Record<number, number>; coil: Record<number, number>; discrete: Record<number, number> };
  /** Points as a config writes them. */
  points: Record<string, unknown>[];
  /** Value of each point, or the code of its fault. */
  wanted: Map<string, unknown>;
}

const ORDERS: [name: string, wordOrder: Order, byteOrder: Order][] = [
  ['abcd', 'big', 'big'],
  ['cdab', 'little', 'big'],
  ['badc', 'big', 'little'],
  ['dcba', 'little', 'little'],
];

function bytes(length: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(length);
  write(buffer);
  return buffer;
}

const SAMPLES: [type: string, big: Buffer, value: unknown][] = [
  ['int16', bytes(2, (b) => b.writeInt16BE(-12345)), -12345],
  ['uint16', bytes(2, (b) => b.writeUInt16BE(54321)), 54321],
  ['int32', bytes(4, (b) => b.writeInt32BE(-1_234_567_890)), -1_234_567_890],
  ['uint32', bytes(4, (b) => b.writeUInt32BE(4_000_000_001)), 4_000_000_001],
  ['int64', bytes(8, (b) => b.writeBigInt64BE(-4_503_599_627_370_497n)), -4_503_599_627_370_497],
  ['uint64', bytes(8, (b) => b.writeBigUInt64BE(9_007_199_254_740_991n)), 9_007_199_254_740_991],
  ['float32', bytes(4, (b) => b.writeFloatBE(123.456)), 123.456],
  ['float64', bytes(8, (b) => b.writeDoubleBE(-98_765.432_1)), -98_765.432_1],
  ['bcd16', Buffer.from('1234', 'hex'), 1234],
  ['bcd32', Buffer.from('12345678', 'hex'), 12_345_678],
];

export function registersOfEveryType(): EveryType {
  const all: EveryType = { cells: { holding: {}, input: {}, coil: {}, discrete: {} }, points: [], wanted: new Map() };
  let at = 0;
  const put = (id: string, wire: Buffer, point: Record<string, unknown>, value: unknown) => {
    for (let word = 0; word < wire.length / 2; word += 1)
      for (const area of ['holding', 'input'] as const) all.cells[area][at + word] = wire.readUInt16BE(word * 2);
    for (const area of ['holding', 'input'] as const) {
      all.points.push({ id: `${area}-${id}`, address: `${area}:${at}`, ...point });
      all.wanted.set(`${area}-${id}`, value);
    }
    at += wire.length / 2;
  };
  for (const [type, big, value] of SAMPLES) {
    for (const [name, wordOrder, byteOrder] of ORDERS)
      put(`${type}-${name}`, onWire(big, wordOrder, byteOrder), { type, wordOrder, byteOrder }, value);
  }
  put('unsafe', bytes(8, (b) => b.writeBigUInt64BE(9_007_199_254_740_993n)), { type: 'uint64' }, 'CV_VALUE_UNSAFE');
  put('nan', Buffer.from('7fc00000', 'hex'), { type: 'float32' }, 'CV_VALUE_UNSAFE');
  put('no-sensor', Buffer.from('7fff', 'hex'), { type: 'int16', invalid: [0x7fff] }, null);
  put('text', Buffer.from('PS-07 泵站\0\0'), { type: 'string', length: 14 }, 'PS-07 泵站');
  for (let bit = 0; bit < 20; bit += 1) {
    for (const [area, on] of [['coil', bit % 3 === 0], ['discrete', bit % 4 === 1]] as const) {
      all.cells[area][bit] = Number(on);
      all.points.push({ id: `${area}-${bit}`, address: `${area}:${bit}` });
      all.wanted.set(`${area}-${bit}`, on);
    }
  }
  return all;
}

function onWire(big: Buffer, wordOrder: Order, byteOrder: Order): Buffer {
  const words = Array.from({ length: big.length / 2 }, (_, index) => Buffer.from(big.subarray(index * 2, index * 2 + 2)));
  if (byteOrder === 'little') for (const word of words) word.swap16();
  return Buffer.concat(wordOrder === 'little' ? words.toReversed() : words);
}
