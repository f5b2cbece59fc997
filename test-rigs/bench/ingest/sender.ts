/** MQTT 3.1.1 at little cost: a connection that only publishes with QoS 1, so that the load takes as little as it can of the machine. */
import { connectPacket } from '../../../core/testing/raw-mqtt.ts';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Login } from './contender.ts';

export class LoadSender {
  readonly #socket: Socket;
  readonly #topic: Buffer;
  #packetId = 0;
  /** Events given so far. */
  sent = 0;
  failed: Error | null = null;

  private constructor(socket: Socket, topic: string) {
    this.#socket = socket;
    const text = Buffer.from(topic);
    this.#topic = Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), text]);
    socket.on('error', (error) => { this.failed = error; });
    socket.on('close', () => { this.failed ??= new Error('the broker closed a sender\'s connection'); });
    // PUBACKs: what counts as done is what is stored, so they are only taken off the wire.
    socket.resume();
  }

  static async open(port: number, login: Login, topic: string): Promise<LoadSender> {
    const address = { host: '127.0.0.1', port };
    const socket = login.tls ? connectTls({ ...address, ...login.tls }).setNoDelay(true) : connect({ ...address, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once(login.tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    socket.write(connectPacket({ clientId: login.clientId, user: login.user, password: login.password }));
    const answer = await new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('close', () => reject(new Error('closed before CONNACK')));
    });
    if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error(`CONNACK ${answer[3]}`);
    return new LoadSender(socket, topic);
  }

  /** Bytes that the socket has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  publish(payload: Uint8Array, events: number): void {
    this.#packetId = (this.#packetId % 65_535) + 1;
    const id = this.#packetId;
    const length = this.#topic.length + 2 + payload.length;
    this.#socket.cork();
    this.#socket.write(Buffer.from([0x32, ...remaining(length)]));
    this.#socket.write(this.#topic);
    this.#socket.write(Buffer.from([id >> 8, id & 255]));
    this.#socket.write(payload);
    process.nextTick(() => this.#socket.uncork());
    this.sent += events;
  }

  close(): void {
    this.#socket.destroy();
  }
}

function remaining(length: number): number[] {
  const bytes: number[] = [];
  let left = length;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 128 : low);
  } while (left > 0);
  return bytes;
}
