/**
 * Publishes warnings in the order in which they changed, each until the broker has it; what was not sent before a crash
 * is sent after it. A warning is retained while it is open; its last state is published once more, then cleared.
 * Repeats are possible, and the same to any reader: (id, revision) identifies the message.
 */
import type { OutboxEntry } from './database.ts';

export interface RetainedPublisher {
  /** Resolves when the broker has it; waits while the broker is away, rejects when the gateway stops. */
  publishRetained(topic: string, payload: string | null): Promise<void>;
  /** All that is retained was published: what else the broker has kept may be cleared. */
  retainedComplete?(): void;
}

export interface OutboxOptions {
  publisher: RetainedPublisher;
  /** Forgets what was sent, up to entry n. */
  sent(n: number): Promise<void>;
  /** Messages of the warnings that are open now: a broker may have lost what it retained. */
  open(): readonly OutboxEntry[];
  onFault(error: unknown): void;
  /** Resolves when it is time to retry. */
  wait(): Promise<unknown>;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #waiting: (OutboxEntry & { n: number })[] = [];
  /** Topics published since the start: they need not be repeated. */
  readonly #published = new Set<string>();
  #isStarted = false;
  #isComplete = false;
  #isRunning = false;
  #isStopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Sends what a crash left unsent, then all warnings that are open. */
  start(unsent: readonly (OutboxEntry & { n: number })[]): void {
    this.#waiting.unshift(...unsent);
    this.#isStarted = true;
    void this.#run();
  }

  post(entries: readonly (OutboxEntry & { n: number })[]): void {
    this.#waiting.push(...entries);
    if (this.#isStarted) void this.#run();
  }

  /** Entries that the broker does not have yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** What is left stays in the database for the next start. Does not wait: the broker may be away. */
  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#isStopped && (this.#waiting.length > 0 || !this.#isComplete)) {
      try {
        await this.#send();
        if (!this.#isComplete) await this.#sendOpen();
      } catch (error) {
        if (this.#isStopped) break;
        this.#options.onFault(error);
        await this.#options.wait();
      }
    }
    this.#isRunning = false;
  }

  async #send(): Promise<void> {
    const { publisher, sent } = this.#options;
    for (let entry = this.#waiting[0]; entry && !this.#isStopped; entry = this.#waiting[0]) {
      await publisher.publishRetained(entry.topic, entry.payload);
      if (!this.#isComplete) this.#published.add(entry.topic);
      if (entry.final) await publisher.publishRetained(entry.topic, null);
      await sent(entry.n);
      this.#waiting.shift();
    }
  }

  async #sendOpen(): Promise<void> {
    const { publisher, open } = this.#options;
    for (const { topic, payload } of open()) {
      // A newer message of this topic is waiting.
      if (!this.#isStopped && !this.#published.has(topic) && !this.#waiting.some((entry) => entry.topic === topic))
        await publisher.publishRetained(topic, payload);
    }
    this.#isComplete = true;
    this.#published.clear();
    if (!this.#isStopped) publisher.retainedComplete?.();
  }
}
