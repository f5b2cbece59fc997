/** Test doubles of a station for the contract suite, dialled and dialling in. */
import { badDiallingPeers } from '../../testing/dialling-peers.ts';
import { freePort } from '../../../core/free-port.ts';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { mutateBytes } from '../../testing/mutate.ts';
import type { Hj212UploadFrame } from '../frame.ts';
import { diallingDataLogger, hj212PacketBytes, uploadPeriodically, listeningDataLogger } from './data-logger.ts';

const MN = '010000A8900016F000169DC0';
const POINTS = [
  { id: 'pm25', factor: 'a34004' },
  { id: 'pm10', factor: 'a34002' },
  { id: 'fan', factor: 'SB1', value: 'RS' },
];
const UPLOADS = (turn: number): [cn: string, content: string][] => {
  const at = `DataTime=202601010000${String(turn % 60).padStart(2, '0')}`;
  return [['2011', `${at};a34004-Rtd=${turn},a34004-Flag=N;a34002-Rtd=${turn}.5,a34002-Flag=T`], ['2021', `${at};SB1-RS=1`]];
};

const MESSAGE_PREFIX = Buffer.concat([
  hj212PacketBytes(
    `QN=20260101000000000;ST=22;CN=2011;PW=123456;MN=${MN};Flag=4;CP=&&DataTime=20260101000000;a34004-Rtd=1,a34004-Flag=N&&`,
  ),
  Buffer.from('##0101QN=2016'),
]);
/** A probe listens until realtime data arrives. */
const PROBE_FACTS = [`MN ${MN}`, '2011', 'a34004-Rtd', 'a34002-Rtd'];

export const double: DriverDouble = {
  async good(): Promise<Peer> {
    const logger = await listeningDataLogger({ mn: MN });
    const end = uploadPeriodically(logger, UPLOADS);
    return {
      settings: { host: '127.0.0.1', port: logger.port, mn: MN }, points: POINTS, probeFacts: PROBE_FACTS, connections: logger.connections,
      async stop() {
        end();
        await logger.stop();
      },
    };
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port, mn: MN }, points: POINTS }), MESSAGE_PREFIX),
  /** Only the packet comes from outside. */
  mutate: (frame, random) => ({ ...(frame as Hj212UploadFrame), packet: mutateBytes((frame as Hj212UploadFrame).packet, random) }),
};

const diallingDouble: DriverDouble = {
  async good() {
    const port = await freePort();
    const logger = diallingDataLogger(port, { mn: MN });
    const end = uploadPeriodically(logger, UPLOADS);
    return {
      settings: { listen: `127.0.0.1:${port}`, mn: MN },
      points: POINTS,
      probeFacts: PROBE_FACTS,
      connections: () => Number(logger.isConnected()),
      async stop() {
        end();
        await logger.stop();
      },
    };
  },
  ...badDiallingPeers((port) => ({ settings: { listen: `127.0.0.1:${port}`, mn: MN }, points: POINTS }), MESSAGE_PREFIX),
};

export const doubleVariants = { dialling: diallingDouble };
