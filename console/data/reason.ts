/** What is said of a device that is not well. Pure. */
import type { DeviceView } from '../../api/devices.ts';
import { isImpaired } from './device-state.ts';
import { pickText, type Dictionary, type Lang } from '../shell/dictionary.ts';

/**
 * Why it is not fresh, or what is wrong all the same, and what to do; a fault's code stays beside, so that it can be
 * looked up. Empty when all is well.
 */
export function reasonOf(device: DeviceView, words: Dictionary, lang: Lang): string {
  if (device.freshness === 'unobserved') return words.edgeAway(device.edge);
  if (device.freshness === 'fresh' && !isImpaired(device)) return '';
  if (device.reason === 'starting') return words.starting;
  if (device.reason === 'ok') return '';
  return [device.remedy ? pickText(device.remedy, lang) : '', device.reason].filter((part) => part !== '').join(' · ');
}
