/** Ids that are hex or BCD, as conditions, points and enumerations name them. Pure. */

/** A field of such a type; how many digits it has, 0 where the frame says it. */
export interface Digits {
  type: 'hex' | 'bcd';
  count: number;
}

/** Longest BCD that stays a number exactly. */
export const NUMBER_DIGITS = 15;

/** The text as the field reads: hex in capitals, BCD without zeros at its head where it is a number. */
export function asRead(wanted: string, digits: Digits | undefined): string {
  if (digits?.type === 'hex') return wanted.toUpperCase();
  return digits?.type === 'bcd' && /^\d+$/.test(wanted) && wanted.length <= NUMBER_DIGITS ? String(Number(wanted)) : wanted;
}

/**
 * YAML makes a number of most hex digits: `00010000` is 10000 to it, and `1E10` a very large one. As good as text where none was lost.
 *
 * @returns what is wrong, for people; null: nothing
 */
export function hexProblem(wanted: unknown, { count }: Digits): { en: string; zh: string } | null {
  const text = String(wanted);
  const isHex = typeof wanted !== 'boolean' && /^([0-9A-F]{2})+$/i.test(text);
  if (isHex && (count === 0 ? typeof wanted === 'string' : text.length === count)) return null;
  const example = '901F'.repeat(16).slice(0, count || 4);
  return {
    en: `${text}: hex digits are written in quotes, ${count === 0 ? 'two a byte' : `${count} of them`}, such as "${example}"`,
    zh: `${text}：十六进制须加引号，${count === 0 ? '每字节两位' : `共 ${count} 位`}，如 "${example}"`,
  };
}
