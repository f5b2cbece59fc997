/** The uplink: keeps one connection to a gateway, the preferred of the list where it can, and says why when it cannot. */
import { FaultError, type Fault, type FaultCode } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';
import { connectTls, hostPortOf } from '../identity/tls-connect.ts';
import type { UplinkTls } from '../identity/uplink-tls.ts';
import { UplinkConnection, type UplinkConnectionEnd, type UplinkConnectionOptions } from './uplink-connection.ts';
import { attemptsAfterEnd, reconnectDelayMs, isContested, NO_ATTEMPTS, urlForAttempt, type ConnectAttempts } from './reconnect.ts';

export interface UplinkOptions extends Omit<UplinkConnectionOptions, 'url' | 'will' | 'socket' | 'tls'> {
  /** The preferred first. */
  urls: readonly string[];
  stateTopic: string;
  /** What is retained on the state topic when the edge is gone. */
  offline: string;
  /** For addresses with TLS; asked before each connection. Absent: the CAs of Node, and nothing of ours. */
  tls?: (() => Promise<UplinkTls>) | undefined;
}

export interface UplinkEvents {
  up(address: string): void;
  message(topic: string, payload: Uint8Array): void;
  drained(): void;
  down(): void;
  /** A try ended without having been up. */
  failed?(): void;
}

/** On a standby uplink, the preferred one is looked at again after this. */
const PREFER_AGAIN_MS = 5 * 60_000;
const PROBE_MS = 3_000;
const TLS_MS = 5_000;

export class Uplink {
  #options: UplinkOptions;
  readonly #events: UplinkEvents;
  readonly #world: World;
  readonly #stop = new AbortController();
  #connection: UplinkConnection | null = null;
  /** While TLS is being spoken, before there is a connection. */
  #dialling = new AbortController();
  #faults = new Set<FaultCode>();
  #running: Promise<void> = Promise.resolve();
  #isUp = false;

  constructor(options: UplinkOptions, events: UplinkEvents, world: World) {
    this.#options = options;
    this.#events = events;
    this.#world = world;
  }

  open(): void {
    this.#running = this.#run();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  isReady(): boolean {
    return this.#connection?.isReady() ?? false;
  }

  publish(topic: string, payload: Uint8Array | string, retain = false): void {
    this.#connection?.publish(topic, payload, retain);
  }

  /** Goes elsewhere, or under another password; what was not acknowledged is sent again there. */
  retarget(target: Pick<UplinkOptions, 'urls' | 'password' | 'tls'>): void {
    this.#options = { ...this.#options, ...target };
    this.reconnect();
  }

  /** Connects anew, with what is asked for then. */
  reconnect(): void {
    this.#dialling.abort();
    this.#connection?.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#dialling.abort();
    await this.#connection?.close(this.#world.clock, { topic: this.#options.stateTopic, payload: this.#options.offline });
    await this.#running;
  }

  async #run(): Promise<void> {
    let tries: ConnectAttempts = NO_ATTEMPTS;
    while (!this.#stop.signal.aborted) {
      const url = urlForAttempt(this.#options.urls, tries);
      const startedMs = this.#world.clock.monotonicMs();
      const end = await this.#dial(url);
      if (this.#stop.signal.aborted) return;
      if (!end.wasUp) this.#events.failed?.();
      tries = attemptsAfterEnd(tries, end.wasUp ? this.#world.clock.monotonicMs() - startedMs : null);
      this.#explain(url, end, tries);
      await pause(this.#world.clock, reconnectDelayMs(tries, this.#world.random.next()), this.#stop.signal);
    }
  }

  /** With TLS, the gateway's certificate is judged first: neither token nor name goes to anybody else. */
  async #dial(url: string): Promise<UplinkConnectionEnd> {
    if (!isSecure(url)) return this.#connect(url, {});
    const stop = (this.#dialling = new AbortController());
    if (this.#stop.signal.aborted) stop.abort();
    const timer = this.#world.clock.after(TLS_MS, () => stop.abort());
    let own: Fault | null = null;
    try {
      const tls = await this.#options.tls?.();
      own = tls?.fault ?? null;
      const { key, cert, ca } = tls ?? {};
      const shown = { ...(key && { key }), ...(cert && { cert }), ...(ca && { ca }) };
      // A WebSocket's TLS is the library's: strict, by the system's clock.
      if (new URL(url).protocol === 'wss:') return withFault(await this.#connect(url, { tls: shown }), own);
      const target = hostPortOf(new URL(url), portOf(url));
      const socket = await connectTls(target, { ...shown, authorities: tls?.authorities }, this.#world.clock, stop.signal);
      timer.cancel();
      return withFault(await this.#connect(url, { socket }), own);
    } catch (error) {
      const detail = (error as Error).message;
      return withFault({ detail, denied: false, wasUp: false, ...(error instanceof FaultError && { fault: error.fault }) }, own);
    } finally {
      timer.cancel();
    }
  }

  #connect(url: string, secured: Pick<UplinkConnectionOptions, 'socket' | 'tls'>): Promise<UplinkConnectionEnd> {
    return new Promise((resolve) => {
      const standby = new AbortController();
      try {
        const { clientId, username, password, ackTopic, commandTopic, stateTopic, offline } = this.#options;
        this.#connection = new UplinkConnection(
          { url, clientId, username, password, ackTopic, commandTopic, ...secured, will: { topic: stateTopic, payload: offline } },
          {
            up: () => {
              this.#isUp = true;
              for (const code of this.#faults) this.#world.tell({ kind: 'fault_cleared', code });
              this.#faults.clear();
              this.#world.tell({ kind: 'link_state', online: true, address: redactUrl(url) });
              this.#events.up(redactUrl(url));
              if (url !== this.#options.urls[0]) void this.#preferAgain(standby.signal);
            },
            message: (topic, payload) => this.#events.message(topic, payload),
            commandsRefused: () =>
              this.#world.tell({
                kind: 'fault',
                fault: { code: 'CV_UPLINK_COMMANDS', params: { address: redactUrl(url), topic: commandTopic } },
              }),
            drained: () => this.#events.drained(),
            down: (end) => {
              standby.abort();
              this.#connection = null;
              if (this.#isUp) {
                this.#isUp = false;
                this.#world.tell({ kind: 'link_state', online: false, address: redactUrl(url) });
                this.#events.down();
              }
              resolve(end);
            },
          },
        );
      } catch (error) {
        resolve({ detail: (error as Error).message, denied: false, wasUp: false });
      }
    });
  }

  /** While the standby carries us: goes back as soon as the preferred gateway answers. */
  async #preferAgain(signal: AbortSignal): Promise<void> {
    const preferred = new URL(this.#options.urls[0] as string);
    const address = hostPortOf(preferred, portOf(preferred.href));
    while (await pause(this.#world.clock, PREFER_AGAIN_MS, signal)) {
      const tooLong = new AbortController();
      const timer = this.#world.clock.after(PROBE_MS, () => tooLong.abort());
      const socket = await this.#world.net.connect(address, AbortSignal.any([signal, tooLong.signal])).catch(() => null);
      timer.cancel();
      if (!socket) continue;
      socket.destroy();
      if (!signal.aborted) this.#connection?.abort();
      return;
    }
  }

  #explain(url: string, end: UplinkConnectionEnd, tries: ConnectAttempts): void {
    const address = redactUrl(url);
    const edge = this.#options.username;
    const why = { detail: end.detail, ...(end.detailZh !== undefined && { detailZh: end.detailZh }) };
    if (end.fault && !end.wasUp) this.#tell(end.fault);
    else if (end.denied) this.#tell({ code: 'CV_UPLINK_DENIED', params: { address, edge, ...why } });
    else if (isContested(tries)) this.#tell({ code: 'CV_UPLINK_CONTESTED', params: { address, edge, times: tries.shortLived } });
    else this.#tell({ code: 'CV_UPLINK_LOST', params: { address, ...why } });
  }

  #tell(fault: Fault): void {
    this.#faults.add(fault.code);
    this.#world.tell({ kind: 'fault', fault });
  }
}

const isSecure = (url: string): boolean => /^(mqtts|wss):/.test(url);
const portOf = (url: string): number => (isSecure(url) ? 8883 : 1883);

/** A gateway that refuses our certificate often says no more than that the connection is gone. */
const withFault = (end: UplinkConnectionEnd, own: Fault | null): UplinkConnectionEnd =>
  end.fault || !own || end.wasUp ? end : { ...end, fault: own };

/** An address without what a URL may carry of secrets. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return url;
  }
}
