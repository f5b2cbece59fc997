/**
 * A simulated RFID reader for rigs and tests, written from LLRP 1.0.1 and independent of this driver: it greets, follows
 * requests, reports the tags given to it and sends keep-alives.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

interface SimulatedRead {
  epc: string;
  antenna?: number;
  rssi?: number;
  /** ms UTC by the reader's clock. */
  at?: number;
}

export interface SimulatedReaderOptions {
  /** Status of the connection attempt; 0: accepted. */
  greeting?: number;
  /** How a time is written: µs since 1970 (the standard), FILETIME, or since it was switched on. */
  clock?: 'utc' | 'filetime' | 'uptime';
  /** How far its clock is ahead. */
  aheadMs?: number;
  /** Message types that it rejects. */
  rejectedTypes?: readonly number[];
  /** Never greets. */
  isMute?: boolean;
  nowMs?(): number;
}

export interface SimulatedReader {
  /** Types of the messages it received, in order. */
  readonly received: readonly number[];
  readonly rospecs: ReadonlySet<number>;
  isReading(): boolean;
  connections(): number;
  report(reads: readonly SimulatedRead[]): void;
  antenna(id: number, isConnected: boolean): void;
  input(port: number, isHigh: boolean): void;
  keepalive(): void;
  sendBytes(bytes: Uint8Array): void;
  drop(): void;
  stop(): Promise<void>;
}

const be16 = (value: number) => Buffer.from([(value >> 8) & 255, value & 255]);
const be32 = (value: number) => Buffer.from([(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
function be64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
const tlv = (type: number, ...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([be16(type), be16(4 + body.length), body]);
};
const message = (type: number, id: number, ...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([be16(0x0400 | type), be32(10 + body.length), be32(id), body]);
};

/** Listens for its client, the usual case. */
export async function listeningReader(options: SimulatedReaderOptions = {}): Promise<SimulatedReader & { port: number }> {
  const reader = readerOf(options);
  const server = createServer({ noDelay: true }, reader.attach);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return Object.assign(reader.api, {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise<void>((resolve) => {
      server.close(() => resolve());
      reader.dropAll();
    }),
  });
}

/** Connects to its client, again whenever the connection ends. */
export function diallingReader(port: number, options: SimulatedReaderOptions = {}): SimulatedReader {
  const reader = readerOf(options);
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  function dial(): void {
    if (isStopped) return;
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.on('connect', () => reader.attach(socket));
    socket.on('error', () => { socket.destroy(); });
    socket.on('close', () => { timer = setTimeout(dial, 20); });
  }
  dial();
  return Object.assign(reader.api, {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      reader.dropAll();
    },
  });
}

function readerOf({
  greeting = 0,
  clock = 'utc',
  aheadMs = 0,
  rejectedTypes = [],
  isMute = false,
  nowMs = () => Date.now(),
}: SimulatedReaderOptions) {
  const sockets = new Set<Socket>();
  const received: number[] = [];
  const rospecs = new Set<number>();
  let socket: Socket | null = null;
  let reading = false;
  let id = 1000;
  const startedMs = nowMs() - 60_000;

  const stampOf = (atMs: number) =>
    clock === 'filetime'
      ? (BigInt(Math.round(atMs + aheadMs)) * 1000n + 11_644_473_600_000_000n) * 10n
      : BigInt(Math.round(atMs + aheadMs)) * 1000n;
  const uptimeOf = (atMs: number) => BigInt(Math.round(atMs - startedMs)) * 1000n;
  const clockParameter = () => (clock === 'uptime' ? tlv(129, be64(uptimeOf(nowMs()))) : tlv(128, be64(stampOf(nowMs()))));
  const send = (type: number, messageId: number, ...parts: Buffer[]) => { socket?.write(message(type, messageId, ...parts)); };
  const event = (...parts: Buffer[]) => send(63, id++, tlv(246, clockParameter(), ...parts));
  const status = (code: number, text = '') => tlv(287, be16(code), be16(Buffer.byteLength(text)), Buffer.from(text));

  function attach(one: Socket): void {
    sockets.add(one);
    socket = one;
    reading = false;
    one.on('error', () => { one.destroy(); });
    one.on('close', () => {
      sockets.delete(one);
      if (socket === one) reading = false;
    });
    let held = Buffer.alloc(0);
    one.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 10 && held.length >= held.readUInt32BE(2)) {
        const length = held.readUInt32BE(2);
        if (length < 10) return void one.destroy();
        handle(held.readUInt16BE(0) & 0x3ff, held.readUInt32BE(6), held.subarray(10, length));
        held = held.subarray(length);
      }
    });
    if (!isMute) event(tlv(256, be16(greeting)));
  }

  function handle(type: number, messageId: number, body: Buffer): void {
    received.push(type);
    if (type === 72 || type === 64) return;
    const answer = ({ 1: 11, 2: 12, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 23: 33, 24: 34, 25: 35 } as Record<number, number>)[type];
    if (answer === undefined) return send(100, messageId, status(109, 'unsupported message'));
    if (rejectedTypes.includes(type)) return send(answer, messageId, status(101, 'field error'));
    if (type === 20) rospecs.add(body.readUInt32BE(4));
    if (type === 21) {
      if (body.readUInt32BE(0) === 0) rospecs.clear();
      else rospecs.delete(body.readUInt32BE(0));
      reading = false;
    }
    if (type === 22 || (type === 24 && rospecs.size > 0)) reading = rospecs.has(body.readUInt32BE(0));
    const steps = [1000, 1500, 2000, 2700, 3000].map((dbm, at) => tlv(145, be16(at + 1), be16(dbm)));
    if (type === 1)
      return send(
        answer,
        messageId,
        status(0),
        tlv(137, be16(4), be16(0), be32(25882), be32(2001), be16(3), Buffer.from('7.5')),
        tlv(143, be16(156), be16(0), tlv(144, ...steps)),
      );
    if (type === 2)
      return send(
        answer,
        messageId,
        status(0),
        ...[1, 2].map((antenna) => tlv(221, Buffer.from([0x80]), be16(antenna), be16(0))),
        ...[1, 2].map((antenna) => tlv(222, be16(antenna), tlv(223, be16(1)), tlv(224, be16(1), be16(0), be16(5)))),
      );
    send(answer, messageId, status(0));
    if (type === 14) socket?.end();
  }

  const api: Omit<SimulatedReader, 'stop'> = {
    received, rospecs,
    isReading: () => reading,
    connections: () => sockets.size,
    report(reads) {
      send(
        61,
        id++,
        ...reads.map(({ epc, antenna = 1, rssi = -50, at = nowMs() }) => {
          const bytes = Buffer.from(epc, 'hex');
          const times =
            clock === 'uptime'
              ? [Buffer.from([0x83]), be64(uptimeOf(at)), Buffer.from([0x85]), be64(uptimeOf(at))]
              : [Buffer.from([0x82]), be64(stampOf(at)), Buffer.from([0x84]), be64(stampOf(at))];
          return tlv(
            240,
            ...(bytes.length === 12 ? [Buffer.from([0x8d]), bytes] : [tlv(241, be16(bytes.length * 8), bytes)]),
            Buffer.from([0x81]),
            be16(antenna),
            Buffer.from([0x86, rssi & 255]),
            ...times,
            Buffer.from([0x88]),
            be16(1),
          );
        }),
      );
    },
    antenna: (antenna, isConnected) => event(tlv(255, Buffer.from([isConnected ? 1 : 0]), be16(antenna))),
    input: (port, isHigh) => event(tlv(248, be16(port), Buffer.from([isHigh ? 0x80 : 0]))),
    keepalive: () => send(62, id++),
    sendBytes: (bytes) => { socket?.write(bytes); },
    drop: () => { socket?.destroy(); },
  };
  return { api, attach, dropAll: () => { for (const one of sockets) one.destroy(); } };
}
