/**
 * One MQTT connection to a gateway, from connect to its end; never used again. A new client for each try means that
 * nothing of an old connection can be sent a second time: the log resends, not the MQTT library.
 */
import type { Duplex } from 'node:stream';
import mqtt, { MqttClient, type IClientOptions } from 'mqtt';
import type { Fault } from '../../core/faults.ts';
import { keepAliveDuringBacklog } from '../../core/mqtt-keepalive.ts';
import { QOS } from '../../core/wire/topics.ts';
import { pause, type World } from '../../core/world.ts';

export interface UplinkConnectionOptions {
  url: string;
  clientId: string;
  username: string;
  password: string | null;
  will: { topic: string; payload: string };
  /** Subscribed before `up`, so that no answer is missed. */
  ackTopic: string;
  /** Subscribed as well; a broker that refuses it costs the commands alone. */
  commandTopic: string;
  /** Open, to a server that was judged; else the library connects by itself. */
  socket?: Duplex | undefined;
  /** For an address that the library connects to by itself. */
  tls?: Pick<IClientOptions, 'ca' | 'key' | 'cert'> | undefined;
}

export interface UplinkConnectionEnd {
  detail: string;
  /** Where the words are ours. */
  detailZh?: string;
  /** The gateway was reached and said no: wrong id, token or rights. */
  denied: boolean;
  /** It had been up. */
  wasUp: boolean;
  /** More than `detail` says. */
  fault?: Fault;
}

export interface UplinkConnectionEvents {
  up(): void;
  message(topic: string, payload: Uint8Array): void;
  /** The broker does not let us read our commands. */
  commandsRefused(): void;
  /** Something that was sent has left: there may be room again. */
  drained(): void;
  /** Once, last of all. */
  down(end: UplinkConnectionEnd): void;
}

const KEEPALIVE_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const FAREWELL_MS = 1_000;
/** Receipts (PUBACK) the broker may owe us; beside the window, which counts the gateway's answers. */
const MAX_UNRECEIPTED = 128;
/** CONNACK codes of MQTT 3.1.1 that say who we are is wrong: identifier, user or password, not authorised. */
const DENIED = new Set([2, 4, 5]);

export class UplinkConnection {
  readonly #client: MqttClient;
  readonly #events: UplinkConnectionEvents;
  readonly #options: UplinkConnectionOptions;
  #unreceipted = 0;
  #isUp = false;
  #wasUp = false;
  #ended = false;
  #detail = 'closed';
  #detailZh: string | undefined = '连接已关闭';
  #denied = false;

  /** @throws when the URL is none that MQTT knows */
  constructor(options: UplinkConnectionOptions, events: UplinkConnectionEvents) {
    this.#events = events;
    this.#options = options;
    const settings: IClientOptions = {
      ...options.tls,
      protocolVersion: 4,
      clientId: options.clientId,
      username: options.username,
      ...(options.password === null ? {} : { password: options.password }),
      clean: true,
      keepalive: KEEPALIVE_SECONDS,
      writeCache: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      will: { topic: options.will.topic, payload: Buffer.from(options.will.payload), qos: QOS, retain: true },
    };
    const { socket } = options;
    // What the library takes for no error of a connection says why a gateway refused our certificate.
    socket?.on('error', (error: Error & { code?: string }) => {
      if (!this.#ended && error.code?.startsWith('ERR_SSL')) this.#fail(error);
    });
    this.#client = socket ? new MqttClient(() => socket as never, settings) : mqtt.connect(options.url, settings);
    keepAliveDuringBacklog(this.#client);
    this.#client.on('connect', () => this.#subscribe());
    this.#client.on('message', (topic, payload) => { if (!this.#ended) events.message(topic, payload); });
    this.#client.on('error', (error) => this.#fail(error));
    this.#client.on('close', () => this.#end());
  }

  isReady(): boolean {
    // The stream's own flag: mqtt.js never pushes back.
    return (
      this.#isUp &&
      this.#client.connected &&
      this.#unreceipted < MAX_UNRECEIPTED &&
      !(this.#client.stream as { writableNeedDrain?: boolean }).writableNeedDrain
    );
  }

  publish(topic: string, payload: Uint8Array | string, retain = false): void {
    if (!this.#isUp || !this.#client.connected) return;
    this.#unreceipted += 1;
    this.#client.publish(topic, asBuffer(payload), { qos: QOS, retain }, () => {
      // With or without an error: what the gateway did not acknowledge is sent again anyway.
      this.#unreceipted -= 1;
      if (!this.#ended) this.#events.drained();
    });
  }

  /** Says a last retained word and disconnects in order, so that the will is not needed; resolves within about 2 s. */
  async close(clock: World['clock'], farewell: { topic: string; payload: string }): Promise<void> {
    if (this.#ended) return;
    if (this.#isUp && this.#client.connected) {
      const said = new Promise<void>((resolve) => {
        this.#client.publish(farewell.topic, farewell.payload, { qos: QOS, retain: true }, () => resolve());
      });
      await withinMs(clock, FAREWELL_MS, said);
    }
    for (const id of Object.keys(this.#client.outgoing)) this.#client.removeOutgoingMessage(Number(id));
    await withinMs(clock, FAREWELL_MS, new Promise<void>((resolve) => { this.#client.end(false, () => resolve()); }));
    this.abort();
  }

  /** Drops the connection; the gateway learns of it by the will. */
  abort(): void {
    this.#client.end(true);
    this.#client.stream.destroy();
    this.#end();
  }

  #subscribe(): void {
    // Small batches and their receipts would otherwise wait for each other 40 ms at a time (Nagle and delayed ACK).
    (this.#client.stream as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
    this.#client.stream.on('drain', () => { if (!this.#ended) this.#events.drained(); });
    const { ackTopic, commandTopic } = this.#options;
    // Each by itself: mqtt.js makes one error of a refusal (3.1.1: code 128), and does not say of which topic.
    this.#client.subscribe(commandTopic, { qos: QOS }, (error) => {
      if (isRefusal(error) && !this.#ended) this.#events.commandsRefused();
    });
    this.#client.subscribe(ackTopic, { qos: QOS }, (error) => {
      if (this.#ended) return;
      // Without acks nothing could ever be let go.
      if (isRefusal(error)) {
        this.#denied = true;
        return this.#fail(new Error(`subscription to ${ackTopic} refused`), `消息服务器拒绝订阅 ${ackTopic}`);
      }
      if (error) return this.#fail(error);
      this.#isUp = true;
      this.#wasUp = true;
      this.#events.up();
    });
  }

  #fail(error: Error & { code?: number | string; errors?: Error[] }, zh?: string): void {
    this.#detailZh = zh;
    // An AggregateError (several addresses of one name) has its words in its parts.
    this.#detail = error.message || error.errors?.map((part) => part.message).join('; ') || String(error.code ?? error.name);
    if (typeof error.code === 'number' && DENIED.has(error.code)) this.#denied = true;
    if (!this.#ended) this.abort();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#isUp = false;
    for (const id of Object.keys(this.#client.outgoing)) this.#client.removeOutgoingMessage(Number(id));
    this.#client.end(true);
    this.#events.down({
      detail: this.#detail,
      ...(this.#detailZh !== undefined && { detailZh: this.#detailZh }),
      denied: this.#denied,
      wasUp: this.#wasUp,
    });
  }
}

/** The broker has answered, with a no: unlike a link that went while we asked, which has no packet. */
const isRefusal = (error: Error | null): boolean => (error as { packet?: unknown } | null)?.packet !== undefined;

const asBuffer = (payload: Uint8Array | string) =>
  typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length);

async function withinMs(clock: World['clock'], limitMs: number, work: Promise<void>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([work, pause(clock, limitMs, stop.signal)]);
  stop.abort();
}
