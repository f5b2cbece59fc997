/** Modbus TCP: PLCs, meters and serial devices behind a gateway. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { examine } from './examine.ts';
import { frameOf } from './frame-of.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { requests, typeOf } from './requests.ts';
import { point, settings } from './settings.ts';

export default defineDriver({
  id: 'modbus',
  title: { zh: 'Modbus TCP 设备(PLC、仪表、串口网关)', en: 'Modbus TCP devices (PLCs, meters, serial gateways)' },
  settings,
  point,
  traits: ['polled', 'probes'],
  open, decode, requests, probe, examine, frameOf,
  bus: ({ transport, host, port }) => `${transport}://${host}:${port}`,
  unitless: (one) => ['bool', 'string'].includes(typeOf(one)),
});
