/** Deterministic sentences about a warning. Every number in them stands beside the value it was taken from. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Value } from '../../core/event.ts';
import { formatDuration } from '../../core/quantity.ts';
import { LEVEL_WORDS } from '../../city/rules/levels.ts';
import type { Rule } from '../../city/rules/rule.ts';
import type { WarningChange } from '../../city/warning/warning.ts';
import { meetsCondition, parseWhen } from '../../city/rules/when.ts';

const MAX_TEXT = 80;

/** UCUM as people write it. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/\{[^}]*\}/g, ''],
  [/\bug\b/g, 'µg'],
  [/\bCel\b/g, '°C'],
  [/m3\b/g, 'm³'],
  [/m2\b/g, 'm²'],
  [/\[ppm\]/g, 'ppm'],
];

function unitSign(unit: string): string {
  const sign = SIGNS.reduce((text, [pattern, by]) => text.replace(pattern, by), unit);
  return sign === '1' ? '' : sign;
}

/** `3.2 m`, `true`, `25 %`. */
function valueText(value: Value, unit: string): string {
  const text = typeof value === 'number' ? String(Number(value.toFixed(3))) : String(value).slice(0, MAX_TEXT);
  const sign = unitSign(unit);
  return sign === '' || typeof value !== 'number' ? text : `${text} ${sign}`;
}

export function warningTitle(rule: Rule | null, indicator: BilingualText): BilingualText {
  if (rule?.title) return rule.title;
  if (rule?.type === 'absence') return { zh: `${indicator.zh}无数据`, en: `no values of ${indicator.en}` };
  const high = rule?.type === 'threshold' && rule.direction === 'low' ? { zh: '过低', en: 'too low' } : { zh: '超限', en: 'beyond its limit' };
  return { zh: `${indicator.zh}${high.zh}`, en: `${indicator.en} ${high.en}` };
}

/**
 * Why, as a sentence that cites the value a change rests on.
 *
 * @param previous the change before it
 * @param name of the indicator
 */
export function warningReason(
  change: WarningChange,
  cite: NonNullable<WarningChange['cite']>,
  previous: WarningChange | null,
  name: BilingualText,
  rule: Rule | null,
): BilingualText {
  const value = valueText(cite.value, cite.unit);
  const level = LEVEL_WORDS[change.level];
  const fill = (zh: string, en: string): BilingualText => ({ zh: `${name.zh}${zh}`, en: `${name.en}${en}` });
  if (change.kind === 'withdrawn') return { zh: '规则已更改或移除，预警撤销', en: 'the rule was changed or removed, the warning is withdrawn' };
  if (rule?.type === 'absence') {
    if (change.kind === 'cleared') return fill(' 恢复上报', ': values come again');
    const after = formatDuration(rule.after);
    return fill(` 超过 ${after} 没有数据，最后的值为 ${value}`, `: nothing for ${after}, the last value was ${value}`);
  }
  if (change.kind === 'cleared') return fill(` ${value}，已回到限值以内`, ` ${value}: back inside its limit`);
  if (change.kind === 'level' && previous && previous.level < change.level) {
    const past = LEVEL_WORDS[previous.level];
    return fill(` ${value}：${past.zh}解除，${level.zh}仍持续`, ` ${value}: ${past.en} is over, ${level.en} still holds`);
  }
  const when = parseWhen(rule?.type === 'threshold' ? (rule.levels[change.level]?.when ?? '') : '');
  // Between its limit and its hysteresis, or after catching up, the condition itself need not be met by this value.
  if (!when || meetsCondition(when, cite.value) !== true) return fill(` ${value}：现为${level.zh}`, ` ${value}: now ${level.en}`);
  const limit = valueText(when.limit, cite.unit);
  return fill(` ${value} ${when.operator} ${limit}：${level.zh}`, ` ${value} ${when.operator} ${limit}: ${level.en}`);
}
