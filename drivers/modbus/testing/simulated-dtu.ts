/** A simulated 4G DTU for rigs and tests: dials a port, registers, answers for the units behind it, and sends heartbeats. */
import { connect, type Socket } from 'node:net';
import { requestReader, type ModbusEnvelope, type SimulatedModbusDevice } from './simulated-device.ts';
import type { AnswerOverride } from './server.ts';

export interface SimulatedDtuOptions {
  port: number;
  device: SimulatedModbusDevice;
  envelope?: ModbusEnvelope;
  /** Sent once when it has dialled; null: it does not register. */
  registration: Uint8Array | null;
  heartbeat?: Uint8Array;
  /** Splits an answer into separate writes, one per turn of the event loop. */
  pieces?(answer: Uint8Array): Uint8Array[];
  override?: AnswerOverride;
  /** Redials this long after its connection ended, until it is accepted; default 20 ms. */
  redialMs?: number;
}

export interface SimulatedDtu {
  /** How often it was accepted. */
  dials(): number;
  isConnected(): boolean;
  beat(): void;
  /** Sends anything. */
  say(bytes: Uint8Array): void;
  /** Breaks its connection; it redials. */
  drop(): void;
  /** The network drops its connection without telling the peer; it redials. */
  vanish(): void;
  stop(): Promise<void>;
}

export function simulatedDtu({
  port,
  device,
  envelope = 'rtu',
  registration,
  heartbeat,
  pieces = (answer) => [answer],
  override,
  redialMs = 20,
}: SimulatedDtuOptions): SimulatedDtu {
  const halfOpen = new Set<Socket>();
  let socket: Socket | null = null;
  let isConnected = false;
  let dials = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  function dial(): void {
    if (isStopped) return;
    const line = connect({ host: '127.0.0.1', port, noDelay: true });
    socket = line;
    const read = requestReader(device, envelope);
    line.on('connect', () => {
      isConnected = true;
      dials += 1;
      if (registration) line.write(registration);
    });
    line.on('data', (bytes) => {
      if (socket !== line) return;
      for (const { request, answer } of read(bytes) ?? []) {
        const sent = override ? override(answer ?? Buffer.alloc(0), request, line) : answer;
        if (sent) send(line, pieces(sent));
      }
    });
    line.on('error', () => { line.destroy(); }); // refused, or reset; 'close' follows
    line.on('close', () => {
      halfOpen.delete(line);
      if (socket !== line) return;
      isConnected = false;
      timer = setTimeout(dial, redialMs);
    });
  }

  function send(line: Socket, [first, ...rest]: Uint8Array[]): void {
    if (!first || line.destroyed) return;
    line.write(first);
    if (rest.length > 0) setImmediate(() => setImmediate(() => send(line, rest)));
  }

  dial();
  return {
    dials: () => dials,
    isConnected: () => isConnected,
    beat() { if (heartbeat && isConnected) socket?.write(heartbeat); },
    say(bytes) { if (isConnected) socket?.write(bytes); },
    drop: () => { socket?.resetAndDestroy(); },
    vanish() {
      if (socket) halfOpen.add(socket);
      isConnected = false;
      dial();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      const closing = [socket, ...halfOpen].filter((one): one is Socket => one !== null && !one.destroyed);
      await Promise.all(closing.map((one) => new Promise<void>((resolve) => {
        one.once('close', () => resolve());
        one.destroy();
      })));
    },
  };
}
