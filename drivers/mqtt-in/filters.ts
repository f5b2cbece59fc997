/** Topic filters of each profile. Pure. */
import type { MqttInSettings } from './settings.ts';

/** Topic filters of a device's messages. */
export function deviceFilters(settings: MqttInSettings): string[] {
  const { profile, topic, group, node, devEui, application, sn, gateway } = settings;
  switch (profile) {
    case 'json': return [topic as string];
    // All of the node: the sequence numbers span all its devices.
    case 'sparkplug':
      return [`spBv1.0/${group}/+/${node}/#`];
    case 'chirpstack':
      return [`application/${application || '+'}/device/${devEui?.toLowerCase()}/event/+`];
    case 'dji':
      return [
        `thing/product/${sn}/osd`,
        `thing/product/${sn}/state`,
        `thing/product/${gateway ?? sn}/events`,
        `sys/product/${gateway ?? sn}/status`,
      ];
  }
}

/** Filters for all devices of a profile, configured or not; null where only configured topics are known. */
export const PROFILE_FILTERS = {
  json: null,
  sparkplug: 'spBv1.0/#',
  chirpstack: 'application/+/device/+/event/+',
  dji: 'thing/product/+/osd',
} as const;
