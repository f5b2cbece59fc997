/** The uplink: keeps one connection to a gateway, the preferred of the list where it can, and says why when it cannot. */
import type { Fault, FaultCode } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';
import { UplinkConnection, type UplinkConnectionEnd, type UplinkConnectionOptions } from './uplink-connection.ts';
import { attemptsAfterEnd, reconnectDelayMs, isContested, NO_ATTEMPTS, urlForAttempt, type ConnectAttempts } from './reconnect.ts';

export interface UplinkOptions extends Omit<UplinkConnectionOptions, 'url' | 'will'> {
  /** The preferred first. */
  urls: readonly string[];
  stateTopic: string;
  /** What is retained on the state topic when the edge is gone. */
  offline: string;
}

export interface UplinkEvents {
  up(address: string): void;
  message(topic: string, payload: Uint8Array): void;
  drained(): void;
  down(): void;
}

/** On a standby uplink, the preferred one is looked at again after this. */
const PREFER_AGAIN_MS = 5 * 60_000;
const PROBE_MS = 3_000;

export class Uplink {
  #options: UplinkOptions;
  readonly #events: UplinkEvents;
  readonly #world: World;
  readonly #stop = new AbortController();
  #connection: UplinkConnection | null = null;
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
  retarget(target: Pick<UplinkOptions, 'urls' | 'password'>): void {
    this.#options = { ...this.#options, ...target };
    this.#connection?.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#connection?.close(this.#world.clock, { topic: this.#options.stateTopic, payload: this.#options.offline });
    await this.#running;
  }

  async #run(): Promise<void> {
    let tries: ConnectAttempts = NO_ATTEMPTS;
    while (!this.#stop.signal.aborted) {
      const url = urlForAttempt(this.#options.urls, tries);
      const startedMs = this.#world.clock.monotonicMs();
      const end = await this.#connect(url);
      if (this.#stop.signal.aborted) return;
      tries = attemptsAfterEnd(tries, end.wasUp ? this.#world.clock.monotonicMs() - startedMs : null);
      this.#explain(url, end, tries);
      await pause(this.#world.clock, reconnectDelayMs(tries, this.#world.random.next()), this.#stop.signal);
    }
  }

  #connect(url: string): Promise<UplinkConnectionEnd> {
    return new Promise((resolve) => {
      const standby = new AbortController();
      try {
        const { clientId, username, password, ackTopic, commandTopic, stateTopic, offline } = this.#options;
        this.#connection = new UplinkConnection(
          { url, clientId, username, password, ackTopic, commandTopic, will: { topic: stateTopic, payload: offline } },
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
    const address = { host: preferred.hostname.replace(/^\[|\]$/g, ''), port: Number(preferred.port) || 1883 };
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
    if (end.denied) this.#tell({ code: 'CV_UPLINK_DENIED', params: { address, edge, ...why } });
    else if (isContested(tries)) this.#tell({ code: 'CV_UPLINK_CONTESTED', params: { address, edge, times: tries.shortLived } });
    else this.#tell({ code: 'CV_UPLINK_LOST', params: { address, ...why } });
  }

  #tell(fault: Fault): void {
    this.#faults.add(fault.code);
    this.#world.tell({ kind: 'fault', fault });
  }
}

/** An address without what a URL may carry of secrets. */
export function redactUrl(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return url;
  }
}
