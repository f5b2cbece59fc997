/** Bad peers that dial in, for drivers that listen: the counterpart of `badTcpPeers`. */
import { connect, type Socket } from 'node:net';
import { freePort } from '../../core/free-port.ts';
import { seededRandom } from '../../core/world.ts';
import type { DriverDouble, Peer } from './driver-double.ts';

const REDIAL_MS = 20;

/** Dials a port, again whenever its connection ends; `serve` handles each connection. @param dialsOnce does not dial again after a connection ended */
async function diallingPeer(
  describe: (port: number) => Pick<Peer, 'settings' | 'points'>,
  serve: (socket: Socket) => void,
  dialsOnce = false,
): Promise<Peer> {
  const port = await freePort();
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | undefined;
  let [isStopped, wasConnected] = [false, false];
  function dial(): void {
    const line = connect({ host: '127.0.0.1', port, noDelay: true });
    socket = line;
    line.on('connect', () => {
      wasConnected = true;
      serve(line);
    });
    line.on('error', () => { line.destroy(); }); // the driver does not listen yet, or resets the connection
    line.on('close', () => { if (!isStopped && !(wasConnected && dialsOnce)) timer = setTimeout(dial, REDIAL_MS); });
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

/** The bad peers of a driver whose devices dial in. `prefix`: a message that identifies the device, and the first bytes of an unfinished one. */
export function badDiallingPeers(
  describe: (port: number) => Pick<Peer, 'settings' | 'points'>,
  prefix: string | Uint8Array,
): Pick<DriverDouble, 'silent' | 'resetting' | 'garbage'> {
  return {
    silent: () => diallingPeer(describe, (socket) => { socket.resume(); }),
    resetting: () => diallingPeer(describe, (socket) => { socket.write(prefix, () => { socket.resetAndDestroy(); }); }, true),
    garbage(seed) {
      const random = seededRandom(seed);
      return diallingPeer(describe, (socket) => {
        socket.write(Uint8Array.from({ length: 2000 }, () => Math.floor(random.next() * 256)));
      });
    },
  };
}
