/** OPC UA servers: PLCs, SCADA, analysers. What the device is, as data. */
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
  // Without login: only names of nodes are read.
  settingsOfAddress: (address) => ({ endpoint: address.includes('://') ? address : `opc.tcp://${address}`, security: 'none' }),
  recording: {
    level: 'frames',
    above: { en: 'channels, sessions and encryption are handled by the library: bytes cannot be replayed', zh: '通道、会话和加密由协议库管理，字节无法重放' },
    line: (frame) => ({ ...frame }),
  },
  frameReader: {
    level: 'frames',
    read: (input) => input.map((frame) => ({ frame: frame as OpcuaFrame })),
  },
});
