/** A broker on loopback (aedes, MQTT 3.1.1) for tests. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Aedes } from 'aedes';

const EVERY_MS = 20;

export interface TestBroker {
  port: number;
  url: string;
  aedes: Aedes;
  connections(): number;
  /** Resolves once the broker has accepted it. */
  publish(topic: string, payload: string | Uint8Array, more?: { qos?: 0 | 1; retain?: boolean }): Promise<void>;
  /** Number of messages acknowledged to it. */
  acknowledged(): number;
  stop(): Promise<void>;
}

export async function startTestBroker(): Promise<TestBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  let acknowledged = 0;
  aedes.on('ack', () => { acknowledged += 1; });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); });
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  return {
    port, url: `mqtt://127.0.0.1:${port}`, aedes,
    connections: () => sockets.size,
    publish: (topic, payload, { qos = 1, retain = false } = {}) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: 'publish', topic, payload: Buffer.from(payload as Uint8Array), qos, retain, dup: false }, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    acknowledged: () => acknowledged,
    async stop() {
      await new Promise<void>((resolve) => { aedes.close(() => resolve()); });
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

/** @returns a function that stops it */
export function publishPeriodically(
  broker: TestBroker,
  message: (turn: number, nowMs: number) => [topic: string, payload: string | Uint8Array],
): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    void broker.publish(...message(turn, Date.now()));
  }, EVERY_MS);
  return () => clearInterval(timer);
}
