/** What a link hands to `decode`, and which points read which field. */
import type { DigitFormat } from './digits.ts';
import type { FrameProtocol, ProtocolItem } from './protocol.ts';
import type { FramePoint } from './settings.ts';

export type DescribedFrame = DescribedMessageFrame | AwayFrame | SilentFrame;

export interface DescribedMessageFrame {
  is: 'message';
  /** The whole frame without byte stuffing. */
  bytes: Uint8Array;
  pointMap: FieldPointMap;
}

/** No device with this identity is connected. */
interface AwayFrame {
  is: 'away';
  identity: string;
  address: string;
  /** It was connected before. */
  wasConnected: boolean;
}

/** A poll was not answered. */
interface SilentFrame {
  is: 'silent';
  address: string;
  timeoutMs: number;
  /** Unanswered polls in a row. */
  count: number;
  points: readonly string[];
}

export interface FieldPoint {
  id: string;
  /** Only where other fields have these values, as text. */
  where: readonly [name: string, value: string][];
}

export interface FieldPointMap {
  protocol: FrameProtocol;
  /** `message.field` → points; null: all values are given, under their field names. */
  byField: ReadonlyMap<string, readonly FieldPoint[]> | null;
  /** Values are given with the bytes that they were read from, for the command line. */
  withBytes?: true;
}

export function fieldPointMap(protocol: FrameProtocol, points: readonly ({ id: string } & FramePoint)[]): FieldPointMap {
  const byField = new Map<string, FieldPoint[]>();
  for (const { id, read, where } of points)
    byField.set(read, [...(byField.get(read) ?? []), { id, where: Object.entries(where).map(([name, value]) => [name, String(value)]) }]);
  return { protocol, byField };
}

/** All fields that a point can read, with their properties in the description. */
export function readableFields(
  protocol: FrameProtocol,
): Map<
  string,
  {
    unit: string | null;
    kind: 'measurement' | 'state' | 'occurrence' | null;
    indicator: string | null;
    isText: boolean;
    isTag: boolean;
    names: ReadonlyMap<string, number>;
    digits: ReadonlyMap<number, DigitFormat>;
  }
> {
  const fields = new Map<string, ReturnType<typeof readableFields> extends Map<string, infer V> ? V : never>();
  for (const { items, name, names: known, digits } of protocol.messages) {
    const add = (item: (typeof protocol.head)[number], isTag: boolean, prefix: string, group: ReadonlyMap<string, number> | null) => {
      const names = new Map([...known, ...(group ?? [])]);
      const { unit, kind, indicator, type, words } = item;
      const isText = words !== null || ['ascii', 'gbk', 'hex'].includes(type);
      if (item.key !== null)
        fields.set(prefix + item.key, { unit, kind: kind ?? (isTag ? 'occurrence' : null), indicator, isText, isTag, names, digits });
      for (const bit of item.bits)
        fields.set(prefix + bit.key, { unit: null, kind: 'state', indicator: null, isText: true, isTag: false, names, digits });
    };
    for (const field of protocol.head) add(field, false, `${name}.`, null);
    const addAll = (all: readonly ProtocolItem[], isTag: boolean, group: ReadonlyMap<string, number> | null) => {
      for (const item of all) {
        if ('group' in item) addAll(item.items, isTag || item.tag !== null, item.names);
        else add(item, isTag, '', group);
      }
    };
    addAll(items, false, null);
  }
  return fields;
}
