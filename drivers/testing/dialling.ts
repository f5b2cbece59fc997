/** Peers that dial in, for drivers that listen: what `badTcpPeers` is for those that are dialled. */
import { connect, type Socket } from 'node:net';
import { freePort } from '../../core/free-port.ts';
import { seededRandom } from '../../core/world.ts';
import type { DriverDouble, Peer } from './driver-double.ts';

const REDIAL_MS = 20;

/** Something that dials a port, again whenever its connection ends, and does as told with each connection. @param staysAway once one has ended */
async function diallingPeer(describe: (port: number) => Pick<Peer, 'settings' | 'points'>, serve: (socket: Socket) => void, staysAway = false): Promise<Peer> {
  const port = await freePort();
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | undefined;
  let [isStopped, wasHere] = [false, false];
  function dial(): void {
    const line = connect({ host: '127.0.0.1', port, noDelay: true });
    socket = line;
    line.on('connect', () => {
      wasHere = true;
      serve(line);
    });
    line.on('error', () => { line.destroy(); }); // nobody listens yet, or a driver that hangs up hard
    line.on('close', () => { if (!isStopped && !(wasHere && staysAway)) timer = setTimeout(dial, REDIAL_MS); });
  }
  dial();
  return {
    ...describe(port),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}

/** The three bad peers of a driver whose devices dial in. `begins`: a message that says who it is, and the first bytes of one that never ends. */
export function badDiallingPeers(describe: (port: number) => Pick<Peer, 'settings' | 'points'>, begins: string | Uint8Array): Pick<DriverDouble, 'silent' | 'resets' | 'garbage'> {
  return {
    silent: () => diallingPeer(describe, (socket) => { socket.resume(); }),
    resets: () => diallingPeer(describe, (socket) => { socket.write(begins, () => { socket.resetAndDestroy(); }); }, true),
    garbage(seed) {
      const random = seededRandom(seed);
      return diallingPeer(describe, (socket) => { socket.write(Uint8Array.from({ length: 2000 }, () => Math.floor(random.next() * 256))); });
    },
  };
}
