/** Frames from the library's callbacks to the host, in order. What came before a loss is handed on before it is told. */
import type { FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { OpcuaMessage } from './frame.ts';

/** What the host has not taken yet; a server that floods is let go above it rather than filling the memory. */
const MAX_WAITING = 20_000;

export class Feed {
  #waiting: OpcuaMessage[] = [];
  #error: FaultError | null = null;
  #ended = false;
  #wake: () => void = () => {};
  readonly #onFail: () => void;

  /** @param onFail runs once, before anything else is given: what comes afterwards is not handed on any more */
  constructor(onFail: () => void = () => {}) {
    this.#onFail = onFail;
  }

  /** What ended it from the server's side, if anything did. */
  get error(): FaultError | null {
    return this.#error;
  }

  /** @returns false when it will not reach the host */
  give(message: OpcuaMessage): boolean {
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

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Hands on what waits and what comes, as a link's `listen`. */
  async hand(take: FrameHandler<OpcuaMessage>, signal: AbortSignal): Promise<void> {
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
