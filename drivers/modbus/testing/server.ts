/** A small Modbus server for rigs and tests: TCP, or RTU through a socket as a transparent serial server gives it. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { requestReader, type Envelope, type Served } from './device.ts';

export { NO_SUCH_UNIT, type Served } from './device.ts';

export interface ModbusServer {
  port: number;
  connections(): number;
  close(): Promise<void>;
}

/** What goes out instead of the right answer (or, from a serial unit that is not there, of silence); null sends nothing. */
export type Twist = (answer: Buffer, request: Buffer, socket: Socket) => Uint8Array | null;

export interface ServeOptions {
  port?: number;
  host?: string;
  envelope?: Envelope;
  twist?: Twist;
}

/** Listens on loopback; port 0 takes a free one. */
export async function serveModbus(served: Served, { port = 0, host = '127.0.0.1', envelope = 'tcp', twist }: ServeOptions = {}): Promise<ModbusServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); }); // the other side hung up hard; 'close' follows
    const read = requestReader(served, envelope);
    socket.on('data', (bytes) => {
      const answered = read(bytes);
      if (!answered) return socket.destroy();
      for (const { request, answer } of answered) {
        const sent = twist ? twist(answer ?? Buffer.alloc(0), request, socket) : answer;
        if (sent && sent.length > 0) socket.write(sent);
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}
