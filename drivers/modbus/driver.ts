/** Modbus over TCP, serial line, transparent serial server or DTU: PLCs, meters, instruments. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { examine } from './examine.ts';
import { frameReader } from './frame-reader.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { recording } from './recording.ts';
import { requests, valueTypeOf } from './requests.ts';
import { busOf, point, settings } from './settings.ts';
import { write } from './write.ts';

export default defineDriver({
  id: 'modbus',
  title: {
    zh: 'Modbus 设备（PLC、仪表；TCP、串口 RTU、串口服务器、4G 数传终端）',
    en: 'Modbus devices (PLCs, meters; TCP, RTU on serial lines and servers, 4G data units)',
  },
  settings,
  point,
  traits: ['polled', 'probes', 'writes'],
  open, decode, requests, probe, examine, frameReader, write, recording,
  bus: busOf,
  unitless: (one) => ['bool', 'string'].includes(valueTypeOf(one)),
});
