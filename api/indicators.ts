/** An entry of the catalogue, or a code that it does not know yet. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_NAME, EXAMPLE_SERIES } from './example-values.ts';
import { count, WORDS } from './fields.ts';

export const IndicatorView = component('Indicator', 'an entry of the catalogue, or a code it does not know yet', '目录条目，或目录外的代码', z.object({
  code: z.string(),
  known: z.boolean(),
  version: z.int().nullable(),
  name: WORDS,
  unit: z.string(),
  board: z.string().nullable(),
  runway: z.string().nullable(),
  seriesCount: count,
}));
export type IndicatorView = z.infer<typeof IndicatorView>;

export const INDICATOR_EXAMPLE: IndicatorView = {
  code: EXAMPLE_SERIES.indicator,
  known: true,
  version: 1,
  name: EXAMPLE_NAME,
  unit: 'm',
  board: 'YJ',
  runway: 'FLD',
  seriesCount: 1,
};
