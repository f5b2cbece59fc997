/**
 * How a chunk's body lies: marker (0 plain, 1 zstd) | count, times, values, states, windows. Times are written as delta
 * of delta or as distance from a grid; quality, flags and foreign unit as runs of states that differ from the usual.
 */
import { FLAGS, QUALITIES, type Flag, type Quality } from '../../../core/event.ts';
import { Unreadable } from './bytes.ts';

export const PLAIN = 0;
export const ZSTD = 1;

/** Modes of times. */
export const RAW_TIMES = 0;
export const DELTAS = 1;
export const GRID = 2;

export const onGrid = (first: number, step: number, place: number): number => first + Math.round(step * place);

/** What most points of a chunk share. */
export interface LayoutState {
  quality: Quality;
  flags: readonly Flag[];
  unit?: string;
}

/** Good, no flags, the unit of the series. */
export const USUAL = '0';

export function stateKey({ quality, flags, unit }: LayoutState): string {
  if (quality === 'good' && flags.length === 0 && unit === undefined) return USUAL;
  return `${QUALITIES.indexOf(quality)}${flags.map((flag) => FLAGS.indexOf(flag)).join('.')}${unit === undefined ? '' : ` ${unit}`}`;
}

export function parseLayoutState(key: string): LayoutState {
  const match = /^(\d)([\d.]*)(?: ([^]*))?$/.exec(key);
  if (!match) throw new Unreadable('a state that is none');
  const [, quality, flags, unit] = match;
  return {
    quality: QUALITIES[Number(quality)] as Quality,
    flags: flags ? flags.split('.').map((place) => FLAGS[Number(place)] as Flag) : [],
    ...(unit === undefined ? {} : { unit }),
  };
}
