/**
 * One MQTT connection, from dialling to its end; never reused. A QoS 1 message is acknowledged when its values are on
 * disk: until then the broker keeps it and, with a kept session, resends it over the next connection.
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
const DISCONNECT_TIMEOUT_MS = 200;
const SESSION_SECONDS = 7 * 86_400;
/** Messages that are not settled yet: above this reading pauses, and the broker waits. */
const MAX_HELD = 2000;
const MAX_HELD_BYTES = 16 << 20;

export interface MqttMessage {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  observedAt: number;
  /** Called once: whether it may be acknowledged. Until then it counts as held. */
  settle(isKept: boolean): void;
}

export interface BrokerClientEvents {
  message(message: MqttMessage): void;
  /** Called once, as the last event. */
  closed(error: FaultError): void;
}

/** Private method of mqtt.js, needed to delay a PUBACK while others are read. Checked by link.test.ts. */
interface MqttClientInternals {
  _sendPacket(packet: { cmd: string; messageId?: number }, done?: (error?: Error) => void, ...rest: unknown[]): void;
}

export const brokerAddress = (url: string): string => {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'mqtts:' ? 8883 : 1883)}`;
};

export class BrokerClient {
  readonly address: string;
  readonly #mqtt: MqttClient;
  readonly #stream: Socket;
  readonly #world: World;
  readonly #events: BrokerClientEvents;
  readonly #acks = new Map<number, (() => void) | null>();
  #held = 0;
  #heldBytes = 0;
  #resume: (() => void) | null = null;
  #error: FaultError | null = null;
  #isUp = false;
  #isEnded = false;
  /** We are closing: a missing answer is no refusal. */
  #isClosing = false;

  constructor(stream: Socket, address: string, options: IClientOptions, world: World, events: BrokerClientEvents) {
    this.address = address;
    this.#stream = stream;
    this.#world = world;
    this.#events = events;
    this.#mqtt = new MqttClient(() => stream, { ...options, manualConnect: true });
    keepAliveDuringBacklog(this.#mqtt, () => this.#resume !== null);
    this.#holdAcks();
    this.#mqtt.handleMessage = (packet, done) => this.#receive(packet, done);
    this.#mqtt.on('error', (error) => this.#fail(error));
    this.#mqtt.on('close', () => this.#end());
    stream.on('close', () => this.#end());
  }

  /** Resolves once the broker has accepted the connection. @returns rejects with CV_MQTT_IN_REFUSED, CV_LINK_CLOSED or the signal's reason */
  waitConnected(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason); // first: closing has its own reason
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

  /** @returns rejects with CV_MQTT_IN_SUBSCRIBE where the broker refuses; resolves also when the connection is closed */
  subscribe(filters: readonly string[], qos: 0 | 1): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mqtt.subscribe([...filters], { qos }, (error, granted) => {
        const refused = granted?.find((grant) => grant.qos >= 128);
        if (this.#isEnded || this.#isClosing) return resolve();
        if (!error && !refused) return resolve();
        reject(new FaultError('CV_MQTT_IN_SUBSCRIBE', { address: this.address, topic: refused?.topic ?? filters.join(' ') }));
      });
    });
  }

  unsubscribe(filters: readonly string[]): void {
    if (!this.#isEnded && this.#mqtt.connected) this.#mqtt.unsubscribe([...filters]);
  }

  /** Fire and forget; never sent later. */
  publish(topic: string, payload: Uint8Array): void {
    if (!this.#isEnded && this.#mqtt.connected) this.#mqtt.publish(topic, Buffer.from(payload), { qos: 0 });
  }

  /** Disconnects; resolves when the socket is closed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (!this.#isEnded && this.#isUp) {
      for (const id of Object.keys(this.#mqtt.outgoing)) this.#mqtt.removeOutgoingMessage(Number(id));
      const over = new AbortController();
      this.#mqtt.end(false, () => over.abort());
      await pause(this.#world.clock, DISCONNECT_TIMEOUT_MS, over.signal);
    }
    this.abort();
  }

  abort(): void {
    this.#isClosing = true;
    this.#mqtt.end(true);
    this.#stream.destroy();
    this.#end();
  }

  /** Closes with a fault of ours. */
  closeWith(error: FaultError): void {
    this.#error ??= error;
    this.abort();
  }

  /** mqtt.js sends a PUBACK as soon as a message is handled and reads no other before: here it can be delayed separately. */
  #holdAcks(): void {
    const inner = this.#mqtt as unknown as MqttClientInternals;
    const send = inner._sendPacket.bind(inner);
    inner._sendPacket = (packet, done, ...rest) => {
      const id = packet.messageId;
      if (packet.cmd !== 'puback' || id === undefined || !this.#acks.has(id)) return send(packet, done, ...rest);
      this.#acks.set(id, () => send(packet));
      done?.();
    };
  }

  #receive(packet: IPublishPacket, done: (error?: Error) => void): void {
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
    // Settled before mqtt.js sends its PUBACK: then that is sent at once.
    if (isKept) this.#acks.delete(id);
    if (isKept && ack && !this.#isEnded) ack();
  }

  #isFull(): boolean {
    return this.#held >= MAX_HELD || this.#heldBytes >= MAX_HELD_BYTES;
  }

  #fail(error: Error & { code?: number | string; errors?: Error[] }): void {
    const detail = error.message || error.errors?.map((part) => part.message).join('; ') || String(error.code ?? error.name);
    // A refusal by the broker has a numeric code; a socket's error has a name.
    this.closeWith(
      typeof error.code === 'number' && !this.#isUp
        ? new FaultError('CV_MQTT_IN_REFUSED', { address: this.address, detail })
        : new FaultError('CV_LINK_CLOSED', { address: this.address, detail }),
    );
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error ??= new FaultError('CV_LINK_CLOSED', { address: this.address, detail: 'by the broker', detailZh: '服务器断开' });
    this.#mqtt.end(true);
    this.#stream.destroy();
    this.#onEnd();
    this.#events.closed(this.#error);
  }
}

/** @returns rejects with CV_LINK_…, CV_MQTT_IN_TLS, CV_MQTT_IN_REFUSED or the signal's reason */
export async function connectBroker(
  settings: MqttInSettings,
  world: World,
  events: BrokerClientEvents,
  signal: AbortSignal,
): Promise<BrokerClient> {
  const address = brokerAddress(settings.url);
  const host = new URL(settings.url).hostname.replaceAll(/[[\]]/g, '');
  const socket = await dial({ host, port: Number(address.slice(address.lastIndexOf(':') + 1)) }, world, signal);
  socket.on('error', () => { socket.destroy(); }); // 'close' follows
  const stream = settings.url.startsWith('mqtts:') ? await openTls(socket, host, address, settings, world, signal) : socket;
  const isKept = settings.session === 'kept';
  const isFive = settings.version === '5';
  const client = new BrokerClient(
    stream,
    address,
    {
      protocolVersion: isFive ? 5 : 4,
      keepalive: KEEPALIVE_SECONDS,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      clean: !isKept,
      clientId: settings.clientId ?? `cityvitals-${Math.floor(world.random.next() * 2 ** 48).toString(36)}`,
      ...(settings.user === undefined ? {} : { username: settings.user }),
      ...(settings.password === undefined ? {} : { password: settings.password }),
      ...(isFive && isKept ? { properties: { sessionExpiryInterval: SESSION_SECONDS } } : {}),
    },
    world,
    events,
  );
  await client.waitConnected(signal);
  return client;
}

async function openTls(
  socket: Socket,
  host: string,
  address: string,
  { tls }: MqttInSettings,
  world: World,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const fail = (error: unknown) =>
    new FaultError('CV_MQTT_IN_TLS', { address, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  if (tls?.verify === false) world.tell({ kind: 'fault', fault: { code: 'CV_MQTT_IN_UNVERIFIED', params: { address } } });
  try {
    const read = async (path: string | undefined) => (path === undefined ? undefined : Buffer.from(await world.files.read(path)));
    const [ca, cert, key] = await Promise.all([read(tls?.ca), read(tls?.cert), read(tls?.key)]);
    const stream = connectTls({
      socket,
      host,
      ...(isIP(host) ? {} : { servername: host }),
      rejectUnauthorized: tls?.verify !== false,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    });
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
