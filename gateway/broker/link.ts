/**
 * The gateway's way to the broker, embedded or not: an ordinary MQTT client. One link reads what edges send, another
 * publishes, so that a full log, which stops the reading, never holds up acks.
 */
import type { Duplex } from 'node:stream';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { FaultError } from '../../core/faults.ts';
import { keepAliveDuringBacklog } from '../../core/mqtt-keepalive.ts';
import { QOS } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';

export interface BrokerMessage {
  topic: string;
  payload: Uint8Array;
  /** True when the broker kept it from before the subscription. */
  retained: boolean;
}

export interface BrokerLink {
  readonly connected: boolean;
  /** Resolves when the broker has it (PUBACK). @throws CV_BROKER_UNREACHABLE when the link is or goes down: nothing is kept for later */
  publish(topic: string, payload: Uint8Array | string, options?: { retain?: boolean }): Promise<void>;
  /** Called after each connect, when the subscriptions stand; at once if they stand already. */
  onReady(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface LinkOptions {
  /** Unique on the broker. */
  clientId: string;
  filters: readonly string[];
  /** Tells whether it is connected; of several links to one broker, one does. */
  speaks?: boolean;
  /** The next message is read, and this one acknowledged, when the promise settles. */
  take?(message: BrokerMessage): Promise<void> | void;
}

/** Where to connect: a broker's URL with credentials, or a stream into the embedded one. */
export type LinkTarget =
  | { url: string; user: string | null; password: string | null; trusted?: string[] }
  | { url: string; open(): Duplex };

/** Client ids of gateways begin with this; the embedded broker gives them to nobody else. */
export const GATEWAY_CLIENT = 'gateway:';
const KEEPALIVE_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_MS = 1000;
const CLOSE_MS = 1000;

export function openLink(target: LinkTarget, options: LinkOptions, world: World): BrokerLink {
  const settings: IClientOptions = {
    clientId: options.clientId, clean: true, protocolVersion: 4, keepalive: KEEPALIVE_SECONDS, connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: RECONNECT_MS, resubscribe: false, queueQoSZero: false, log: () => {},
    ...('user' in target && target.user !== null ? { username: target.user } : {}),
    ...('user' in target && target.password !== null ? { password: target.password } : {}),
    ...('user' in target && target.trusted ? { ca: target.trusted } : {}),
  };
  const client = 'open' in target ? new mqtt.MqttClient(() => target.open(), settings) : mqtt.connect(target.url, settings);
  const address = withoutPassword(target.url);
  const listeners = new Set<() => void>();
  let ready = false;
  let told: boolean | null = null;

  function tellState(online: boolean): void {
    if (options.speaks && told !== online) world.tell({ kind: 'link_state', online, address });
    told = online;
  }
  function dropOutgoing(): void {
    for (const id of Object.keys(outgoingOf(client))) client.removeOutgoingMessage(Number(id));
  }
  /** mqtt.js puts what it does with a message of ours ("Message removed"); whoever reads it wants to know of the broker. */
  const unanswered = (error: Error): BilingualText | string =>
    (error as { packet?: unknown }).packet === undefined
      ? { en: 'the connection ended before the broker answered', zh: '连接在代理应答前已断开' }
      : error.message;
  /** What is not ours comes in the words of who said it. */
  const unreachable = (detail: BilingualText | string) =>
    new FaultError('CV_BROKER_UNREACHABLE', {
      url: address,
      ...(typeof detail === 'string' ? { detail } : { detail: detail.en, detailZh: detail.zh }),
    });

  /** What is said within a turn of the event loop leaves in one write: with small messages that write is most of the cost. A stream in memory gathers by itself. */
  let isCorked = false;
  function gather(): void {
    if (isCorked || 'open' in target) return;
    isCorked = true;
    const { stream } = client;
    stream.cork();
    setImmediate(() => {
      isCorked = false;
      stream.uncork();
    });
  }

  let isHeld = false;
  keepAliveDuringBacklog(client, () => isHeld);
  client.handleMessage = (packet, done) => {
    const acknowledge = () => {
      isHeld = false;
      gather();
      done();
    };
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const taken = options.take?.({ topic: packet.topic, payload, retained: packet.retain });
    isHeld = taken !== undefined;
    if (taken) taken.then(acknowledge, done);
    else acknowledge();
  };
  client.on('connect', () => {
    const stand = () => {
      ready = true;
      tellState(true);
      for (const listener of listeners) listener();
    };
    if (options.filters.length === 0) return stand();
    client.subscribe([...options.filters], { qos: QOS }, (error, granted) => {
      const denied = granted?.find((one) => one.qos > 2);
      if (!error && !denied) return stand();
      world.tell({
        kind: 'fault',
        fault: unreachable(error ? unanswered(error) : { en: `subscription to ${denied?.topic} denied`, zh: `不允许订阅 ${denied?.topic}` })
          .fault,
      });
      client.stream.destroy();
    });
  });
  client.on('error', (error) => world.tell({ kind: 'fault', fault: unreachable(error.message).fault }));
  client.on('close', () => {
    ready = false;
    tellState(false);
    // Without this mqtt.js sends them again on the next connection; whoever published is told and decides.
    dropOutgoing();
  });

  return {
    get connected() { return ready && client.connected; },
    publish(topic, payload, { retain = false } = {}) {
      return new Promise((resolve, reject) => {
        if (!client.connected) return reject(unreachable({ en: 'not connected', zh: '未连接' }));
        const bytes = typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
        gather();
        client.publish(topic, bytes, { qos: QOS, retain }, (error) => (error ? reject(unreachable(unanswered(error))) : resolve()));
      });
    },
    onReady(listener) {
      listeners.add(listener);
      if (ready) listener();
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      dropOutgoing();
      // A peer that does not read would keep a clean end waiting.
      const timer = world.clock.after(CLOSE_MS, () => client.stream.destroy());
      await new Promise<void>((resolve) => { client.end(!client.connected, {}, () => resolve()); });
      timer.cancel();
    },
  };
}

const outgoingOf = (client: MqttClient): Record<string, unknown> => (client as unknown as { outgoing: Record<string, unknown> }).outgoing;

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
