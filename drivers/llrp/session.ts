/** One connection to a reader: whole messages in, requests with their responses, keep-alives answered. I/O only. */
import type { Socket } from 'node:net';
import { FaultError, type FaultCode, type FaultParams } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import './faults.ts';
import { truncatedMessageDetail, LlrpMessageCutter, encodeLlrpMessage, LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { llrpStatus } from './reader-event.ts';

const KEEP_ALIVE_MS = 30_000;
const ANSWER_MS = 5000;
const MOST_WAITING = 10_000;

export class LlrpSession {
  readonly address: string;
  /** Why it is over; null while it is not. */
  end: FaultError | null = null;
  /** It was we who ended it. */
  isLeft = false;
  readonly #socket: Socket;
  readonly #world: World;
  readonly #closed: Promise<void>;
  readonly #asked = new Map<number, { type: number; done(message: LlrpMessage): void; failed(error: Error): void }>();
  #waiting: { message: LlrpMessage; observedAt: number }[] = [];
  #wake: () => void = () => {};
  #nextId = 1;
  #heardMs: number;

  constructor(socket: Socket, address: string, world: World) {
    this.#socket = socket;
    this.address = address;
    this.#world = world;
    this.#heardMs = world.clock.monotonicMs();
    this.#closed = new Promise((resolve) => { socket.once('close', () => resolve()); });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const cutter = new LlrpMessageCutter();
    socket.on('data', (bytes) => {
      this.#heardMs = world.clock.monotonicMs();
      const { messages, isOver } = cutter.feed(bytes);
      for (const message of messages) this.#take(message);
      if (isOver) this.over('CV_LLRP_STREAM', { address });
    });
    const ended = (detail: string, detailZh: string) => {
      const { waiting } = cutter;
      if (waiting.length === 0 || this.end) return this.over('CV_LINK_CLOSED', { address, detail, detailZh });
      world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
      const short = truncatedMessageDetail(waiting);
      this.over('CV_LINK_CLOSED', { address, detail: `${detail}; ${short.detail}`, detailZh: `${detailZh}；${short.detailZh}` });
    };
    socket.on('error', (error) => ended(error.message, error.message));
    for (const event of ['end', 'close']) socket.on(event, () => ended('by the reader', '读写器主动断开'));
  }

  /** ms since the reader last said anything. */
  get silentMs(): number {
    return this.#world.clock.monotonicMs() - this.#heardMs;
  }

  /** The next message that answers nothing. */
  next(): { message: LlrpMessage; observedAt: number } | undefined {
    return this.#waiting.shift();
  }

  onChange(run: () => void): void {
    this.#wake = run;
  }

  tell(type: number, ...parts: readonly Uint8Array[]): void {
    if (!this.end) this.#socket.write(encodeLlrpMessage(type, this.#nextId++, ...parts));
  }

  /** @returns the response; rejects with CV_LLRP_REFUSED, CV_LINK_TIMEOUT, or what ended the session */
  async ask(what: string, types: { ask: number; answer: number }, ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
    if (this.end) throw this.end;
    const id = this.#nextId++;
    let timer: Timer | null = null;
    const message = await new Promise<LlrpMessage>((resolve, reject) => {
      timer = this.#world.clock.after(ANSWER_MS, () =>
        reject(new FaultError('CV_LINK_TIMEOUT', { address: `${this.address} (${what})`, timeoutMs: ANSWER_MS })),
      );
      this.#asked.set(id, { type: types.answer, done: resolve, failed: reject });
      this.#socket.write(encodeLlrpMessage(types.ask, id, ...parts));
    }).finally(() => {
      timer?.cancel();
      this.#asked.delete(id);
    });
    const status = llrpStatus(message.bytes);
    if (status && status.code !== 0)
      throw new FaultError('CV_LLRP_REFUSED', { address: this.address, what, status: status.code, text: status.text.slice(0, 200) });
    return message.bytes;
  }

  over(code: FaultCode, params: FaultParams): void {
    if (this.end) return;
    this.end = new FaultError(code, params);
    this.#socket.destroy();
    for (const { failed } of this.#asked.values()) failed(this.end);
    this.#wake();
  }

  /** Resolves when the socket is gone. */
  async close(): Promise<void> {
    if (!this.end) this.isLeft = true;
    this.over('CV_LINK_CLOSED', { address: this.address, detail: 'by this edge', detailZh: '本端断开' });
    await this.#closed;
  }

  #take(message: LlrpMessage): void {
    if (message.type === LLRP_MESSAGE_TYPES.keepalive && !this.end)
      this.#socket.write(encodeLlrpMessage(LLRP_MESSAGE_TYPES.keepaliveAck, message.id));
    const asked = this.#asked.get(message.id);
    // A reader that cannot read a request says so with a message of its own.
    if (asked && (message.type === asked.type || message.type === LLRP_MESSAGE_TYPES.error)) return asked.done(message);
    if (![LLRP_MESSAGE_TYPES.report, LLRP_MESSAGE_TYPES.keepalive, LLRP_MESSAGE_TYPES.readerEvent].includes(message.type as never)) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#waiting.shift();
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    }
    this.#waiting.push({ message, observedAt: this.#world.clock.nowMs() });
    this.#wake();
  }
}
