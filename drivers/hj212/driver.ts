/** Stations with an HJ 212 data logger (污染物在线监测): air, water, noise, dust, stacks. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { factorOf } from './factors.ts';
import { frameReader } from './frame-reader.ts';
import { discover } from './discover.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { recording } from './recording.ts';
import { LOGGER_PARAMETERS, point, settings } from './settings.ts';
import { write } from './write.ts';

export default defineDriver({
  id: 'hj212',
  title: { zh: 'HJ 212 监测站（数采仪）', en: 'HJ 212 monitoring stations (data loggers)' },
  settings,
  point,
  traits: ['listens', 'probes', 'writes', 'discovers'],
  pointDefaults({ factor, parameter, value }) {
    if (parameter !== undefined) return { unit: LOGGER_PARAMETERS[parameter].unit };
    const { unit, indicator } = factorOf(factor ?? '') ?? {};
    // Totals, states and hours do not have the unit of the factor.
    if (['Cou', 'RS', 'RT', 'Info', 'EFlag'].includes(value)) return value === 'RT' ? { unit: 'h' } : {};
    return { ...(unit === undefined ? {} : { unit }), ...(indicator === undefined ? {} : { indicator }) };
  },
  unitless: ({ type, value }) => type === 'text' || value === 'RS',
  open, decode, probe, discover, write, frameReader, recording,
});
