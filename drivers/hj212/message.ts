/**
 * The data part of a packet as its fields (HJ 212-2017, 6.3.3 to 6.3.6): `QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;CP=&&…&&`.
 * Pure and lenient: unknown fields are ignored, missing ones are ''.
 */

/** Edition of the standard, from the version bits of Flag; 2005 without Flag. */
export type Hj212Edition = '2005' | '2017' | '2025';

export interface Hj212Message {
  /** Request number: 17 digits of the sender's local time; repeated in every answer. */
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  edition: Hj212Edition;
  /** Bit A of Flag: an answer is wanted. */
  wantsAnswer: boolean;
  /** Bit D of Flag: one of several packets (PNUM, PNO); `number` counts from 1. */
  fragment?: { count: number; number: number };
  /** The text between `CP=&&` and `&&`. */
  content: string;
}

const ANSWER_BIT = 1;
const FRAGMENT_BIT = 2;
const EDITION_SHIFT = 2;

/** @returns null without a CN */
export function parseHj212Message(data: Uint8Array): Hj212Message | null {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  const begins = text.indexOf('CP=&&');
  const head = begins < 0 ? text : text.slice(0, begins);
  const ends = text.lastIndexOf('&&');
  const content = begins < 0 ? '' : text.slice(begins + 5, ends > begins + 3 ? ends : undefined);
  let [qn, st, cn, pw, mn, flag, of, number] = ['', '', '', '', '', '', '', ''];
  for (const field of head.split(';')) {
    const equals = field.indexOf('=');
    if (equals < 0) continue;
    const value = field.slice(equals + 1).trim();
    switch (field.slice(0, equals).trim()) {
      case 'QN': qn = value; break;
      case 'ST': st = value; break;
      case 'CN': cn = value; break;
      case 'PW': pw = value; break;
      case 'MN': mn = value; break;
      case 'Flag': flag = value; break;
      case 'PNUM': of = value; break;
      case 'PNO': number = value; break;
      default: break;
    }
  }
  if (!/^\d{4}$/.test(cn)) return null;
  const bits = /^\d{1,3}$/.test(flag) ? Number(flag) : 0;
  const isFragment = (bits & FRAGMENT_BIT) !== 0 && Number(of) >= 1 && Number(number) >= 1;
  return {
    qn, st, cn, pw, mn, edition: editionOf(bits), wantsAnswer: (bits & ANSWER_BIT) !== 0, content,
    ...(isFragment ? { fragment: { count: Number(of), number: Number(number) } } : {}),
  };
}

/** 2025's number is the expected one; a higher number counts as the newest edition. */
function editionOf(flag: number): Hj212Edition {
  const version = flag >> EDITION_SHIFT;
  if (version === 0) return '2005';
  return version === 1 ? '2017' : '2025';
}

/** Flag of a message of ours. */
function flagOf(edition: Hj212Edition, wantsAnswer: boolean): number {
  const version = { 2005: 0, 2017: 1, 2025: 2 }[edition];
  return (version << EDITION_SHIFT) | (wantsAnswer ? ANSWER_BIT : 0);
}

export interface Hj212MessageToSend {
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  edition: Hj212Edition;
  wantsAnswer: boolean;
  content: string;
}

/** The data part of a message of ours. */
export function formatHj212Message({ qn, st, cn, pw, mn, edition, wantsAnswer, content }: Hj212MessageToSend): string {
  const password = pw === '' ? '' : `PW=${pw};`;
  return `QN=${qn};ST=${st};CN=${cn};${password}MN=${mn};Flag=${flagOf(edition, wantsAnswer)};CP=&&${content}&&`;
}

const CHINA_MS = 8 * 3_600_000;

/**
 * ms UTC of `YYYYMMDDhhmmss` or `YYYYMMDDhhmmsszzz` in UTC+8; null for an invalid time, hour 24 and second 60 included.
 */
export function parseHj212Time(text: string): number | null {
  if (!/^(\d{14}|\d{17})$/.test(text)) return null;
  const part = (from: number, to: number) => Number(text.slice(from, to));
  const [year, month, day, hour, minute, second] = [part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14)] as const;
  const ms = text.length === 17 ? part(14, 17) : 0;
  const at = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const back = new Date(at);
  const isReal =
    year >= 2000 &&
    back.getUTCMonth() === month - 1 &&
    back.getUTCDate() === day &&
    back.getUTCHours() === hour &&
    back.getUTCMinutes() === minute &&
    second < 60;
  return isReal ? at - CHINA_MS : null;
}

/** `YYYYMMDDhhmmss` in UTC+8. */
export function formatHj212Time(at: number): string {
  return new Date(at + CHINA_MS).toISOString().replaceAll(/[-:TZ.]/g, '').slice(0, 14);
}

/** `YYYYMMDDhhmmsszzz` in UTC+8: a QN. */
export function formatQn(at: number): string {
  return new Date(at + CHINA_MS).toISOString().replaceAll(/[-:TZ.]/g, '').slice(0, 17);
}
