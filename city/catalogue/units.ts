/**
 * Units in UCUM (https://ucum.org), by NLM's library. It takes about 40 ms and 16 MB, so it is loaded at the first
 * question and never by a program that asks none.
 */
import { createRequire } from 'node:module';
import type { UcumLhcUtils } from '@lhncbc/ucum-lhc';
import { setBounded } from '../../core/bounded-map.ts';

let loaded: UcumLhcUtils | undefined;
const ucum = (): UcumLhcUtils =>
  (loaded ??= (createRequire(import.meta.url)('@lhncbc/ucum-lhc') as typeof import('@lhncbc/ucum-lhc')).UcumLhcUtils.getInstance());

export type UnitCheck = { ok: true } | { ok: false; suggestion: string | null };

/** What people write for a unit, each with its UCUM code. Compared after `plain`, without regard to case. */
const COLLOQUIAL: Readonly<Record<string, string>> = {
  degc: 'Cel',
  celsius: 'Cel',
  c: 'Cel',
  degf: '[degF]',
  f: '[degF]',
  kelvin: 'K',
  percent: '%',
  pct: '%',
  '%rh': '%',
  rh: '%',
  kwh: 'kW.h',
  wh: 'W.h',
  mwh: 'MW.h',
  kvar: 'kW{reactive}',
  kva: 'kV.A',
  rpm: '/min',
  'r/min': '/min',
  ppm: '[ppm]',
  ppb: '[ppb]',
  mmhg: 'mm[Hg]',
  ntu: '{NTU}',
  lux: 'lx',
  lumen: 'lm',
  dba: 'dB',
  'db(a)': 'dB',
  pcs: '{count}',
  count: '{count}',
  person: '{person}',
  persons: '{person}',
  people: '{person}',
  vehicles: '{vehicle}',
  meter: 'm',
  metre: 'm',
  meters: 'm',
  litre: 'L',
  liter: 'L',
  sec: 's',
  second: 's',
  seconds: 's',
  minute: 'min',
  hour: 'h',
  hr: 'h',
  day: 'd',
  mps: 'm/s',
  kmh: 'km/h',
  m3h: 'm3/h',
  cmh: 'm3/h',
  lps: 'L/s',
  lpm: 'L/min',
  kw: 'kW',
  mw: 'mW',
  kpa: 'kPa',
  mpa: 'MPa',
  hpa: 'hPa',
  pa: 'Pa',
  volt: 'V',
  ampere: 'A',
  amp: 'A',
  watt: 'W',
  hz: 'Hz',
  khz: 'kHz',
  db: 'dB',
  ohm: 'Ohm',
  ω: 'Ohm',
  nm: 'nm',
  mm: 'mm',
  cm: 'cm',
  km: 'km',
  ton: 't',
  tonne: 't',
  kg: 'kg',
  'us/cm': 'uS/cm',
  'ug/m3': 'ug/m3',
  'mg/m3': 'mg/m3',
  'm3/h': 'm3/h',
  'm3/s': 'm3/s',
  'l/s': 'L/s',
  'mg/l': 'mg/L',
  'μsv/h': 'uSv/h',
  'usv/h': 'uSv/h',
  '度': 'Cel',
  '米': 'm',
  '人': '{person}',
  '辆': '{vehicle}',
  none: '1',
  '-': '1',
};

/** What is known without the library: an edge with ordinary units never loads it. */
export const COMMON_UNITS: readonly string[] = [...new Set(Object.values(COLLOQUIAL))];
const known = new Map<string, UnitCheck>(COMMON_UNITS.map((code) => [code, { ok: true }]));

/** What senders invent must not fill the memory: beyond so many the oldest is asked again. */
const MAX_KNOWN = 10_000;

/** Whether a code is UCUM; if not, what was probably meant. '' (no unit) is not asked here. */
export function checkUnit(code: string): UnitCheck {
  let answer = known.get(code);
  if (!answer) setBounded(known, code, answer = isUcum(code) ? { ok: true } : { ok: false, suggestion: suggest(code) }, MAX_KNOWN);
  return answer;
}

function isUcum(code: string): boolean {
  // The library trims; a blank is no part of a code.
  return isPlainText(code) && ucum().validateUnitString(code).status === 'valid';
}

/** The library looks names up in a plain object, where `constructor` and its like are found too, and it breaks on them. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);
const isPlainText = (code: string): boolean => /^[!-~]{1,64}$/.test(code) && !INHERITED.some((name) => code.includes(name));

function suggest(code: string): string | null {
  const simple = plain(code);
  const guesses = [
    COLLOQUIAL[simple.toLowerCase()],
    simple,
    simple.split('/').map((part) => COLLOQUIAL[part.toLowerCase()] ?? part).join('/'),
    simple.toLowerCase(),
  ];
  for (const guess of guesses) if (guess && guess !== code && isUcum(guess)) return guess;
  if (!isPlainText(simple)) return null;
  const { ucumCode, suggestions } = ucum().validateUnitString(simple, true);
  return ucumCode ?? suggestions?.[0]?.units[0]?.[0] ?? null;
}

/** Signs that look right and are not UCUM: superscripts, µ, ℃, ×, blanks. */
function plain(code: string): string {
  return code
    .trim()
    .replaceAll('²', '2')
    .replaceAll('³', '3')
    .replaceAll('¹', '1')
    .replace(/[µμ]/g, 'u')
    .replace(/℃|° ?C/g, 'Cel')
    .replace(/℉|° ?F/g, '[degF]')
    .replace(/[·×*]/g, '.')
    .replaceAll('^', '')
    .replaceAll('Ω', 'Ohm')
    .replace(/\s+/g, '');
}

/** A value in another unit; null when the two do not measure the same. */
export function convertUnit(value: number, from: string, to: string): number | null {
  if (from === to) return value;
  // Without a suggestion: nobody would read it, and it takes longest.
  if (![from, to].every((code) => known.get(code)?.ok ?? isUcum(code))) return null;
  const { status, toVal } = ucum().convertUnitTo(from, value, to);
  return status === 'succeeded' && toVal !== null && Number.isFinite(toVal) ? toVal : null;
}

/**
 * The same for many values: a function made once, a multiplication and an addition where the units allow it (all but
 * logarithmic ones such as pH and dB).
 *
 * @returns null when the two do not measure the same
 */
export function unitConverter(from: string, to: string): ((value: number) => number) | null {
  if (from === to) return (value) => value;
  const [atZero, atOne, atThousand] = [0, 1, 1000].map((value) => convertUnit(value, from, to));
  if (atOne == null) return null;
  if (atZero == null || atThousand == null) return (value) => convertUnit(value, from, to) ?? NaN;
  const slope = atOne - atZero;
  const isStraight = Math.abs(atZero + 1000 * slope - atThousand) <= 1e-9 * Math.max(1, Math.abs(atThousand));
  if (!isStraight) return (value) => convertUnit(value, from, to) ?? NaN;
  // Slope from the far point: fewer digits are lost when the offset is large (K to Cel).
  const factor = (atThousand - atZero) / 1000;
  return (value) => value * factor + atZero;
}
