/** Test doubles for the contract suite: a device with one point of each kind, over every transport. */
import { freePort } from '../../../core/free-port.ts';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { seededRandom } from '../../../core/world.ts';
import { simulatedDtu } from './simulated-dtu.ts';
import type { SimulatedModbusDevice } from './simulated-device.ts';
import { NO_SOCAT, openPseudoTerminal } from './pseudo-terminal.ts';
import { serveSimulatedModbus, type AnswerOverride } from './server.ts';

const POINTS = [
  { id: 'level', address: 'holding:100', type: 'float32' },
  { id: 'flow', address: '40103', type: 'uint16' },
  { id: 'serial', address: 'holding:120', type: 'string', length: 8 },
  { id: 'current', address: 'input:7', type: 'int16' },
  { id: 'running', address: 'coil:3' },
  { id: 'door', address: 'discrete:9' },
  { id: 'fault', address: 'holding:130.5' },
];

const PROBE_FACTS = ['Maker', 'P-7', 'v2'];
const DEVICE: SimulatedModbusDevice = {
  read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => (start + at) * 256 + 65),
  identity: () => PROBE_FACTS,
};

export const double: DriverDouble = {
  async good() {
    const server = await serveSimulatedModbus(DEVICE);
    return {
      settings: { host: '127.0.0.1', port: server.port },
      points: POINTS,
      probeFacts: PROBE_FACTS,
      connections: server.connections,
      stop: server.close,
    };
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port }, points: POINTS })),
};

const rtuTcp: DriverDouble = {
  async good() {
    const server = await serveSimulatedModbus(DEVICE, { envelope: 'rtu' });
    return {
      settings: { transport: 'rtu-tcp', host: '127.0.0.1', port: server.port },
      points: POINTS,
      probeFacts: PROBE_FACTS,
      connections: server.connections,
      stop: server.close,
    };
  },
  ...badTcpPeers((host, port) => ({ settings: { transport: 'rtu-tcp', host, port }, points: POINTS })),
};

const noAnswer: AnswerOverride = () => null;
const resetConnection: AnswerOverride = (_answer, _request, socket) => { socket.resetAndDestroy(); return null; };
function garbageAnswers(seed: number): AnswerOverride {
  const random = seededRandom(seed);
  return () => Uint8Array.from({ length: 64 + Math.floor(random.next() * 400) }, () => Math.floor(random.next() * 256));
}

async function serialPeer(override?: AnswerOverride): Promise<Peer> {
  const server = await serveSimulatedModbus(DEVICE, { envelope: 'rtu', ...(override ? { override } : {}) });
  const line = await openPseudoTerminal(server.port);
  return {
    settings: { transport: 'rtu', port: line.path, baudRate: 115_200 }, points: POINTS, probeFacts: PROBE_FACTS,
    async stop() {
      await line.close();
      await server.close();
    },
  };
}

async function dtuPeer(override?: AnswerOverride): Promise<Peer> {
  const port = await freePort();
  const unit = simulatedDtu({
    port,
    device: DEVICE,
    registration: Buffer.from('CONTRACT-1'),
    heartbeat: Buffer.from([0xfe, 0xfe]),
    ...(override ? { override } : {}),
  });
  return {
    settings: { transport: 'dtu', listen: `127.0.0.1:${port}`, registration: { ascii: 'CONTRACT-1' }, heartbeat: { hex: 'FE FE' } },
    points: POINTS,
    probeFacts: PROBE_FACTS,
    connections: () => Number(unit.isConnected()),
    stop: unit.stop,
  };
}

const doubleOf = (peer: (override?: AnswerOverride) => Promise<Peer>): DriverDouble => ({
  good: () => peer(), silent: () => peer(noAnswer), resetting: () => peer(resetConnection), garbage: (seed) => peer(garbageAnswers(seed)),
});

export const doubleVariants: Record<string, DriverDouble & { skip?: string | false }> = {
  'rtu-tcp': rtuTcp,
  rtu: { ...doubleOf(serialPeer), skip: NO_SOCAT },
  dtu: doubleOf(dtuPeer),
};
