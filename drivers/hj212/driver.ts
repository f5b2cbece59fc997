/** Stations that speak HJ 212 (污染物在线监测): air, water, noise, dust, stacks. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { factorOf } from './factors.ts';
import { frameReader } from './frame-reader.ts';
import { open } from './link.ts';
import { recording } from './recording.ts';
import { PARAMETERS, point, settings } from './settings.ts';
import { discover, probe } from './survey.ts';
import { write } from './write.ts';

export default defineDriver({
  id: 'hj212',
  title: { zh: 'HJ 212 监测站（数采仪）', en: 'HJ 212 monitoring stations (data loggers)' },
  settings,
  point,
  traits: ['listens', 'probes', 'writes', 'discovers'],
  known({ factor, parameter, value }) {
    if (parameter !== undefined) return { unit: PARAMETERS[parameter].unit };
    const { unit, indicator } = factorOf(factor ?? '') ?? {};
    // Totals, states and hours are not in the unit of the factor's value.
    if (['Cou', 'RS', 'RT', 'Info', 'EFlag'].includes(value)) return value === 'RT' ? { unit: 'h' } : {};
    return { ...(unit === undefined ? {} : { unit }), ...(indicator === undefined ? {} : { indicator }) };
  },
  unitless: ({ type, value }) => type === 'text' || value === 'RS',
  open, decode, probe, discover, write, frameReader, recording,
});
