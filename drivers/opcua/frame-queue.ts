/** Queues frames from the library's callbacks for the host, in order. Frames before a failure are delivered before it is thrown. */
import type { FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { OpcuaMessage } from './frame.ts';

/** Frames not taken by the host yet; above it a flooding server is disconnected. */
const MAX_WAITING = 20_000;

export class FrameQueue {
  #waiting: OpcuaMessage[] = [];
  #error: FaultError | null = null;
  #ended = false;
  #wake: () => void = () => {};
  readonly #onFail: () => void;

  /** @param onFail called once on failure; later frames are not accepted */
  constructor(onFail: () => void = () => {}) {
    this.#onFail = onFail;
  }

  /** The failure from the server's side, if any. */
  get error(): FaultError | null {
    return this.#error;
  }

  /** @returns false when the frame will not reach the host */
  push(message: OpcuaMessage): boolean {
    if (this.#ended || this.#error) return false;
    if (this.#waiting.length >= MAX_WAITING) {
      this.fail(new FaultError('CV_OPCUA_FLOOD', { count: MAX_WAITING }));
      return false;
    }
    this.#waiting.push(message);
    this.#wake();
    return true;
  }

  fail(error: FaultError): void {
    if (this.#error) return;
    this.#error = error;
    this.#onFail();
    this.#wake();
  }

  close(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Delivers waiting and later frames, for a link's `listen`. */
  async deliver(take: FrameHandler<OpcuaMessage>, signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const ready = this.#waiting;
        this.#waiting = [];
        for (const message of ready) take(message);
        if (this.#waiting.length > 0) continue;
        if (this.#ended) return;
        if (this.#error) throw this.#error;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted || this.#ended || this.#error || this.#waiting.length > 0) resolve();
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
