/** How a value lies in a row, exactly: numbers as REAL, booleans as INTEGER, texts as TEXT, bad ones as NULL. */
import type { Flag, Kind, Quality, Value, Window } from '../../core/event.ts';
import { QUALITIES } from '../../core/event.ts';

export interface SeriesHead {
  indicator: string;
  device: string;
  point: string;
  subject: string;
  centre: string;
  edge: string;
  kind: Kind;
  unit: string;
}

/** What most rows do not have. */
export interface RowExtra {
  /** When it is not the unit of its series. */
  unit?: string;
  window?: Window;
}

export interface StoredPoint {
  at: number;
  value: Value;
  quality: Quality;
  flags: Flag[];
  extra?: RowExtra;
}

export interface SeriesSnapshot extends SeriesHead {
  id: number;
  firstAt: number;
  last: StoredPoint;
}

export type SqlValue = number | bigint | string | null;
/** value, quality, flags, extra: the columns v, q, f, x. */
export type SqlPoint = [SqlValue, bigint, string | null, string | null];

export function toSql({ value, quality, flags, extra }: StoredPoint): SqlPoint {
  return [
    typeof value === 'boolean' ? BigInt(value) : value,
    BigInt(QUALITIES.indexOf(quality)),
    flags.length > 0 ? flags.join(',') : null,
    extra ? JSON.stringify(extra) : null,
  ];
}

/** @param isInteger whether SQLite holds `v` as INTEGER (`typeof(v) = 'integer'`): both come back as JS numbers */
export function fromSql(
  at: number,
  isInteger: boolean,
  [value, quality, flags, extra]: readonly [SqlValue, number | bigint, string | null, string | null],
): StoredPoint {
  return {
    at,
    value: isInteger ? Boolean(value) : (value as Value),
    quality: QUALITIES[Number(quality)] as Quality,
    flags: flags === null ? [] : (flags.split(',') as Flag[]),
    ...(extra === null ? {} : { extra: JSON.parse(extra) as RowExtra }),
  };
}
