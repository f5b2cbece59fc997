/** Frames from the library's callbacks to the host's loop, in order. What came before a loss is handed on before it is told. */
import { FaultError } from '../../core/faults.ts';
import type { OpcuaMessage } from './frame.ts';

/** What the host has not taken yet; a server that floods is let go above it rather than filling the memory. */
const MAX_WAITING = 20_000;

export class Feed {
  #waiting: OpcuaMessage[] = [];
  #error: FaultError | null = null;
  #ended = false;
  #wake: () => void = () => {};

  /** What ended it from the server's side, if anything did. */
  get error(): FaultError | null {
    return this.#error;
  }

  give(message: OpcuaMessage): void {
    if (this.#ended || this.#error) return;
    if (this.#waiting.length >= MAX_WAITING) return this.fail(new FaultError('CV_OPCUA_FLOOD', { count: MAX_WAITING }));
    this.#waiting.push(message);
    this.#wake();
  }

  fail(error: FaultError): void {
    this.#error ??= error;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *take(signal: AbortSignal): AsyncGenerator<OpcuaMessage> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const ready = this.#waiting;
        this.#waiting = [];
        yield* ready;
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
