/** What a link hands to `decode`: a message, with the state of earlier ones that is needed to read it. */
import type { ConfiguredMqttPoint, MqttInSettings, MqttProfile } from './settings.ts';

export interface MqttInFrame {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  /** ms UTC when it arrived. */
  observedAt: number;
  profile: MqttProfile;
  /** null: all values are given, under their own names. */
  decodeSettings: MqttDecodeSettings | null;
  /** Sparkplug: metrics that this message names by alias only, from the birth; a missing alias is unknown. */
  aliases?: Readonly<Record<string, MetricAlias>>;
  /** Sparkplug: an outdated message (a death of an earlier session), or one of another device of the node. */
  isOther?: boolean;
  /** ChirpStack: the previous uplink, where some between the two were lost. */
  before?: { fCnt: number; at: number };
}

export interface MetricAlias {
  name: string;
  datatype: number;
}

/** The settings of a device that decode needs. */
export interface MqttDecodeSettings {
  points: readonly ConfiguredMqttPoint[];
  time?: string;
  device?: string;
  sn?: string;
  gateway?: string;
  historyAfterMs: number;
}

export function decodeSettingsOf(points: readonly ConfiguredMqttPoint[], settings: MqttInSettings): MqttDecodeSettings {
  const { time, device, sn, gateway } = settings;
  return {
    points,
    historyAfterMs: settings.historyAfter,
    ...(time === undefined ? {} : { time }),
    ...(device === undefined ? {} : { device }),
    ...(sn === undefined ? {} : { sn }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** Longer messages are rejected. */
export const MAX_MQTT_PAYLOAD_BYTES = 1 << 20;
