/** Encodes Sparkplug payloads byte by byte, for tests. */
export const varintBytes = (value: number | bigint): number[] => {
  const wide = BigInt(value);
  return wide < 128n ? [Number(wide)] : [Number(wide % 128n) + 128, ...varintBytes(wide / 128n)];
};

/** A varint field. */
export const numberField = (field: number, value: number | bigint): number[] => [...varintBytes(field * 8), ...varintBytes(value)];

/** A length-delimited field: a text, a message, or bytes. */
export const bytesField = (field: number, value: string | readonly number[]): number[] => {
  const all = typeof value === 'string' ? [...Buffer.from(value)] : value;
  return [...varintBytes(field * 8 + 2), ...varintBytes(all.length), ...all];
};

export function floatField(field: number, value: number): number[] {
  const all = Buffer.alloc(4);
  all.writeFloatLE(value);
  return [...varintBytes(field * 8 + 5), ...all];
}

export function doubleField(field: number, value: number): number[] {
  const all = Buffer.alloc(8);
  all.writeDoubleLE(value);
  return [...varintBytes(field * 8 + 1), ...all];
}

export interface MetricFields {
  name?: string;
  alias?: number;
  at?: number;
  datatype?: number;
  /** Further fields, the value among them. */
  more?: number[];
}

export const sparkplugMetric = ({ name, alias, at, datatype, more = [] }: MetricFields): number[] =>
  bytesField(2, [
    ...(name === undefined ? [] : bytesField(1, name)),
    ...(alias === undefined ? [] : numberField(2, alias)),
    ...(at === undefined ? [] : numberField(3, at)),
    ...(datatype === undefined ? [] : numberField(4, datatype)),
    ...more,
  ]);

export function sparkplugPayload({ at, seq, metrics = [] }: { at?: number; seq?: number; metrics?: number[][] }): Uint8Array {
  return Uint8Array.from([
    ...(at === undefined ? [] : numberField(1, at)),
    ...metrics.flat(),
    ...(seq === undefined ? [] : numberField(3, seq)),
  ]);
}
