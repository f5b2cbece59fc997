/** The list of indicators: what the catalogue knows, and codes that came although it does not. */
import type { IndicatorView } from '../../api/indicators.ts';
import type { Catalogue } from '../../city/catalogue/catalogue.ts';
import { indicatorName } from '../../city/catalogue/name.ts';
import type { Store } from './store.ts';

export function indicatorViews(catalogue: Catalogue, store: Pick<Store, 'series'>): IndicatorView[] {
  const counts = new Map<string, { unit: string; count: number }>();
  for (const { indicator, unit } of store.series()) counts.set(indicator, { unit, count: (counts.get(indicator)?.count ?? 0) + 1 });
  const known = catalogue.all.map(({ code, version, name, unit, board, runway }): IndicatorView => ({
    code,
    known: true,
    version,
    name,
    unit,
    board,
    runway,
    seriesCount: counts.get(code)?.count ?? 0,
  }));
  const variants = [...counts]
    .filter(([code]) => !known.some((view) => view.code === code))
    .map(([code, { unit, count }]): IndicatorView => {
      const entry = catalogue.of(code);
      return {
        code,
        known: entry !== null,
        version: entry?.version ?? null,
        name: indicatorName(catalogue, code),
        unit,
        board: entry?.board ?? null,
        runway: entry?.runway ?? null,
        seriesCount: count,
      };
    });
  return [...known, ...variants].toSorted((a, b) => (a.code < b.code ? -1 : 1));
}
