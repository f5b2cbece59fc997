/** A network between two processes that can be cut: a TCP relay on loopback. While cut, it accepts nobody. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  readonly cut: boolean;
  /** Drops what is connected and refuses what comes, until mended. */
  setCut(cut: boolean): void;
  close(): Promise<void>;
}

/** @param target asked for at each connection, so that a restarted server may move to another port */
export async function startRelay(target: () => number, port = 0): Promise<Relay> {
  const open = new Set<Socket>();
  let cut = false;
  const server: Server = createServer((near) => {
    if (cut) return void near.destroy();
    const far = connect({ host: '127.0.0.1', port: target(), noDelay: true });
    near.setNoDelay(true);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const dropAll = () => { for (const socket of open) socket.destroy(); };
  return {
    port: (server.address() as AddressInfo).port,
    get cut() { return cut; },
    setCut(next) {
      cut = next;
      if (cut) dropAll();
    },
    close: () => new Promise((resolve) => {
      dropAll();
      server.close(() => resolve());
    }),
  };
}
