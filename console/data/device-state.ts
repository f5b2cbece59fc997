/** How a device is. Pure. */
import type { DeviceView, LastValue } from '../../api/devices.ts';

/** It answers, and something is wrong with it all the same: its model fails, or it works other than it is configured. */
export const isImpaired = ({ freshness, reason }: Pick<DeviceView, 'freshness' | 'reason'>): boolean =>
  freshness === 'fresh' && reason.startsWith('CV_');

/** What holds now. */
export const currentValues = ({ values }: Pick<DeviceView, 'values'>): LastValue[] =>
  values.filter(({ kind }) => kind === 'measurement' || kind === 'state');

/** What was at a time and is over, newest first. */
export const occurrenceValues = ({ values }: Pick<DeviceView, 'values'>): LastValue[] =>
  values.filter(({ kind }) => kind === 'occurrence').toSorted((a, b) => b.at - a.at);
