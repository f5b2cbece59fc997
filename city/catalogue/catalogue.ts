/** The loaded catalogue: what a code means, and how a value comes to be in the code's unit. */
import { setBounded } from '../../core/bounded-map.ts';
import type { Event, Flag, Quality, Window } from '../../core/event.ts';
import { checkPart, ConfigDocument, sortProblems, type ConfigProblem, type ConfigSource } from '../../core/config/check.ts';
import { unitConverter } from './units.ts';
import { CATALOGUE_SCHEMA, type Indicator } from './indicator.ts';

export interface Catalogue {
  /** The definition of a code, also of its period variants (`SS-GAS-001.H`); null when it is unknown. */
  of(code: string): Indicator | null;
  readonly all: readonly Indicator[];
}

export function catalogueOf(indicators: readonly Indicator[]): Catalogue {
  const byCode = new Map(indicators.map((indicator) => [indicator.code, indicator]));
  return { of: (code) => byCode.get(code) ?? byCode.get(code.replace(/\.(R|M5|H|D)$/, '')) ?? null, all: indicators };
}

export const EMPTY_CATALOGUE: Catalogue = catalogueOf([]);

/** Reads catalogue files. Problems come with file and line; with any of them there is no catalogue. */
export function readCatalogue(sources: readonly ConfigSource[]): { catalogue: Catalogue | null; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const indicators: Indicator[] = [];
  const firstLine = new Map<string, number>();
  for (const source of sources) {
    const document = new ConfigDocument(source, {});
    const checked = checkPart(document, CATALOGUE_SCHEMA);
    problems.push(...document.problems, ...checked.problems);
    for (const [index, indicator] of (checked.value?.indicators ?? []).entries()) {
      const path = ['indicators', index, 'code'];
      const { line } = document.place(path, 'value');
      const first = firstLine.get(indicator.code);
      const problem =
        first === undefined
          ? null
          : document.problem(path, { code: 'CV_ID_TWICE', params: { id: indicator.code, owner: source.path, firstLine: first } });
      if (problem) problems.push(problem);
      firstLine.set(indicator.code, first ?? line);
      indicators.push(indicator);
    }
  }
  return { catalogue: problems.length === 0 ? catalogueOf(indicators) : null, problems: sortProblems(problems) };
}

/** What store and rules see of an event. */
interface Normal {
  value: Event['value'];
  unit: string;
  window?: Window;
  quality: Quality;
  flags: readonly Flag[];
}

export interface Normaliser {
  (event: Event): Normal;
  /** The unit in which a code's values belong; null when nobody knows it. */
  unitOf(code: string): string | null;
}

const NO_FLAGS: readonly Flag[] = [];
/** Pairs of units whose conversion is kept. */
const MAX_PAIRS = 10_000;

/**
 * Brings values into the catalogue's unit. Store and rules both read the log through this one function, so they see the
 * same; the log keeps what came. Where UCUM knows no way from one unit to the other, the value stays as it is, is
 * flagged `unit` and no longer `good`: it is stored, and takes no part in warnings. Unknown codes and values that are no numbers stay as they are.
 */
export function normaliser(catalogue: Catalogue): Normaliser {
  const converters = new Map<string, ((value: number) => number) | null>();
  const normal = (event: Event): Normal => {
    const flags = event.flags ?? NO_FLAGS;
    const asIs: Normal = {
      value: event.value,
      unit: event.unit,
      quality: event.quality,
      flags,
      ...(event.window ? { window: event.window } : {}),
    };
    const unit = catalogue.of(event.indicator)?.unit;
    if (unit === undefined || unit === event.unit) return asIs;
    if (typeof event.value !== 'number') return event.value === null || event.unit === '' ? { ...asIs, unit } : asIs;
    const pair = `${event.unit} ${unit}`;
    let convert = converters.get(pair);
    if (convert === undefined) setBounded(converters, pair, (convert = unitConverter(event.unit || '1', unit || '1')), MAX_PAIRS);
    if (!convert || !Number.isFinite(convert(event.value)))
      return {
        ...asIs,
        quality: event.quality === 'good' ? 'uncertain' : event.quality,
        flags: flags.includes('unit') ? flags : [...flags, 'unit'],
      };
    return {
      value: tidy(convert(event.value)),
      unit,
      quality: event.quality,
      flags,
      ...(event.window ? { window: windowIn(event.window, convert) } : {}),
    };
  };
  return Object.assign(normal, { unitOf: (code: string) => catalogue.of(code)?.unit ?? null });
}

function windowIn(window: Window, convert: (value: number) => number): Window {
  const { min, max } = window;
  return {
    ...window,
    ...(min === undefined ? {} : { min: tidy(convert(min)) }),
    ...(max === undefined ? {} : { max: tidy(convert(max)) }),
  };
}

/** 320 cm are 3.2 m, not 3.2000000000000002. */
const tidy = (value: number): number => Number(value.toPrecision(12));
