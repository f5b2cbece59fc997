/**
 * The data part of a packet as its fields (HJ 212-2017, 6.3.3 to 6.3.6): `QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;CP=&&…&&`.
 * Pure. Nothing is refused here that can be read: unknown fields are left alone, missing ones are ''.
 */

/** Edition of the standard, by the version bits of Flag; without Flag it is 2005. */
export type Edition = '2005' | '2017' | '2025';

export interface Message {
  /** Number of the exchange: 17 digits of the sender's local time; echoed in every answer. */
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  edition: Edition;
  /** Bit A of Flag: an answer is wanted. */
  wantsAnswer: boolean;
  /** Bit D of Flag: one of several packets; `number` counts from 1. */
  part?: { of: number; number: number };
  /** What stands between `CP=&&` and `&&`. */
  content: string;
}

const ANSWER_BIT = 1;
const PART_BIT = 2;
const EDITION_SHIFT = 2;

/** @returns null where there is no CN: then it is no message */
export function readMessage(data: Uint8Array): Message | null {
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
  const isPart = (bits & PART_BIT) !== 0 && Number(of) >= 1 && Number(number) >= 1;
  return {
    qn, st, cn, pw, mn, edition: editionOf(bits), wantsAnswer: (bits & ANSWER_BIT) !== 0, content,
    ...(isPart ? { part: { of: Number(of), number: Number(number) } } : {}),
  };
}

/** 2025's number is what is expected of it; a number above is taken for the newest that we know. */
function editionOf(flag: number): Edition {
  const version = flag >> EDITION_SHIFT;
  if (version === 0) return '2005';
  return version === 1 ? '2017' : '2025';
}

/** Flag of a message of ours. */
function flagOf(edition: Edition, wantsAnswer: boolean): number {
  const version = { 2005: 0, 2017: 1, 2025: 2 }[edition];
  return (version << EDITION_SHIFT) | (wantsAnswer ? ANSWER_BIT : 0);
}

export interface Outgoing {
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  edition: Edition;
  wantsAnswer: boolean;
  content: string;
}

/** The data part of a message of ours. */
export function dataText({ qn, st, cn, pw, mn, edition, wantsAnswer, content }: Outgoing): string {
  const password = pw === '' ? '' : `PW=${pw};`;
  return `QN=${qn};ST=${st};CN=${cn};${password}MN=${mn};Flag=${flagOf(edition, wantsAnswer)};CP=&&${content}&&`;
}

const CHINA_MS = 8 * 3_600_000;

/**
 * ms UTC of `YYYYMMDDhhmmss` or `YYYYMMDDhhmmsszzz` in UTC+8; null where it is no such time. Hour 24 does not exist;
 * second 60 is refused.
 */
export function timeOf(text: string): number | null {
  if (!/^(\d{14}|\d{17})$/.test(text)) return null;
  const part = (from: number, to: number) => Number(text.slice(from, to));
  const [year, month, day, hour, minute, second] = [part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14)] as const;
  const ms = text.length === 17 ? part(14, 17) : 0;
  const at = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const back = new Date(at);
  const isReal = year >= 2000 && back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour && back.getUTCMinutes() === minute && second < 60;
  return isReal ? at - CHINA_MS : null;
}

/** `YYYYMMDDhhmmss` in UTC+8. */
export function stampOf(at: number): string {
  return new Date(at + CHINA_MS).toISOString().replaceAll(/[-:TZ.]/g, '').slice(0, 14);
}

/** `YYYYMMDDhhmmsszzz` in UTC+8: a QN. */
export function qnOf(at: number): string {
  return new Date(at + CHINA_MS).toISOString().replaceAll(/[-:TZ.]/g, '').slice(0, 17);
}
