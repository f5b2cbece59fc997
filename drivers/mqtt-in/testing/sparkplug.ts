/** Sparkplug payloads byte by byte, for tests. */
export const varint = (value: number | bigint): number[] => {
  const wide = BigInt(value);
  return wide < 128n ? [Number(wide)] : [Number(wide % 128n) + 128, ...varint(wide / 128n)];
};

/** A field of numbers. */
export const number = (field: number, value: number | bigint): number[] => [...varint(field * 8), ...varint(value)];

/** A field of bytes: a text, a message, or as they are. */
export const bytes = (field: number, value: string | readonly number[]): number[] => {
  const all = typeof value === 'string' ? [...Buffer.from(value)] : value;
  return [...varint(field * 8 + 2), ...varint(all.length), ...all];
};

export function float(field: number, value: number): number[] {
  const all = Buffer.alloc(4);
  all.writeFloatLE(value);
  return [...varint(field * 8 + 5), ...all];
}

export function double(field: number, value: number): number[] {
  const all = Buffer.alloc(8);
  all.writeDoubleLE(value);
  return [...varint(field * 8 + 1), ...all];
}

export interface MetricFields {
  name?: string;
  alias?: number;
  at?: number;
  datatype?: number;
  /** Further fields, the value among them. */
  more?: number[];
}

export const metric = ({ name, alias, at, datatype, more = [] }: MetricFields): number[] => bytes(2, [
  ...(name === undefined ? [] : bytes(1, name)), ...(alias === undefined ? [] : number(2, alias)), ...(at === undefined ? [] : number(3, at)), ...(datatype === undefined ? [] : number(4, datatype)), ...more,
]);

export function payload({ at, seq, metrics = [] }: { at?: number; seq?: number; metrics?: number[][] }): Uint8Array {
  return Uint8Array.from([...(at === undefined ? [] : number(1, at)), ...metrics.flat(), ...(seq === undefined ? [] : number(3, seq))]);
}
