/** Converts values of messages to point values. Pure. */
import type { PointValue } from '../../core/driver.ts';
import { MAX_TEXT_LENGTH, type Position, type Quality, type Value } from '../../core/event.ts';
import { evaluateAll } from './expression.ts';
import './faults.ts';
import { pathSegment } from './path.ts';
import type { ConfiguredMqttPoint } from './settings.ts';

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;
const TRUE = new Set(['true', 'on', 'yes', '1']);
const FALSE = new Set(['false', 'off', 'no', '0']);

/** The value in the point's type; bad with a fault where it does not fit. */
export function toPointValue({ id, type }: Pick<ConfiguredMqttPoint, 'id' | 'type'>, raw: unknown): PointValue {
  const value = converted(type, raw);
  if (value !== undefined) return { point: id, value };
  return {
    point: id,
    value: null,
    quality: 'bad',
    flags: ['sensor'],
    fault: { code: 'CV_MQTT_IN_VALUE', params: { point: id, type, said: jsonExcerpt(raw) } },
  };
}

/** Values of a point from JSON, in its type; bad with a fault where its expression fails. */
export function evaluatePoint(point: ConfiguredMqttPoint, root: unknown): PointValue[] {
  const { values, problem } = evaluateAll(root, point.path ?? '');
  if (!problem) return values.map((raw) => toPointValue(point, raw));
  return [
    {
      point: point.id,
      value: null,
      quality: 'bad',
      flags: ['config'],
      fault: { code: 'CV_MQTT_IN_EXPRESSION', params: { point: point.id, detail: problem.en, detailZh: problem.zh } },
    },
  ];
}

function converted(type: ConfiguredMqttPoint['type'], raw: unknown): Value | undefined {
  if (type === 'text') return typeof raw === 'object' || raw === undefined ? undefined : String(raw).slice(0, MAX_TEXT_LENGTH);
  if (type === 'bool') {
    if (typeof raw === 'boolean') return raw;
    const word = typeof raw === 'string' || typeof raw === 'number' ? String(raw).trim().toLowerCase() : '';
    return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
  }
  const number =
    typeof raw === 'number'
      ? raw
      : typeof raw === 'boolean'
        ? Number(raw)
        : typeof raw === 'string' && NUMBER.test(raw)
          ? Number(raw)
          : NaN;
  return Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

export function jsonExcerpt(raw: unknown): string {
  const text = typeof raw === 'string' ? `"${raw}"` : raw === undefined ? 'undefined' : JSON.stringify(raw) ?? typeof raw;
  return text.length > 48 ? `${text.slice(0, 48)}…` : text;
}

/** A position; null when there is none, or for 0, 0, which receivers without a fix send. */
export function parsePosition(raw: unknown): Position | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const fields = raw as Record<string, unknown>;
  const pick = (...names: string[]) =>
    names.map((name) => fields[name]).find((one): one is number => typeof one === 'number' && Number.isFinite(one));
  const [lat, lon, heightM] = [pick('latitude', 'lat'), pick('longitude', 'lon', 'lng'), pick('height', 'altitude', 'alt')];
  if (lat === undefined || lon === undefined || Math.abs(lat) > 90 || Math.abs(lon) > 180 || (lat === 0 && lon === 0)) return null;
  return { lat, lon, ...(heightM === undefined ? {} : { heightM }) };
}

/** A position as a point: its value is the height, or 0 without one. */
export function positionValue(id: string, raw: unknown): PointValue {
  const position = parsePosition(raw);
  if (position) return { point: id, value: position.heightM ?? 0, position };
  return {
    point: id,
    value: null,
    quality: 'bad',
    flags: ['sensor'],
    fault: {
      code: 'CV_MQTT_IN_VALUE',
      params: {
        point: id,
        type: 'position',
        said:
          raw === null || typeof raw !== 'object'
            ? jsonExcerpt(raw)
            : jsonExcerpt({ latitude: (raw as Record<string, unknown>).latitude, longitude: (raw as Record<string, unknown>).longitude }),
      },
    },
  };
}

/** good, uncertain, bad in words; a boolean; or an OPC quality: from 192 good, from 64 uncertain, below bad. */
export function parseQuality(raw: unknown): Quality {
  if (raw === true) return 'good';
  if (raw === false) return 'bad';
  if (typeof raw === 'number') return raw >= 192 && raw < 256 ? 'good' : raw >= 64 && raw < 192 ? 'uncertain' : 'bad';
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (word === 'good' || word === 'ok' || word === 'valid') return 'good';
  return word === 'bad' || word === 'invalid' || word === 'error' ? 'bad' : 'uncertain';
}

const YEAR_1980 = 315_532_800;
const YEAR_2200 = 7_258_118_400;

/** ms UTC from seconds or ms since 1970 (a number, or one as text), or ISO 8601; null for anything but a time from 1980 to 2200. */
export function parseTime(raw: unknown): number | null {
  const number = typeof raw === 'number' ? raw : typeof raw === 'string' && NUMBER.test(raw) ? Number(raw) : NaN;
  if (number >= YEAR_1980 && number < YEAR_2200) return Math.round(number * 1000);
  if (number >= YEAR_1980 * 1000 && number < YEAR_2200 * 1000) return Math.round(number);
  // A time without a zone is UTC, whatever the zone of this machine.
  const written =
    typeof raw === 'string' ? /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(raw.trim()) : null;
  if (!written) return null;
  const at = Date.parse(`${written[1]}T${written[2]}${written[3] ?? 'Z'}`);
  return at >= YEAR_1980 * 1000 && at < YEAR_2200 * 1000 ? at : null;
}

const MAX_SHOWN = 200;

/** Every leaf of a JSON value with its path, where no points are configured. */
export function leafValues(json: unknown, path = '', found: PointValue[] = []): PointValue[] {
  if (found.length >= MAX_SHOWN) return found;
  if (Array.isArray(json)) json.forEach((one, at) => leafValues(one, `${path}[${at}]`, found));
  else if (typeof json === 'object' && json !== null)
    for (const [key, one] of Object.entries(json)) leafValues(one, `${path}${path ? '.' : ''}${pathSegment(key)}`, found);
  else if (json !== null && path !== '')
    found.push(toPointValue({ id: path, type: typeof json === 'number' ? 'number' : typeof json === 'boolean' ? 'bool' : 'text' }, json));
  return found;
}
