/** MQTT 3.1.1 by hand, for tests of a broker: a client that may stop reading, never acknowledge, or send nonsense. */
import { connect, type Socket } from 'node:net';

export interface RawClient {
  socket: Socket;
  /** PUBLISH packets seen while reading. */
  published: number;
  send(bytes: Uint8Array): void;
  /** Resolves when the other side closed. */
  closed: Promise<void>;
}

export interface RawOptions {
  clientId: string;
  user?: string;
  password?: string;
  clean?: boolean;
  keepaliveSeconds?: number;
}

/** Connects and waits for CONNACK. @throws when it is refused */
export async function rawConnect(port: number, options: RawOptions): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => socket.destroy());
  const client: RawClient = {
    socket, published: 0,
    send: (bytes) => { socket.write(bytes); },
    closed: new Promise((resolve) => { socket.once('close', () => resolve()); }),
  };
  client.send(connectPacket(options));
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    void client.closed.then(() => reject(new Error('closed before CONNACK')));
  });
  if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error(`CONNACK ${answer[3]}`);
  socket.on('data', countPublishes(() => { client.published += 1; }));
  return client;
}

export function connectPacket(options: RawOptions): Buffer {
  const { clientId, user, password, clean = true, keepaliveSeconds = 0 } = options;
  const flags = (clean ? 2 : 0) | (password === undefined ? 0 : 0x40) | (user === undefined ? 0 : 0x80);
  const fields = [clientId, user, password].filter((field) => field !== undefined).map(text);
  return packet(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, flags]), uint16(keepaliveSeconds), ...fields]));
}

export function subscribePacket(filter: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.concat([uint16(1), text(filter), Buffer.from([qos])]));
}

export function publishPacket(topic: string, payload: Uint8Array, id = 1): Buffer {
  return packet(0x32, Buffer.concat([text(topic), uint16(id), payload]));
}

/** Only the head of a packet that claims to be `bytes` long. */
export function packetHead(first: number, bytes: number): Buffer {
  return Buffer.from([first, ...varint(bytes)]);
}

const packet = (first: number, body: Buffer): Buffer => Buffer.concat([packetHead(first, body.length), body]);
const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const text = (value: string): Buffer => Buffer.concat([uint16(Buffer.byteLength(value)), Buffer.from(value)]);

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** Cuts what comes into packets, without keeping payloads. */
function countPublishes(found: () => void): (chunk: Buffer) => void {
  let skip = 0;
  let head: number[] = [];
  return (chunk) => {
    let offset = 0;
    while (offset < chunk.length) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - offset);
        skip -= step;
        offset += step;
        continue;
      }
      const byte = chunk[offset] as number;
      offset += 1;
      head.push(byte);
      if (head.length < 2 || byte >= 128) continue;
      skip = head.slice(1).reduce((sum, part, place) => sum + (part & 127) * 128 ** place, 0);
      if ((head[0] as number) >> 4 === 3) found();
      head = [];
    }
  };
}
