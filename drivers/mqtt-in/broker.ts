/** One broker and the devices behind it: one connection for all that have the same settings, messages by their topic. */
import { FaultError } from '../../core/faults.ts';
import { UnconfiguredDevices } from '../listening/unconfigured-devices.ts';
import { everyMs, type Clock, type Timer, type World } from '../../core/world.ts';
import { firstBytes } from './body.ts';
import { addressOf, connectClient, type Client, type Message } from './client.ts';
import './faults.ts';
import type { MqttInSettings } from './settings.ts';
import type { Station } from './station.ts';
import { matches } from './topics.ts';

/** A session that was kept speaks at once, while its devices come one after the other. */
const GATHER_MS = 15_000;
const MOST_GATHERED = 1000;
/** So long a value takes to the disk at most; then something is wrong with it. */
const UNKEPT_MS = 60_000;
const LOOK_MS = 10_000;
const REBIRTH_AGAIN_MS = 10_000;
const MOST_ROUTES = 10_000;

interface Entry {
  broker: Broker;
  opening: Promise<void>;
  ending: AbortController;
  users: number;
}

/** By the clock, which all devices of an edge have in common: each may have a net of its own, to be listened to. */
const brokers = new WeakMap<Clock, Map<string, Entry>>();

/** @returns rejects with what `connectClient` rejects with; `leave` once for each call, resolves when nothing of it is left */
export async function brokerOf(settings: MqttInSettings, world: World, signal: AbortSignal): Promise<{ broker: Broker; leave(): Promise<void> }> {
  const byKey = brokers.get(world.clock) ?? new Map<string, Entry>();
  brokers.set(world.clock, byKey);
  const { url, version, user, password, tls, clientId, session } = settings;
  const key = JSON.stringify([url, version, user, password, tls, clientId, session]);
  const entry = byKey.get(key) ?? opened(settings, world);
  byKey.set(key, entry);
  entry.users += 1;
  const forget = () => { if (byKey.get(key) === entry) byKey.delete(key); };
  entry.broker.onDown(forget);
  const leave = async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    forget();
    entry.ending.abort(new FaultError('CV_LINK_CLOSED', { address: addressOf(url), detail: 'closed by us', detailZh: '本机关闭' }));
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
    return { broker: entry.broker, leave };
  } catch (error) {
    await leave();
    forget();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    aborted.catch(() => {}); // nobody listens any more
  }
}

function opened(settings: MqttInSettings, world: World): Entry {
  const broker = new Broker(settings, world);
  const ending = new AbortController();
  const opening = broker.open(ending.signal);
  opening.catch(() => {}); // told by whoever waits for it
  return { broker, opening, ending, users: 0 };
}

export class Broker {
  readonly address: string;
  readonly #settings: MqttInSettings;
  readonly #world: World;
  readonly #strangers: UnconfiguredDevices;
  readonly #stations = new Set<Station>();
  readonly #listeners = new Set<(message: Message) => void>();
  readonly #routes = new Map<string, readonly Station[]>();
  readonly #ends = new Set<() => void>();
  readonly #rebirths = new Map<string, number>();
  readonly #since = new Map<Message, number>();
  #gathered: Message[] = [];
  #isGathering = true;
  #timers: Timer[] = [];
  #client: Client | null = null;
  error: FaultError | null = null;

  constructor(settings: MqttInSettings, world: World) {
    this.address = addressOf(settings.url);
    this.#settings = settings;
    this.#world = world;
    this.#strangers = new UnconfiguredDevices('mqtt-in', this.address, world.tell);
  }

  async open(signal: AbortSignal): Promise<void> {
    this.#client = await connectClient(this.#settings, this.#world, { message: (message) => this.#heard(message), down: (error) => this.#down(error) }, signal);
    this.#timers = [
      this.#world.clock.after(GATHER_MS, () => this.#gatheredAll()),
      everyMs(this.#world.clock, LOOK_MS, () => this.#look()),
    ];
  }

  onDown(run: () => void): void {
    this.#ends.add(run);
  }

  /** @returns rejects with CV_MQTT_IN_SUBSCRIBE */
  async join(station: Station): Promise<void> {
    this.#stations.add(station);
    this.#routes.clear();
    if (this.error) return station.end(this.error);
    const waiting = this.#gathered;
    this.#gathered = [];
    for (const message of waiting) this.#heard(message);
    await this.#client?.subscribe(station.filters, station.settings.qos);
  }

  leave(station: Station): void {
    this.#stations.delete(station);
    this.#routes.clear();
    if (this.#settings.session === 'kept') return;
    const left = station.filters.filter((filter) => ![...this.#stations].some(({ filters }) => filters.includes(filter)));
    if (left.length > 0) this.#client?.unsubscribe(left);
  }

  /** Hears all that comes on a filter, for as long as it takes to look around. @returns ends it; rejects like `join` */
  async listenIn(filters: readonly string[], listener: (message: Message) => void): Promise<() => void> {
    this.#listeners.add(listener);
    await this.#client?.subscribe(filters, 0);
    return () => {
      this.#listeners.delete(listener);
      const used = new Set([...this.#stations].flatMap((station) => station.filters));
      this.#client?.unsubscribe(filters.filter((filter) => !used.has(filter)));
    };
  }

  /** A node is asked once, however many of its devices want it. */
  askForBirth(topic: string, command: Uint8Array): void {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - (this.#rebirths.get(topic) ?? -Infinity) < REBIRTH_AGAIN_MS) return;
    this.#rebirths.set(topic, nowMs);
    this.#client?.publish(topic, command);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#client?.close();
  }

  #heard(message: Message): void {
    for (const listener of this.#listeners) listener(message);
    const stations = this.#stationsOf(message.topic);
    if (stations.length === 0) return this.#unknown(message);
    this.#since.set(message, this.#world.clock.monotonicMs());
    let left = stations.length;
    let isKept = true;
    const settle = (wasKept: boolean) => {
      left -= 1;
      isKept &&= wasKept;
      if (left > 0) return;
      this.#since.delete(message);
      message.settle(isKept);
    };
    for (const station of stations) station.heard({ ...message, settle: once(settle) });
  }

  #stationsOf(topic: string): readonly Station[] {
    const known = this.#routes.get(topic);
    if (known) return known;
    const stations = [...this.#stations].filter(({ filters }) => filters.some((filter) => matches(filter, topic)));
    if (this.#routes.size >= MOST_ROUTES) this.#routes.clear();
    this.#routes.set(topic, stations);
    return stations;
  }

  #unknown(message: Message): void {
    if (this.#isGathering && this.#settings.session === 'kept' && this.#gathered.length < MOST_GATHERED) return void this.#gathered.push(message);
    message.settle(true);
    if (this.#listeners.size > 0) return;
    const { topic, payload } = message;
    const { url } = this.#settings;
    this.#strangers.report(
      { id: topic, peer: this.address, firstBytes: payload, settings: { url, profile: 'json', topic } },
      { code: 'CV_MQTT_IN_UNKNOWN', params: { address: this.address, topic: topic.slice(0, 128), said: firstBytes(payload) } },
    );
  }

  #gatheredAll(): void {
    this.#isGathering = false;
    const waiting = this.#gathered;
    this.#gathered = [];
    for (const message of waiting) this.#unknown(message);
  }

  /** What could not be kept is not acknowledged; a broker sends it again only to another connection. */
  #look(): void {
    const [oldestMs] = this.#since.values();
    if (oldestMs === undefined || this.#world.clock.monotonicMs() - oldestMs < UNKEPT_MS) return;
    this.#client?.lose(new FaultError('CV_MQTT_IN_UNKEPT', { address: this.address, seconds: UNKEPT_MS / 1000 }));
  }

  #down(error: FaultError): void {
    this.error = error;
    for (const timer of this.#timers) timer.cancel();
    for (const station of this.#stations) station.end(error);
    for (const run of this.#ends) run();
  }
}

function once(settle: (isKept: boolean) => void): (isKept: boolean) => void {
  let isDone = false;
  return (isKept) => {
    if (!isDone) settle(isKept);
    isDone = true;
  };
}
