/** One connection to a broker, shared by devices with the same settings; routes messages by topic. */
import { FaultError } from '../../core/faults.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import { everyMs, type Clock, type Timer, type World } from '../../core/world.ts';
import { payloadExcerpt } from './parsed-payload.ts';
import { brokerAddress, connectBroker, type BrokerClient, type MqttMessage } from './broker-client.ts';
import './faults.ts';
import type { MqttInSettings } from './settings.ts';
import type { MqttDevice } from './device.ts';
import { topicMatches } from './topics.ts';

/** A kept session delivers at once, while its devices are opened one after the other. */
const BUFFER_MS = 15_000;
const MAX_BUFFERED = 1000;
/** Longest time for a value to reach the disk. */
const STORE_TIMEOUT_MS = 60_000;
const CHECK_INTERVAL_MS = 10_000;
const REBIRTH_INTERVAL_MS = 10_000;
const MAX_ROUTES = 10_000;

interface Entry {
  broker: BrokerConnection;
  opening: Promise<void>;
  ending: AbortController;
  users: number;
}

/** By clock, which all devices of an edge share; each may have its own recorded `Net`. */
const brokers = new WeakMap<Clock, Map<string, Entry>>();

/** @returns rejects with what `connectClient` rejects with; call `release` once for each call; it resolves when all handles are closed */
export async function acquireBroker(
  settings: MqttInSettings,
  world: World,
  signal: AbortSignal,
): Promise<{ broker: BrokerConnection; release(): Promise<void> }> {
  const byKey = brokers.get(world.clock) ?? new Map<string, Entry>();
  brokers.set(world.clock, byKey);
  const { url, version, user, password, tls, clientId, session } = settings;
  const key = JSON.stringify([url, version, user, password, tls, clientId, session]);
  const entry = byKey.get(key) ?? opened(settings, world);
  byKey.set(key, entry);
  entry.users += 1;
  const removeEntry = () => { if (byKey.get(key) === entry) byKey.delete(key); };
  entry.broker.onClose(removeEntry);
  const release = async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    removeEntry();
    entry.ending.abort(new FaultError('CV_LINK_CLOSED', { address: brokerAddress(url), detail: 'closed by this edge', detailZh: '本机关闭' }));
    await entry.broker.close();
  };
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    if (signal.aborted) throw signal.reason;
    await Promise.race([entry.opening, aborted]);
    return { broker: entry.broker, release };
  } catch (error) {
    await release();
    removeEntry();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    aborted.catch(() => {}); // no listener is left
  }
}

function opened(settings: MqttInSettings, world: World): Entry {
  const broker = new BrokerConnection(settings, world);
  const ending = new AbortController();
  const opening = broker.open(ending.signal);
  opening.catch(() => {}); // reported by its waiters
  return { broker, opening, ending, users: 0 };
}

export class BrokerConnection {
  readonly address: string;
  readonly #settings: MqttInSettings;
  readonly #world: World;
  readonly #unconfigured: UnconfiguredDevices;
  readonly #devices = new Set<MqttDevice>();
  readonly #listeners = new Set<(message: MqttMessage) => void>();
  readonly #routes = new Map<string, readonly MqttDevice[]>();
  readonly #closeListeners = new Set<() => void>();
  readonly #rebirths = new Map<string, number>();
  readonly #receivedMs = new Map<MqttMessage, number>();
  #buffered: MqttMessage[] = [];
  #isBuffering = true;
  #timers: Timer[] = [];
  #client: BrokerClient | null = null;
  error: FaultError | null = null;

  constructor(settings: MqttInSettings, world: World) {
    this.address = brokerAddress(settings.url);
    this.#settings = settings;
    this.#world = world;
    this.#unconfigured = new UnconfiguredDevices('mqtt-in', this.address, world.tell);
  }

  async open(signal: AbortSignal): Promise<void> {
    this.#client = await connectBroker(
      this.#settings,
      this.#world,
      { message: (message) => this.#route(message), closed: (error) => this.#closed(error) },
      signal,
    );
    this.#timers = [
      this.#world.clock.after(BUFFER_MS, () => this.#flushBuffered()),
      everyMs(this.#world.clock, CHECK_INTERVAL_MS, () => this.#checkStored()),
    ];
  }

  onClose(run: () => void): void {
    this.#closeListeners.add(run);
  }

  /** @returns rejects with CV_MQTT_IN_SUBSCRIBE */
  async addDevice(device: MqttDevice): Promise<void> {
    this.#devices.add(device);
    this.#routes.clear();
    if (this.error) return device.connectionLost(this.error);
    const waiting = this.#buffered;
    this.#buffered = [];
    for (const message of waiting) this.#route(message);
    await this.#client?.subscribe(device.filters, device.settings.qos);
  }

  removeDevice(device: MqttDevice): void {
    this.#devices.delete(device);
    this.#routes.clear();
    if (this.#settings.session === 'kept') return;
    const left = device.filters.filter((filter) => ![...this.#devices].some(({ filters }) => filters.includes(filter)));
    if (left.length > 0) this.#client?.unsubscribe(left);
  }

  /** Adds a listener for all messages of the filters. @returns removes it; rejects like `addDevice` */
  async addListener(filters: readonly string[], listener: (message: MqttMessage) => void): Promise<() => void> {
    this.#listeners.add(listener);
    await this.#client?.subscribe(filters, 0);
    return () => {
      this.#listeners.delete(listener);
      const used = new Set([...this.#devices].flatMap((device) => device.filters));
      this.#client?.unsubscribe(filters.filter((filter) => !used.has(filter)));
    };
  }

  /** A node is asked once, however many of its devices request it. */
  requestRebirth(topic: string, command: Uint8Array): void {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - (this.#rebirths.get(topic) ?? -Infinity) < REBIRTH_INTERVAL_MS) return;
    this.#rebirths.set(topic, nowMs);
    this.#client?.publish(topic, command);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#client?.close();
  }

  #route(message: MqttMessage): void {
    for (const listener of this.#listeners) listener(message);
    const devices = this.#devicesOf(message.topic);
    if (devices.length === 0) return this.#handleUnknown(message);
    this.#receivedMs.set(message, this.#world.clock.monotonicMs());
    let left = devices.length;
    let isKept = true;
    const settle = (wasKept: boolean) => {
      left -= 1;
      isKept &&= wasKept;
      if (left > 0) return;
      this.#receivedMs.delete(message);
      message.settle(isKept);
    };
    for (const device of devices) device.receive({ ...message, settle: once(settle) });
  }

  #devicesOf(topic: string): readonly MqttDevice[] {
    const known = this.#routes.get(topic);
    if (known) return known;
    const devices = [...this.#devices].filter(({ filters }) => filters.some((filter) => topicMatches(filter, topic)));
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear();
    this.#routes.set(topic, devices);
    return devices;
  }

  #handleUnknown(message: MqttMessage): void {
    if (this.#isBuffering && this.#settings.session === 'kept' && this.#buffered.length < MAX_BUFFERED)
      return void this.#buffered.push(message);
    message.settle(true);
    if (this.#listeners.size > 0) return;
    const { topic, payload } = message;
    const { url } = this.#settings;
    this.#unconfigured.report(
      { id: topic, peer: this.address, firstBytes: payload, settings: { url, profile: 'json', topic } },
      { code: 'CV_MQTT_IN_UNKNOWN', params: { address: this.address, topic: topic.slice(0, 128), said: payloadExcerpt(payload) } },
    );
  }

  #flushBuffered(): void {
    this.#isBuffering = false;
    const waiting = this.#buffered;
    this.#buffered = [];
    for (const message of waiting) this.#handleUnknown(message);
  }

  /** A message that was not stored stays unacknowledged; a broker resends it only over a new connection. */
  #checkStored(): void {
    const [oldestMs] = this.#receivedMs.values();
    if (oldestMs === undefined || this.#world.clock.monotonicMs() - oldestMs < STORE_TIMEOUT_MS) return;
    this.#client?.closeWith(new FaultError('CV_MQTT_IN_UNKEPT', { address: this.address, seconds: STORE_TIMEOUT_MS / 1000 }));
  }

  #closed(error: FaultError): void {
    this.error = error;
    for (const timer of this.#timers) timer.cancel();
    for (const device of this.#devices) device.connectionLost(error);
    for (const run of this.#closeListeners) run();
  }
}

function once(settle: (isKept: boolean) => void): (isKept: boolean) => void {
  let isDone = false;
  return (isKept) => {
    if (!isDone) settle(isKept);
    isDone = true;
  };
}
