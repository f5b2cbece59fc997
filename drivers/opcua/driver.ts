/** OPC UA servers: PLCs, SCADA, analysers. A subscribing client; what the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { decode } from './decode.ts';
import { discover } from './discover.ts';
import type { OpcuaFrame } from './frame.ts';
import { open } from './link.ts';
import { probe } from './probe.ts';
import { point, settings } from './settings.ts';
import { write } from './write.ts';

export default defineDriver({
  id: 'opcua',
  title: { zh: 'OPC UA 服务器', en: 'OPC UA servers' },
  settings,
  point,
  traits: ['listens', 'probes', 'writes', 'discovers'],
  reportsChanges: true,
  open, decode, probe, discover, write,
  // Nobody logs in, and nothing is taken from it but the names of its nodes.
  settingsOfAddress: (address) => ({ endpoint: address.includes('://') ? address : `opc.tcp://${address}`, security: 'none' }),
  recording: {
    level: 'frames',
    above: { en: 'channels, sessions and encryption are the library\'s: bytes could not be played again', zh: '通道、会话和加密由协议库管理，字节无法重放' },
    line: (frame) => ({ ...frame }),
  },
  frameReader: {
    level: 'frames',
    read: (input) => input.map((frame) => ({ frame: frame as OpcuaFrame })),
  },
});
