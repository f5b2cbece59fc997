/** Devices behind an MQTT broker: plain JSON, Sparkplug B, ChirpStack v4, DJI Cloud API. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { DJI_UNITS } from './dji.ts';
import { frameReader, recording } from './frame-reader.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { point, settings } from './settings.ts';

const UNIT_OF_QUANTITY = { rssi: 'dB[mW]', snr: 'dB', battery: '%', margin: 'dB', position: 'm' } as const;

export default defineDriver({
  id: 'mqtt-in',
  title: { zh: 'MQTT 设备（JSON、Sparkplug B、ChirpStack、大疆）', en: 'Devices over MQTT (JSON, Sparkplug B, ChirpStack, DJI)' },
  settings,
  point,
  traits: ['listens', 'probes'],
  pointDefaults({ gives, path, event }, given) {
    if (gives !== 'value') return { unit: UNIT_OF_QUANTITY[gives] };
    if (given?.profile !== 'dji') return {};
    if (event !== undefined) return { kind: 'occurrence' };
    const unit = DJI_UNITS[path?.slice(path.lastIndexOf('.') + 1) ?? ''];
    return unit === undefined ? {} : { unit };
  },
  unitless: ({ type, gives }) => gives === 'value' && type !== 'number',
  open, decode, probe, frameReader, recording,
});
