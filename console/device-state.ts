/** How a device is. Pure. */
import type { DeviceView, LastValue } from '../core/api.ts';
import { pick, type Dictionary, type Lang } from './words.ts';

/** It answers, and something is wrong with it all the same: its model fails, or it works other than it is configured. */
export const isImpaired = ({ freshness, reason }: Pick<DeviceView, 'freshness' | 'reason'>): boolean => freshness === 'fresh' && reason.startsWith('CV_');

/** Why it is not fresh, or what is wrong all the same, and what to do; a fault's code stays beside, so that it can be looked up. Empty when all is well. */
export function reasonOf(device: DeviceView, words: Dictionary, lang: Lang): string {
  if (device.freshness === 'unobserved') return words.edgeAway(device.edge);
  if (device.freshness === 'fresh' && !isImpaired(device)) return '';
  if (device.reason === 'starting') return words.starting;
  if (device.reason === 'ok') return '';
  return [device.remedy ? pick(device.remedy, lang) : '', device.reason].filter((part) => part !== '').join(' · ');
}

/** What holds now. */
export const standing = ({ values }: Pick<DeviceView, 'values'>): LastValue[] => values.filter(({ kind }) => kind === 'measurement' || kind === 'state');

/** What was at a time and is over, newest first. */
export const happened = ({ values }: Pick<DeviceView, 'values'>): LastValue[] => values.filter(({ kind }) => kind === 'occurrence').toSorted((a, b) => b.at - a.at);
