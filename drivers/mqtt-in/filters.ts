/** What the devices of each profile are heard on. Pure. */
import type { MqttInSettings } from './settings.ts';

/** What a device's messages come on. */
export function filtersOf(settings: MqttInSettings): string[] {
  const { profile, topic, group, node, devEui, application, sn, gateway } = settings;
  switch (profile) {
    case 'json': return [topic as string];
    // All of the node: the sequence numbers go over all its devices.
    case 'sparkplug': return [`spBv1.0/${group}/+/${node}/#`];
    case 'chirpstack': return [`application/${application || '+'}/device/${devEui?.toLowerCase()}/event/+`];
    case 'dji': return [`thing/product/${sn}/osd`, `thing/product/${sn}/state`, `thing/product/${gateway ?? sn}/events`, `sys/product/${gateway ?? sn}/status`];
  }
}

/** Where all devices of a profile are seen, configured or not; null where nothing but the installer's own topics says. */
export const PROFILE_FILTERS = { json: null, sparkplug: 'spBv1.0/#', chirpstack: 'application/+/device/+/event/+', dji: 'thing/product/+/osd' } as const;
