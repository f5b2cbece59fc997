/** What the contract suite talks to: a device with one point of each kind, and the bad ones. */
import { badTcpPeers, type DriverDouble } from '../../core/testing/driver-double.ts';
import { serveModbus } from './testing/server.ts';

const POINTS = [
  { id: 'level', address: 'holding:100', type: 'float32' },
  { id: 'flow', address: '40103', type: 'uint16' },
  { id: 'serial', address: 'holding:120', type: 'string', length: 8 },
  { id: 'current', address: 'input:7', type: 'int16' },
  { id: 'running', address: 'coil:3' },
  { id: 'door', address: 'discrete:9' },
  { id: 'fault', address: 'holding:130.5' },
];

export const double: DriverDouble = {
  async good() {
    const server = await serveModbus({ read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => (start + at) * 256 + 65) });
    return { settings: { host: '127.0.0.1', port: server.port }, points: POINTS, connections: server.connections, stop: server.close };
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port }, points: POINTS })),
};
