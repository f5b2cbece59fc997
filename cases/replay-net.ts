/** Sockets and serial lines of a world in which only the recording exists. */
import { addressOf, type Address, type Datagrams, type Listening, type Net } from '../core/net.ts';
import type { Clock } from '../core/world.ts';
import type { RecordedDevice } from './recorded-device.ts';
import { MemorySocket } from './memory-socket.ts';

export interface ReplayNet extends Net {
  /** Nobody dials any more, and what is open ends. */
  end(): void;
}

/** Where a recorded device is, for drivers that look at who speaks. */
const ANYWHERE: Address = { host: '192.0.2.1', port: 0 };

/** @param ends the connections of the recording that this link may have, in the order in which they were opened */
export function replayNet(ends: readonly RecordedDevice[], clock: Clock, atMs: (afterUs: number) => number): ReplayNet {
  const free = ends.filter(({ connection }) => connection.by === 'edge');
  const open = new Set<MemorySocket>();
  let isOver = false;

  /** The next connection that went out this way. */
  function next(via: 'tcp' | 'udp' | 'serial', code: string): RecordedDevice {
    const at = free.findIndex(({ connection }) => connection.via === via);
    const [end] = at < 0 ? [] : free.splice(at, 1);
    if (end) return end;
    throw Object.assign(new Error(`${code}: the recording has no further connection`), { code });
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

  /** The device speaks once whoever opened it had its turn to listen. */
  const begin = (end: RecordedDevice, socket: MemorySocket) => { clock.after(0, () => end.start(socket)); };

  return {
    async connect({ port }) {
      const end = next('tcp', 'ECONNREFUSED');
      const socket = socketOf(end, port);
      begin(end, socket);
      return socket.asSocket();
    },
    async listen({ port }, accept): Promise<Listening> {
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
        // Whoever it is sent to: the recording's device hears it.
        send: (bytes) => mine[0]?.receive(bytes),
        listen(take) {
          for (const end of mine) clock.after(0, () => end.start({ deliver: (bytes) => take(Buffer.from(bytes), addressOfPeer(end.connection.peer)), disconnect() {} }));
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

function addressOfPeer(peer: string | undefined): Address {
  if (!peer?.includes(':')) return ANYWHERE;
  const { host, port } = addressOf(peer);
  return { host, port: port || 0 };
}
