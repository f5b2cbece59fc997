/** What people read in place of a code. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import { OWN_INDICATORS } from '../../core/own-indicators.ts';
import type { Catalogue } from './catalogue.ts';

/** By the catalogue, or as one of our own; a code that nobody knows stands for itself. */
export function indicatorName(catalogue: Pick<Catalogue, 'of'>, code: string): BilingualText {
  const own: Partial<Record<string, BilingualText>> = OWN_INDICATORS;
  return catalogue.of(code)?.name ?? (Object.hasOwn(own, code) ? own[code] : undefined) ?? { zh: code, en: code };
}
