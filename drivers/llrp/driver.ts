/** UHF RFID readers that speak LLRP: Impinj, Zebra, Alien, ThingMagic and others. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { recording } from './recording.ts';
import { point, settings } from './settings.ts';

export default defineDriver({
  id: 'llrp',
  title: { zh: 'RFID 读写器（LLRP）', en: 'RFID readers (LLRP)' },
  settings,
  point,
  traits: ['listens', 'probes'],
  pointDefaults: ({ gives }) => {
    if (gives === 'present') return { unit: '{tag}', kind: 'measurement' };
    if (gives === 'antennas-down') return { unit: '{antenna}', kind: 'state' };
    return gives === 'gpi' ? { kind: 'state' } : { kind: 'occurrence' };
  },
  unitless: ({ gives }) => gives !== 'present' && gives !== 'antennas-down',
  open, decode, probe, frameReader, recording,
});
