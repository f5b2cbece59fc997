/**
 * One MQTT connection, from dialling to its end; never used again. A message of QoS 1 is acknowledged when its values
 * are on disk: until then the broker has it, and where it keeps our session, sends it again to the next connection.
 */
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { MqttClient, type IClientOptions, type IPublishPacket } from 'mqtt';
import { dial } from '../listening/dial.ts';
import { FaultError } from '../../core/faults.ts';
import { keepAliveDuringBacklog } from '../../core/mqtt-keepalive.ts';
import { pause, type World } from '../../core/world.ts';
import './faults.ts';
import type { MqttInSettings } from './settings.ts';

const KEEPALIVE_SECONDS = 10;
const CONNECT_MS = 8000;
const FAREWELL_MS = 200;
const SESSION_SECONDS = 7 * 86_400;
/** What came and is neither on disk nor let go: above this nothing more is read, and the broker waits. */
const MOST_HELD = 2000;
const MOST_HELD_BYTES = 16 << 20;

export interface Message {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  observedAt: number;
  /** Once: whether it may be acknowledged. Until then it counts as held. */
  settle(isKept: boolean): void;
}

export interface ClientEvents {
  message(message: Message): void;
  /** Once, last of all. */
  down(error: FaultError): void;
}

/** What mqtt.js keeps to itself: with it a PUBACK can wait while others are read. Held to by link.test.ts. */
interface Inner {
  _sendPacket(packet: { cmd: string; messageId?: number }, done?: (error?: Error) => void, ...rest: unknown[]): void;
}

export const addressOf = (url: string): string => {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'mqtts:' ? 8883 : 1883)}`;
};

export class Client {
  readonly address: string;
  readonly #mqtt: MqttClient;
  readonly #stream: Socket;
  readonly #world: World;
  readonly #events: ClientEvents;
  readonly #acks = new Map<number, (() => void) | null>();
  #held = 0;
  #heldBytes = 0;
  #resume: (() => void) | null = null;
  #error: FaultError | null = null;
  #isUp = false;
  #isEnded = false;
  /** We end it: what is still asked will have no answer, which is no refusal. */
  #isLeaving = false;

  constructor(stream: Socket, address: string, options: IClientOptions, world: World, events: ClientEvents) {
    this.address = address;
    this.#stream = stream;
    this.#world = world;
    this.#events = events;
    this.#mqtt = new MqttClient(() => stream, { ...options, manualConnect: true });
    keepAliveDuringBacklog(this.#mqtt, () => this.#resume !== null);
    this.#holdAcks();
    this.#mqtt.handleMessage = (packet, done) => this.#received(packet, done);
    this.#mqtt.on('error', (error) => this.#fail(error));
    this.#mqtt.on('close', () => this.#end());
    stream.on('close', () => this.#end());
  }

  /** Resolves once the broker has let us in. @returns rejects with CV_MQTT_IN_REFUSED, CV_LINK_CLOSED or the signal's reason */
  up(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason); // first: an end has a reason of its own
        this.abort();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#mqtt.once('connect', () => {
        signal.removeEventListener('abort', abort);
        this.#isUp = true;
        resolve();
      });
      this.#onEnd = () => {
        signal.removeEventListener('abort', abort);
        reject(this.#error);
      };
      this.#mqtt.connect();
    });
  }

  #onEnd: () => void = () => {};

  /** @returns rejects with CV_MQTT_IN_SUBSCRIBE where the broker refuses; resolves too when the connection is gone */
  subscribe(filters: readonly string[], qos: 0 | 1): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mqtt.subscribe([...filters], { qos }, (error, granted) => {
        const refused = granted?.find((grant) => grant.qos >= 128);
        if (this.#isEnded || this.#isLeaving) return resolve();
        if (!error && !refused) return resolve();
        reject(new FaultError('CV_MQTT_IN_SUBSCRIBE', { address: this.address, topic: refused?.topic ?? filters.join(' ') }));
      });
    });
  }

  unsubscribe(filters: readonly string[]): void {
    if (!this.#isEnded && this.#mqtt.connected) this.#mqtt.unsubscribe([...filters]);
  }

  /** Nobody waits for it, and it is never sent later. */
  publish(topic: string, payload: Uint8Array): void {
    if (!this.#isEnded && this.#mqtt.connected) this.#mqtt.publish(topic, Buffer.from(payload), { qos: 0 });
  }

  /** Says goodbye where the broker listens; resolves when the socket is gone. */
  async close(): Promise<void> {
    this.#isLeaving = true;
    if (!this.#isEnded && this.#isUp) {
      for (const id of Object.keys(this.#mqtt.outgoing)) this.#mqtt.removeOutgoingMessage(Number(id));
      const over = new AbortController();
      this.#mqtt.end(false, () => over.abort());
      await pause(this.#world.clock, FAREWELL_MS, over.signal);
    }
    this.abort();
  }

  abort(): void {
    this.#isLeaving = true;
    this.#mqtt.end(true);
    this.#stream.destroy();
    this.#end();
  }

  /** Ends it for a reason of ours. */
  lose(error: FaultError): void {
    this.#error ??= error;
    this.abort();
  }

  /** mqtt.js sends a PUBACK as soon as a message is handled, and reads no other before: here it may wait by itself. */
  #holdAcks(): void {
    const inner = this.#mqtt as unknown as Inner;
    const send = inner._sendPacket.bind(inner);
    inner._sendPacket = (packet, done, ...rest) => {
      const id = packet.messageId;
      if (packet.cmd !== 'puback' || id === undefined || !this.#acks.has(id)) return send(packet, done, ...rest);
      this.#acks.set(id, () => send(packet));
      done?.();
    };
  }

  #received(packet: IPublishPacket, done: (error?: Error) => void): void {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const id = packet.qos === 1 ? packet.messageId : undefined;
    if (id !== undefined) this.#acks.set(id, null);
    this.#held += 1;
    this.#heldBytes += payload.length;
    let isSettled = false;
    const settle = (isKept: boolean) => {
      if (isSettled) return;
      isSettled = true;
      this.#held -= 1;
      this.#heldBytes -= payload.length;
      if (id !== undefined) this.#release(id, isKept);
      if (this.#resume && !this.#isFull()) {
        const resume = this.#resume;
        this.#resume = null;
        resume();
      }
    };
    if (this.#isEnded) return;
    this.#events.message({ topic: packet.topic, payload, retain: packet.retain, observedAt: this.#world.clock.nowMs(), settle });
    if (this.#isFull()) this.#resume = done;
    else done();
  }

  #release(id: number, isKept: boolean): void {
    const ack = this.#acks.get(id);
    // Settled before mqtt.js came to send its PUBACK: then it goes out by itself.
    if (isKept) this.#acks.delete(id);
    if (isKept && ack && !this.#isEnded) ack();
  }

  #isFull(): boolean {
    return this.#held >= MOST_HELD || this.#heldBytes >= MOST_HELD_BYTES;
  }

  #fail(error: Error & { code?: number | string; errors?: Error[] }): void {
    const detail = error.message || error.errors?.map((part) => part.message).join('; ') || String(error.code ?? error.name);
    // The broker's own word on who we are has a number; a socket's error has a name.
    this.lose(typeof error.code === 'number' && !this.#isUp ? new FaultError('CV_MQTT_IN_REFUSED', { address: this.address, detail }) : new FaultError('CV_LINK_CLOSED', { address: this.address, detail }));
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error ??= new FaultError('CV_LINK_CLOSED', { address: this.address, detail: 'by the broker', detailZh: '服务器断开' });
    this.#mqtt.end(true);
    this.#stream.destroy();
    this.#onEnd();
    this.#events.down(this.#error);
  }
}

/** @returns rejects with CV_LINK_…, CV_MQTT_IN_TLS, CV_MQTT_IN_REFUSED or the signal's reason */
export async function connectClient(settings: MqttInSettings, world: World, events: ClientEvents, signal: AbortSignal): Promise<Client> {
  const address = addressOf(settings.url);
  const host = new URL(settings.url).hostname.replaceAll(/[[\]]/g, '');
  const socket = await dial({ host, port: Number(address.slice(address.lastIndexOf(':') + 1)) }, world, signal);
  socket.on('error', () => { socket.destroy(); }); // its close says so
  const stream = settings.url.startsWith('mqtts:') ? await secured(socket, host, address, settings, world, signal) : socket;
  const isKept = settings.session === 'kept';
  const isFive = settings.version === '5';
  const client = new Client(stream, address, {
    protocolVersion: isFive ? 5 : 4, keepalive: KEEPALIVE_SECONDS, connectTimeout: CONNECT_MS, reconnectPeriod: 0, resubscribe: false, clean: !isKept,
    clientId: settings.clientId ?? `cityvitals-${Math.floor(world.random.next() * 2 ** 48).toString(36)}`,
    ...(settings.user === undefined ? {} : { username: settings.user }), ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(isFive && isKept ? { properties: { sessionExpiryInterval: SESSION_SECONDS } } : {}),
  }, world, events);
  await client.up(signal);
  return client;
}

async function secured(socket: Socket, host: string, address: string, { tls }: MqttInSettings, world: World, signal: AbortSignal): Promise<TLSSocket> {
  const fail = (error: unknown) => new FaultError('CV_MQTT_IN_TLS', { address, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  if (tls?.verify === false) world.tell({ kind: 'fault', fault: { code: 'CV_MQTT_IN_UNVERIFIED', params: { address } } });
  try {
    const read = async (path: string | undefined) => (path === undefined ? undefined : Buffer.from(await world.files.read(path)));
    const [ca, cert, key] = await Promise.all([read(tls?.ca), read(tls?.cert), read(tls?.key)]);
    const stream = connectTls({ socket, host, ...(isIP(host) ? {} : { servername: host }), rejectUnauthorized: tls?.verify !== false, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      stream.once('secureConnect', () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      stream.on('error', reject);
      stream.once('close', () => reject(new Error('closed by the broker')));
      if (signal.aborted) abort();
    });
    return stream;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : fail(error);
  }
}
