/** Deterministic sentences about a warning. Every number in them stands beside the value it was taken from. */
import type { Reason } from '../../api/warnings.ts';
import type { Words } from '../../core/words.ts';
import type { Catalogue } from '../../city/catalogue/catalogue.ts';
import { indicatorName } from '../../city/catalogue/name.ts';
import type { Value } from '../../core/event.ts';
import { formatDuration } from '../../core/quantity.ts';
import { LEVEL_WORDS } from '../../city/rules/levels.ts';
import type { Rule } from '../../city/rules/rule.ts';
import type { Change, Warning } from '../../city/warning/warning.ts';
import { meets, parseWhen } from '../../city/rules/when.ts';

const MAX_REASONS = 8;
const MAX_TEXT = 80;

/** UCUM as people write it. */
const SIGNS: readonly (readonly [RegExp, string])[] = [[/\{[^}]*\}/g, ''], [/\bug\b/g, 'µg'], [/\bCel\b/g, '°C'], [/m3\b/g, 'm³'], [/m2\b/g, 'm²'], [/\[ppm\]/g, 'ppm']];

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

export function titleOf(rule: Rule | null, indicator: Words): Words {
  if (rule?.title) return rule.title;
  if (rule?.type === 'absence') return { zh: `${indicator.zh}无数据`, en: `no values of ${indicator.en}` };
  const high = rule?.type === 'threshold' && rule.direction === 'low' ? { zh: '过低', en: 'too low' } : { zh: '超限', en: 'beyond its limit' };
  return { zh: `${indicator.zh}${high.zh}`, en: `${indicator.en} ${high.en}` };
}

/** Why: the newest change as a sentence that cites its value, before those told earlier, which stay as they were. */
export function reasonsOf(warning: Warning, rule: Rule | null, catalogue: Catalogue, before: readonly Reason[]): Reason[] {
  const newest = warning.changes.findLast((change) => change.kind !== 'closed');
  if (!newest) return [...before];
  const { indicator, device, point, at, value, unit } = newest.cite;
  const name = indicatorName(catalogue, indicator);
  const previous = warning.changes[warning.changes.indexOf(newest) - 1] ?? null;
  return [{ ...sentence(newest, previous, name, rule), cites: { indicator, device, point, at, value, unit } }, ...before].slice(0, MAX_REASONS);
}

function sentence(change: Change, previous: Change | null, name: Words, rule: Rule | null): Words {
  const value = valueText(change.cite.value, change.cite.unit);
  const level = LEVEL_WORDS[change.level];
  const fill = (zh: string, en: string): Words => ({ zh: `${name.zh}${zh}`, en: `${name.en}${en}` });
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
  if (!when || meets(when, change.cite.value) !== true) return fill(` ${value}：现为${level.zh}`, ` ${value}: now ${level.en}`);
  const limit = valueText(when.limit, change.cite.unit);
  return fill(` ${value} ${when.operator} ${limit}：${level.zh}`, ` ${value} ${when.operator} ${limit}: ${level.en}`);
}
