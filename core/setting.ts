/** Building blocks for settings: zod fields that take the one written form and give numbers in base units. */
import { z } from 'zod';
import { parseBytes, parseDurationMs, parseRate, type Rate } from './quantity.ts';

function text<T>(parse: (text: string) => T | null, wanted: string) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', message: `"${value}" is not ${wanted}`, input: value });
    return z.NEVER;
  });
}

/** ms from `500ms 1s 5m 2h 90d 2y forever`. Give a default with `.prefault('2s')`. */
export const durationMs = () => text(parseDurationMs, 'a duration such as 500ms, 5m or 2h');
/** Bytes from `64MB 1GB`. */
export const sizeBytes = () => text(parseBytes, 'a size such as 64MB or 1GB');
/** `{ amount, periodMs }` from `60/1m`. */
export const rate = () => text<Rate>(parseRate, 'a rate such as 60/1m');

/** Notes that go with every setting: one sentence in each language, for docs, forms and `check`. */
export interface SettingNotes {
  zh: string;
  en: string;
  /** Never echoed, masked in every output. */
  secret?: boolean;
  examples?: unknown[];
}
