/** Values, units, times and ages as people read them. Times are the town's: UTC+8. */
import type { Value } from '../../api/fields.ts';
import type { Dictionary, Lang } from '../shell/dictionary.ts';

const TOWN_ZONE = 'Asia/Shanghai';
const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: TOWN_ZONE,
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat('sv-SE', { timeZone: TOWN_ZONE, dateStyle: 'short', timeStyle: 'medium' });

/** hh:mm:ss */
export const clockTime = (atMs: number): string => clock.format(atMs);
/** 2026-06-18 14:30:25 UTC+8, for tooltips and other days. */
/** UTC. */
export const dayText = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

export const fullTime = (atMs: number): string => `${day.format(atMs)} UTC+8`;

/** The shortest that still says it: 7 s, 3:05, 2 h 10 min. */
export function age(ageMs: number, lang: Lang): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  const zh = lang === 'zh-CN';
  if (seconds < 60) return zh ? `${seconds} 秒` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return zh ? `${minutes} 分 ${two(seconds % 60)} 秒` : `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return zh ? `${hours} 小时 ${two(minutes % 60)} 分` : `${hours} h ${two(minutes % 60)} min`;
  return zh ? `${Math.floor(hours / 24)} 天` : `${Math.floor(hours / 24)} d`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** UCUM codes that read better otherwise; words in braces are only notes. */
const UNITS: Record<string, string> = {
  Cel: '°C',
  'ug/m3': 'µg/m³',
  'mg/m3': 'mg/m³',
  m3: 'm³',
  'm3/h': 'm³/h',
  deg: '°',
  '1': '',
  '[ppm]': 'ppm',
  'dB[SPL]': 'dB',
  'km/h': 'km/h',
};

export function unitText(unit: string): string {
  return UNITS[unit] ?? unit.replaceAll(/\{[^}]*\}/g, '');
}

export function numberText(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e6 ? String(value) : value.toLocaleString('en-US');
  const digits = Math.abs(value) >= 100 ? 1 : 2;
  return value.toFixed(digits);
}

export function formatValue(value: Value, words: Dictionary): string {
  if (value === null) return words.noValue;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? words.on : words.off;
  return value;
}

export const countText = (count: number): string => count.toLocaleString('en-US');
/** ms with as much as matters. */
export const msText = (ms: number): string => (ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
