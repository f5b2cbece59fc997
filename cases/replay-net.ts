/** The `Net` of a replay: sockets and serial lines to recorded devices. */
import { parseHostPort, type HostPort, type Datagrams, type ListeningPort, type Net } from '../core/net.ts';
import type { Clock } from '../core/world.ts';
import type { RecordedDevice } from './recorded-device.ts';
import { MemorySocket } from './memory-socket.ts';

export interface ReplayNet extends Net {
  /** Closes all connections; later ones fail. */
  end(): void;
}

/** Peer address when the recording has none. */
const UNKNOWN_PEER: HostPort = { host: '192.0.2.1', port: 0 };

/** @param ends recorded connections of this link, in the order in which they were opened */
export function replayNet(ends: readonly RecordedDevice[], clock: Clock, atMs: (afterUs: number) => number): ReplayNet {
  const free = ends.filter(({ connection }) => connection.by === 'edge');
  const open = new Set<MemorySocket>();
  let isOver = false;

  /** The next recorded connection of this kind. */
  function next(via: 'tcp' | 'udp' | 'serial', code: string): RecordedDevice {
    const index = free.findIndex(({ connection }) => connection.via === via);
    const [end] = index < 0 ? [] : free.splice(index, 1);
    if (end) return end;
    throw Object.assign(new Error(`${code}: no further connection in the recording`), { code });
  }

  function socketOf(end: RecordedDevice, port: number): MemorySocket {
    const socket = new MemorySocket({
      received: (bytes) => end.receive(bytes),
      closed() {
        open.delete(socket);
        end.stop();
      },
    }, port);
    open.add(socket);
    return socket;
  }

  /** Starts the device in the next turn, when the caller has its listeners. */
  const begin = (end: RecordedDevice, socket: MemorySocket) => { clock.after(0, () => end.start(socket)); };

  return {
    async connect({ port }) {
      const end = next('tcp', 'ECONNREFUSED');
      const socket = socketOf(end, port);
      begin(end, socket);
      return socket.asSocket();
    },
    async listen({ port }, accept): Promise<ListeningPort> {
      for (const end of ends.filter(({ connection }) => connection.by === 'device')) {
        clock.after(atMs(end.connection.openUs) - clock.nowMs(), () => {
          if (isOver) return;
          const socket = socketOf(end, 40_000 + end.connection.conn);
          accept(socket.asSocket());
          begin(end, socket);
        });
      }
      return { port, close: async () => {} };
    },
    async bind({ port }): Promise<Datagrams> {
      const mine = ends.filter(({ connection }) => connection.via === 'udp');
      return {
        port,
        // Any destination: received by the recorded device.
        send: (bytes) => mine[0]?.receive(bytes),
        listen(take) {
          for (const end of mine)
            clock.after(0, () =>
              end.start({ deliver: (bytes) => take(Buffer.from(bytes), addressOfPeer(end.connection.peer)), disconnect() {} }),
            );
        },
        close: async () => { for (const end of mine) end.stop(); },
      };
    },
    async serial() {
      const end = next('serial', 'ENOENT');
      const socket = socketOf(end, 0);
      begin(end, socket);
      return socket.asSerialLine();
    },
    end() {
      isOver = true;
      for (const socket of open) socket.destroy();
      for (const end of ends) end.stop();
    },
  };
}

function addressOfPeer(peer: string | undefined): HostPort {
  if (!peer?.includes(':')) return UNKNOWN_PEER;
  const { host, port } = parseHostPort(peer);
  return { host, port: port || 0 };
}
