/** What the contract suite talks to: a station that uploads, and the bad ones, dialling and dialled. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { badTcpPeers, type DriverDouble, type Peer } from '../../core/testing/driver-double.ts';
import { mutateBytes } from '../../core/testing/mutate.ts';
import { seededRandom } from '../../core/world.ts';
import type { UploadFrame } from './frame.ts';
import { dialLogger, waitingLogger, type Logger } from './testing/logger.ts';

const MN = '010000A8900016F000169DC0';
const POINTS = [
  { id: 'pm25', factor: 'a34004' },
  { id: 'pm10', factor: 'a34002' },
  { id: 'fan', factor: 'SB1', value: 'RS' },
];
const UPLOAD_EVERY_MS = 20;

function uploading(logger: Logger): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    logger.upload('2011', `DataTime=202601010000${String(turn % 60).padStart(2, '0')};a34004-Rtd=${turn},a34004-Flag=N;a34002-Rtd=${turn}.5,a34002-Flag=T`);
    logger.upload('2021', `DataTime=202601010000${String(turn % 60).padStart(2, '0')};SB1-RS=1`);
  }, UPLOAD_EVERY_MS);
  return () => clearInterval(timer);
}

export const double: DriverDouble = {
  async good(): Promise<Peer> {
    const logger = await waitingLogger({ mn: MN });
    const end = uploading(logger);
    return {
      settings: { host: '127.0.0.1', port: logger.port, mn: MN }, points: POINTS, connections: logger.connections,
      async stop() {
        end();
        await logger.stop();
      },
    };
  },
  ...badTcpPeers((host, port) => ({ settings: { host, port, mn: MN }, points: POINTS })),
  /** What stands beside the packet is our own; the packet is what comes from outside. */
  mutate: (frame, random) => ({ ...(frame as UploadFrame), packet: mutateBytes((frame as UploadFrame).packet, random) }),
};

/** A free port; whoever asks listens there at once. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => { server.close(() => resolve()); });
  return port;
}

/** Something that dials, again and again, and does as it is told with each connection. */
async function dialling(serve: (socket: Socket) => void): Promise<Peer> {
  const port = await freePort();
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  function dial(): void {
    const line = connect({ host: '127.0.0.1', port });
    socket = line;
    line.on('connect', () => serve(line));
    line.on('error', () => { line.destroy(); });
    line.on('close', () => { if (!isStopped) timer = setTimeout(dial, 20); });
  }
  dial();
  return {
    settings: { listen: `127.0.0.1:${port}`, mn: MN }, points: POINTS,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}

const dials: DriverDouble = {
  async good() {
    const port = await freePort();
    const logger = dialLogger(port, { mn: MN });
    const end = uploading(logger);
    return {
      settings: { listen: `127.0.0.1:${port}`, mn: MN }, points: POINTS, connections: () => Number(logger.isConnected()),
      async stop() {
        end();
        await logger.stop();
      },
    };
  },
  silent: () => dialling((socket) => { socket.resume(); }),
  resets: () => dialling((socket) => { socket.write('##0101QN=2016', () => { socket.resetAndDestroy(); }); }),
  garbage(seed) {
    const random = seededRandom(seed);
    return dialling((socket) => { socket.write(Uint8Array.from({ length: 2000 }, () => Math.floor(random.next() * 256))); });
  },
};

export const otherWays = { dialling: dials };
