/** What every part of the page gets: the state, the language, and the time as the gateway has it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { State } from './state.ts';
import type { Dictionary, Lang } from './words.ts';

export interface View {
  state: State;
  lang: Lang;
  words: Dictionary;
  /** The gateway's clock, moving each second; stands still while it is gone, so that ages are not invented. */
  now: number;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error('a part outside ViewContext');
  return view;
}

export interface SeriesPlace {
  indicator: string;
  device: string;
  point: string;
  /** The moment it is about; null: now. */
  at: number | null;
}

/** `#/series/INDICATOR/DEVICE/POINT?at=MS` */
export function seriesHref({ indicator, device, point, at }: SeriesPlace): string {
  return `#/series/${[indicator, device, point].map(encodeURIComponent).join('/')}${at === null ? '' : `?at=${at}`}`;
}

/** The place a hash leads to; null is the overview, and so is anything that is none. */
export function parseHash(hash: string): SeriesPlace | null {
  const match = /^#\/series\/([^/?]+)\/([^/?]+)\/([^/?]+)(?:\?at=(\d{1,16}))?$/.exec(hash);
  if (!match) return null;
  try {
    const [indicator, device, point] = match.slice(1, 4).map((part) => decodeURIComponent(part)) as [string, string, string];
    return { indicator, device, point, at: match[4] === undefined ? null : Number(match[4]) };
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
