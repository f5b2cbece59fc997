/** Test doubles for the contract suite: a broker with a meter that publishes, and peers that are not brokers. */
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { mutateBytes } from '../../testing/mutate.ts';
import type { MqttInFrame } from '../frame.ts';
import { publishPeriodically, startTestBroker } from './broker.ts';

const POINTS = [
  { id: 'flow', path: 'data.flow' },
  { id: 'open', path: 'data.open', type: 'bool' },
];
const describe = (host: string, port: number) => ({
  settings: { url: `mqtt://${host}:${port}`, topic: 'plant/meter7', time: 'ts' },
  points: POINTS,
});

async function meter(): Promise<Peer> {
  const broker = await startTestBroker();
  const end = publishPeriodically(broker, (turn, nowMs) => [
    'plant/meter7',
    JSON.stringify({ ts: nowMs, data: { flow: turn / 2, open: turn % 2 === 0 } }),
  ]);
  return {
    ...describe('127.0.0.1', broker.port),
    probeFacts: [`127.0.0.1:${broker.port}`, 'plant/meter7'],
    connections: broker.connections,
    async stop() {
      end();
      await broker.stop();
    },
  };
}

export const double: DriverDouble = {
  good: meter,
  ...badTcpPeers(describe),
  /** Only topic and payload come from outside. */
  mutate(frame, random) {
    const { topic, payload } = frame as MqttInFrame;
    const isTopic = random.next() < 0.1;
    return {
      ...(frame as MqttInFrame),
      ...(isTopic
        ? { topic: Buffer.from(mutateBytes(Buffer.from(topic), random)).toString('latin1') }
        : { payload: mutateBytes(payload, random) }),
    };
  },
};
