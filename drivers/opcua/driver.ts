/** OPC UA servers: PLCs, SCADA, analysers. A subscribing client; what the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import type { OpcuaFrame } from './frame.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { point, settings } from './settings.ts';

export default defineDriver({
  id: 'opcua',
  title: { zh: 'OPC UA 服务器', en: 'OPC UA servers' },
  settings,
  point,
  traits: ['listens', 'probes'],
  reportsChanges: true,
  open, decode, probe,
  frameOf: {
    level: 'frames',
    read: (input) => input.map((frame) => ({ frame: frame as OpcuaFrame })),
  },
});
