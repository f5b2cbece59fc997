/** What a link hands to `decode`: a message as it came, with what of earlier ones is needed to read it. */
import type { MqttInPointOf, MqttInSettings, Profile } from './settings.ts';

export interface MqttInFrame {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  /** ms UTC when it came. */
  observedAt: number;
  profile: Profile;
  /** null: everything is shown, under names of its own. */
  plan: Plan | null;
  /** Sparkplug: the metrics that this message names by alias alone, by the node's birth; an alias that is not here has none. */
  aliases?: Readonly<Record<string, Alias>>;
  /** Sparkplug: a word that is out of date (a death of an earlier session), or of another device of the node. */
  isOther?: boolean;
  /** ChirpStack: the uplink before, where some between the two never came. */
  before?: { fCnt: number; at: number };
}

export interface Alias {
  name: string;
  datatype: number;
}

/** What decode needs of a device's settings. */
export interface Plan {
  points: readonly MqttInPointOf[];
  time?: string;
  device?: string;
  sn?: string;
  gateway?: string;
  historyAfterMs: number;
}

export function planOf(points: readonly MqttInPointOf[], settings: MqttInSettings): Plan {
  const { time, device, sn, gateway } = settings;
  return { points, historyAfterMs: settings.historyAfter, ...(time === undefined ? {} : { time }), ...(device === undefined ? {} : { device }), ...(sn === undefined ? {} : { sn }), ...(gateway === undefined ? {} : { gateway }) };
}

/** Longer messages are refused unread. */
export const MOST_BYTES = 1 << 20;
