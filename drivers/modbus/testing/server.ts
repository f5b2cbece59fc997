/** A small Modbus server for rigs and tests: TCP, or RTU over a socket like a transparent serial server. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { requestReader, type ModbusEnvelope, type SimulatedModbusDevice } from './simulated-device.ts';

export { NO_SUCH_UNIT, type SimulatedModbusDevice } from './simulated-device.ts';

export interface ModbusServer {
  port: number;
  connections(): number;
  close(): Promise<void>;
}

/** Replaces the correct answer (or the silence of a missing serial unit); null sends nothing. */
export type AnswerOverride = (answer: Buffer, request: Buffer, socket: Socket) => Uint8Array | null;

export interface ModbusServerOptions {
  port?: number;
  host?: string;
  envelope?: ModbusEnvelope;
  override?: AnswerOverride;
}

/** Listens on loopback; port 0 takes a free one. */
export async function serveSimulatedModbus(
  served: SimulatedModbusDevice,
  { port = 0, host = '127.0.0.1', envelope = 'tcp', override }: ModbusServerOptions = {},
): Promise<ModbusServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); }); // reset by the peer; 'close' follows
    const read = requestReader(served, envelope);
    socket.on('data', (bytes) => {
      const answered = read(bytes);
      if (!answered) return socket.destroy();
      for (const { request, answer } of answered) {
        const sent = override ? override(answer ?? Buffer.alloc(0), request, socket) : answer;
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
