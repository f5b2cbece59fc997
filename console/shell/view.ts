/** What every part of the page gets: the state, the language, and the time as the gateway has it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { MAX_OPEN } from '../data/cameras.ts';
import type { ConsoleState } from '../data/state.ts';
import type { Dictionary, Lang } from './dictionary.ts';

export interface View {
  state: ConsoleState;
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

export interface SeriesLocation {
  indicator: string;
  device: string;
  point: string;
  /** The moment it is about; null: now. */
  at: number | null;
}

export type HashLocation =
  | { page: 'series'; series: SeriesLocation }
  | { page: 'cameras'; open: string[] }
  | { page: 'account' | 'users' | 'sign-in' }
  /** By a link that sets a password. */
  | { page: 'setup'; code: string };

/** `#/series/INDICATOR/DEVICE/POINT?at=MS` */
export function seriesHref({ indicator, device, point, at }: SeriesLocation): string {
  return `#/series/${[indicator, device, point].map(encodeURIComponent).join('/')}${at === null ? '' : `?at=${at}`}`;
}

/** `#/cameras?open=ID,ID` @param open those whose views are open */
export const camerasHref = (open: readonly string[]): string =>
  `#/cameras${open.length > 0 ? `?open=${open.map(encodeURIComponent).join(',')}` : ''}`;

/** The place a hash leads to; null is the overview, and so is anything that is none. */
export function parseHash(hash: string): HashLocation | null {
  try {
    const cameras = /^#\/cameras(?:\?open=([^&]*))?$/.exec(hash);
    if (cameras)
      return {
        page: 'cameras',
        open: [
          ...new Set(
            (cameras[1] ?? '')
              .split(',')
              .filter((id) => id !== '')
              .map((id) => decodeURIComponent(id)),
          ),
        ].slice(0, MAX_OPEN),
      };
    const [, page] = /^#\/(account|users|sign-in)$/.exec(hash) ?? [];
    if (page) return { page: page as 'account' | 'users' | 'sign-in' };
    const [, code] = /^#\/setup\/([\w-]{1,128})$/.exec(hash) ?? [];
    if (code) return { page: 'setup', code };
    const match = /^#\/series\/([^/?]+)\/([^/?]+)\/([^/?]+)(?:\?at=(\d{1,16}))?$/.exec(hash);
    if (!match) return null;
    const [indicator, device, point] = match.slice(1, 4).map((part) => decodeURIComponent(part)) as [string, string, string];
    return { page: 'series', series: { indicator, device, point, at: match[4] === undefined ? null : Number(match[4]) } };
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
