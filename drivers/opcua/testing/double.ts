/** Test double for the contract suite: the air station's server as a process. */
import { join } from 'node:path';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { startDevice } from '../../../test-rigs/processes/device.ts';

const POINTS = [
  { id: 'pm25', node: 'nsu=urn:cityvitals:rig:air-station;s=Air.PM25' },
  { id: 'ozone', node: 'nsu=urn:cityvitals:rig:air-station;s=Air.O3' },
];
const describe = (host: string, port: number) => ({
  settings: { endpoint: `opc.tcp://${host}:${port}`, security: 'none', publishEvery: '100ms', sampleEvery: '100ms' },
  points: POINTS,
});

async function station(): Promise<Peer> {
  const device = await startDevice('air-station', join(import.meta.dirname, '../../../test-rigs/town/air-station.ts'), [
    '--port',
    '0',
    '--seed',
    '1',
  ]);
  return { ...describe('127.0.0.1', device.port), probeFacts: ['cityvitals air station rig 1'], stop: () => device.stop() };
}

export const double: DriverDouble = {
  good: station,
  ...badTcpPeers(describe),
};
