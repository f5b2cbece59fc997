/** Test doubles for the contract suite: a compound terminal that dials in, and an instrument that is polled. */
import { badDiallingPeers } from '../../testing/dialling-peers.ts';
import { freePort } from '../../../core/free-port.ts';
import { badTcpPeers, tcpPeer, type DriverDouble } from '../../testing/driver-double.ts';
import { mutateBytes } from '../../testing/mutate.ts';
import type { DescribedFrame } from '../frame.ts';
import { crowdBody, diallingTerminal, terminalFrame, reportPeriodically, stateBody, tagsBody } from './terminal.ts';

const TERMINAL = '500112000017';
const POINTS = [
  { id: 'tag', read: 'tags.reads.epc' },
  { id: 'tag-in', read: 'tags.reads.epc', where: { antenna: 1 } },
  { id: 'crowd', read: 'crowd.devices' },
  { id: 'temperature', read: 'state.temperature' },
  { id: 'power', read: 'state.power' },
  { id: 'door', read: 'state.doorOpen' },
];
const DESCRIPTION = 'shipped:compound-terminal';

const mutate: DriverDouble['mutate'] = (frame, random) => {
  const one = frame as DescribedFrame;
  return one.is === 'message' ? { ...one, bytes: mutateBytes(one.bytes, random) } : one;
};

export const double: DriverDouble = {
  async good() {
    const port = await freePort();
    const terminal = diallingTerminal(port, { terminal: TERMINAL });
    const end = reportPeriodically(terminal, (at, turn) => [
      [2, tagsBody([[at, 1 + (turn % 2), -60, '30342848A80CD24000000001']])],
      [3, crowdBody(at, turn, 1)],
      [4, stateBody(at, 21.5, 40, 12_000, 0, 1)],
    ]);
    return {
      settings: { description: DESCRIPTION, listen: `127.0.0.1:${port}`, identity: TERMINAL },
      points: POINTS,
      probeFacts: [TERMINAL, 'tags'],
      connections: () => Number(terminal.isConnected()),
      async stop() {
        end();
        await terminal.stop();
      },
    };
  },
  ...badDiallingPeers(
    (port) => ({ settings: { description: DESCRIPTION, listen: `127.0.0.1:${port}`, identity: TERMINAL }, points: POINTS }),
    Buffer.concat([terminalFrame(TERMINAL, 1, 4, stateBody('260101000001', 21.5, 40, 12_000, 0, 1)), Buffer.from('aa550020', 'hex')]),
  ),
  mutate,
};

const SCALE = { description: 'shipped:weighbridge', identity: '01', pollEvery: '50ms' };
const SCALE_POINTS = [{ id: 'mass', read: 'weight.mass' }, { id: 'standing', read: 'weight.standing' }];

/** The answer of the weighbridge: 02, unit, weight as text, XOR in two digits, 0D. */
function weighbridgeAnswer(text: string): string {
  const body = `01${text}`;
  return `\x02${body}${[...Buffer.from(body)].reduce((all, byte) => all ^ byte, 0).toString(16).toUpperCase().padStart(2, '0')}\r`;
}

const polledDouble: DriverDouble = {
  good: () =>
    tcpPeer(
      (host, port) => ({ settings: { ...SCALE, host, port }, points: SCALE_POINTS, probeFacts: ['01', 'weight', `${host}:${port}`] }),
      (socket) => {
        socket.on('data', () => {
          socket.write(weighbridgeAnswer('+0012.50S'));
        });
      },
    ),
  ...badTcpPeers((host, port) => ({ settings: { ...SCALE, host, port }, points: SCALE_POINTS })),
  mutate,
};

export const doubleVariants = { polled: polledDouble };
