/** The condition of a level as it is written in a rule: `>= 2.0`, `< 0.14`, `== true`, `!= "open"`. */
type Operator = '>=' | '>' | '<=' | '<' | '==' | '!=';

export interface RuleHours {
  operator: Operator;
  limit: number | boolean | string;
}

/** Reads a condition; null when the text is none. Order operators take numbers only. */
export function parseWhen(text: string): RuleHours | null {
  const match = /^\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*$/.exec(text);
  if (!match) return null;
  const operator = match[1] as Operator;
  const limit = parseLimit(match[2] as string);
  if (limit === null) return null;
  const ordered = operator !== '==' && operator !== '!=';
  return ordered && typeof limit !== 'number' ? null : { operator, limit };
}

function parseLimit(text: string): number | boolean | string | null {
  if (text === 'true' || text === 'false') return text === 'true';
  const quoted = /^"([^"]*)"$|^'([^']*)'$/.exec(text);
  if (quoted) return quoted[1] ?? quoted[2] ?? '';
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : null;
}

/** Whether a value meets the condition; null when the two cannot be compared (a text against a number). */
export function meetsCondition(when: RuleHours, value: unknown): boolean | null {
  const { operator, limit } = when;
  if (typeof value !== typeof limit) return null;
  const other = value as number;
  switch (operator) {
    case '==': return other === limit;
    case '!=': return other !== limit;
    case '>=': return other >= (limit as number);
    case '>': return other > (limit as number);
    case '<=': return other <= (limit as number);
    case '<': return other < (limit as number);
  }
}

/**
 * Whether a value lies inside the limit by the hysteresis, so that a level may end. With hysteresis 0 it is exactly
 * the opposite of `meets`; between the two lies the band in which nothing changes.
 */
export function isWithinHours(when: RuleHours, hysteresis: number, value: unknown): boolean | null {
  const outward = when.operator === '>=' || when.operator === '>' ? -hysteresis : hysteresis;
  const shifted = typeof when.limit === 'number' && when.operator !== '==' && when.operator !== '!='
    ? { ...when, limit: round(when.limit + outward) }
    : when;
  const met = meetsCondition(shifted, value);
  return met === null ? null : !met;
}

/** A limit moved by a hysteresis is meant in decimals: 0.3 − 0.1 is 0.2, not 0.19999999999999998. */
function round(limit: number): number {
  return Number(limit.toPrecision(12));
}
