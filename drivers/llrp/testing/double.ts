/** For the contract suite: a reader that reports tags, and faulty peers, both listening and connecting. */
import { badDiallingPeers } from '../../testing/dialling-peers.ts';
import { freePort } from '../../../core/free-port.ts';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { mutateBytes } from '../../testing/mutate.ts';
import type { LlrpFrame } from '../frame.ts';
import { diallingReader, listeningReader, type SimulatedReader } from './simulated-reader.ts';
import { reportReadsPeriodically } from './periodic-reads.ts';

const POINTS = [
  { id: 'tag', gives: 'read' },
  { id: 'came', gives: 'arrived' },
  { id: 'went', gives: 'left' },
  { id: 'through', gives: 'passed', from: [1], to: [2] },
  { id: 'there', gives: 'present' },
  { id: 'antennas', gives: 'antennas-down' },
  { id: 'door', gives: 'gpi', input: 1 },
];

async function good(reader: SimulatedReader, settings: Record<string, unknown>): Promise<Peer> {
  const end = reportReadsPeriodically(reader);
  return {
    settings, points: POINTS, probeFacts: ['Impinj'], connections: reader.connections,
    async stop() {
      end();
      await reader.stop();
    },
  };
}

export const double: DriverDouble = {
  async good() {
    const reader = await listeningReader();
    return good(reader, { host: '127.0.0.1', port: reader.port, minReads: 1 });
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port }, points: POINTS }), Buffer.from('043f0000', 'hex')),
  /** Only the message comes from outside; the other fields are the driver's own. */
  mutate: (frame, random) =>
    (frame as LlrpFrame).is === 'message'
      ? { ...(frame as LlrpFrame), bytes: mutateBytes((frame as Extract<LlrpFrame, { is: 'message' }>).bytes, random) }
      : frame,
};

const connecting: DriverDouble = {
  async good() {
    const port = await freePort();
    return good(diallingReader(port), { listen: `127.0.0.1:${port}`, minReads: 1 });
  },
  ...badDiallingPeers((port) => ({ settings: { listen: `127.0.0.1:${port}` }, points: POINTS }), Buffer.from('043f0000', 'hex')),
};

export const doubleVariants = { dialling: connecting };
