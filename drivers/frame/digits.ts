/** Hex and BCD values as written in conditions, points and enumerations. Pure. */

/** A hex or BCD field; `count` digits, 0 where the frame determines it. */
export interface DigitFormat {
  type: 'hex' | 'bcd';
  count: number;
}

/** Longest BCD that a number holds exactly. */
export const MAX_NUMBER_DIGITS = 15;

/** The text as the field reads: hex in upper case, BCD without leading zeros where it is a number. */
export function normalizeDigits(wanted: string, digits: DigitFormat | undefined): string {
  if (digits?.type === 'hex') return wanted.toUpperCase();
  return digits?.type === 'bcd' && /^\d+$/.test(wanted) && wanted.length <= MAX_NUMBER_DIGITS ? String(Number(wanted)) : wanted;
}

/**
 * YAML reads many hex values as numbers: `00010000` becomes 10000, and `1E10` a very large one. Accepted where no digit was
 * lost.
 *
 * @returns the problem, for people; null when there is none
 */
export function hexProblem(wanted: unknown, { count }: DigitFormat): { en: string; zh: string } | null {
  const text = String(wanted);
  const isHex = typeof wanted !== 'boolean' && /^([0-9A-F]{2})+$/i.test(text);
  if (isHex && (count === 0 ? typeof wanted === 'string' : text.length === count)) return null;
  const example = '901F'.repeat(16).slice(0, count || 4);
  return {
    en: `${text}: hex digits must be quoted, ${count === 0 ? 'two per byte' : `${count} of them`}, such as "${example}"`,
    zh: `${text}：十六进制须加引号，${count === 0 ? '每字节两位' : `共 ${count} 位`}，如 "${example}"`,
  };
}
