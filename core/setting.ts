/** Building blocks for settings: zod fields that take the one written form and give numbers in base units. */
import { z } from 'zod';
import { parseBytes, parseDurationMs, parseRate, type RatePerPeriod } from './quantity.ts';
import { isTimeZone } from './time-zone.ts';

/** A custom complaint in both languages, for `refine` and `addIssue`: `refine(isIp, complaint('no IP address', '不是 IP 地址'))`. */
export function settingIssue(en: string, zh: string): { message: string; params: { zh: string } } {
  return { message: en, params: { zh } };
}

/** How a text of a special form is spoken of when something else stands there. */
export interface SettingFormat {
  en: string;
  zh: string;
  example: string;
  /** For the editors' JSON Schema: all texts of this form fit, and few others. */
  pattern?: string;
}

const DURATION = '(\\d+(\\.\\d+)?(ms|s|m|h|d|y))';

function text<T>(parse: (text: string) => T | null, form: SettingFormat) {
  return z.string().meta({ form }).transform((value, context): T => {
    const parsed = parse(value);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', input: value, ...settingIssue(`"${value}" is not ${form.en}`, `“${value}”不是${form.zh}`) });
    return z.NEVER;
  });
}

/** ms from `500ms 1s 5m 2h 90d 2y forever`. Give a default with `.prefault('2s')`. */
export const durationMs = () =>
  text(parseDurationMs, {
    en: 'a duration such as 500ms, 1s, 5m, 2h or 90d',
    zh: '时长（如 500ms、1s、5m、2h、90d）',
    example: '5s',
    pattern: `^(${DURATION}|forever)$`,
  });
/** Bytes from `64MB 1GB`. */
export const sizeBytes = () =>
  text(parseBytes, {
    en: 'a size such as 64MB or 1GB',
    zh: '容量（如 64MB、1GB）',
    example: '1GB',
    pattern: '^\\d+(\\.\\d+)?(B|KB|MB|GB|TB)$',
  });
/** `{ amount, periodMs }` from `60/1m`. */
export const rate = () =>
  text<RatePerPeriod>(parseRate, { en: 'a rate such as 60/1m', zh: '速率（如 60/1m）', example: '2/1m', pattern: `^[^/]+/${DURATION}$` });

/** A zone of the IANA database. */
export const timeZone = () =>
  z
    .string()
    .refine(isTimeZone, settingIssue('no time zone of the IANA database, such as Asia/Shanghai', '不是 IANA 时区名称（如 Asia/Shanghai）'));

/** Notes that go with every setting: one sentence in each language, for docs, forms and `check`. */
export interface SettingNotes {
  zh: string;
  en: string;
  /** Never echoed, masked in every output. */
  secret?: boolean;
  /** A path, or `file:` before one: a relative one is taken from the folder of the configuration file. `yaml`: only what ends in .yaml is one. */
  path?: boolean | 'yaml';
  examples?: unknown[];
}
