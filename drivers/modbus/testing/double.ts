/** What the contract suite talks to: a device with one point of each kind, and the bad ones, by every transport. */
import { freePort } from '../../../core/free-port.ts';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { seededRandom } from '../../../core/world.ts';
import { dataUnit } from './data-unit.ts';
import type { Served } from './device.ts';
import { NO_SOCAT, serialLine } from './serial-line.ts';
import { serveModbus, type Twist } from './server.ts';

const POINTS = [
  { id: 'level', address: 'holding:100', type: 'float32' },
  { id: 'flow', address: '40103', type: 'uint16' },
  { id: 'serial', address: 'holding:120', type: 'string', length: 8 },
  { id: 'current', address: 'input:7', type: 'int16' },
  { id: 'running', address: 'coil:3' },
  { id: 'door', address: 'discrete:9' },
  { id: 'fault', address: 'holding:130.5' },
];

const TELLS = ['Maker', 'P-7', 'v2'];
const DEVICE: Served = { read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => (start + at) * 256 + 65), identity: () => TELLS };

export const double: DriverDouble = {
  async good() {
    const server = await serveModbus(DEVICE);
    return { settings: { host: '127.0.0.1', port: server.port }, points: POINTS, probeFacts: TELLS, connections: server.connections, stop: server.close };
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port }, points: POINTS })),
};

const rtuTcp: DriverDouble = {
  async good() {
    const server = await serveModbus(DEVICE, { envelope: 'rtu' });
    return { settings: { transport: 'rtu-tcp', host: '127.0.0.1', port: server.port }, points: POINTS, probeFacts: TELLS, connections: server.connections, stop: server.close };
  },
  ...badTcpPeers((host, port) => ({ settings: { transport: 'rtu-tcp', host, port }, points: POINTS })),
};

const silent: Twist = () => null;
const resets: Twist = (_answer, _request, socket) => { socket.resetAndDestroy(); return null; };
function garbage(seed: number): Twist {
  const random = seededRandom(seed);
  return () => Uint8Array.from({ length: 64 + Math.floor(random.next() * 400) }, () => Math.floor(random.next() * 256));
}

async function onLine(twist?: Twist): Promise<Peer> {
  const server = await serveModbus(DEVICE, { envelope: 'rtu', ...(twist ? { twist } : {}) });
  const line = await serialLine(server.port);
  return {
    settings: { transport: 'rtu', port: line.path, baudRate: 115_200 }, points: POINTS, probeFacts: TELLS,
    async stop() {
      await line.close();
      await server.close();
    },
  };
}

async function dialling(twist?: Twist): Promise<Peer> {
  const port = await freePort();
  const unit = dataUnit({ port, served: DEVICE, registration: Buffer.from('CONTRACT-1'), heartbeat: Buffer.from([0xfe, 0xfe]), ...(twist ? { twist } : {}) });
  return {
    settings: { transport: 'dtu', listen: `127.0.0.1:${port}`, registration: { ascii: 'CONTRACT-1' }, heartbeat: { hex: 'FE FE' } }, points: POINTS, probeFacts: TELLS,
    connections: () => Number(unit.isConnected()),
    stop: unit.stop,
  };
}

const byTwist = (peer: (twist?: Twist) => Promise<Peer>): DriverDouble => ({
  good: () => peer(), silent: () => peer(silent), resetting: () => peer(resets), garbage: (seed) => peer(garbage(seed)),
});

export const doubleVariants: Record<string, DriverDouble & { skip?: string | false }> = {
  'rtu-tcp': rtuTcp,
  rtu: { ...byTwist(onLine), skip: NO_SOCAT },
  dtu: byTwist(dialling),
};
