/** One connection to a reader: cuts messages, matches responses to requests, answers keep-alives. I/O only. */
import type { Socket } from 'node:net';
import { FaultError, type FaultCode, type FaultParams } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import './faults.ts';
import { truncatedMessageDetail, LlrpMessageCutter, encodeLlrpMessage, LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { llrpStatus } from './reader-event.ts';

const TCP_KEEP_ALIVE_MS = 30_000;
const RESPONSE_TIMEOUT_MS = 5000;
const MAX_RECEIVED = 10_000;

export class LlrpSession {
  readonly address: string;
  /** Why it was closed; null while it is open. */
  closeReason: FaultError | null = null;
  /** Closed by the edge, not by the reader or a failure. */
  isClosedByEdge = false;
  readonly #socket: Socket;
  readonly #world: World;
  readonly #closed: Promise<void>;
  readonly #pending = new Map<number, { type: number; done(message: LlrpMessage): void; failed(error: Error): void }>();
  #received: { message: LlrpMessage; observedAt: number }[] = [];
  #onChange: () => void = () => {};
  #nextId = 1;
  #lastReceivedMs: number;

  constructor(socket: Socket, address: string, world: World) {
    this.#socket = socket;
    this.address = address;
    this.#world = world;
    this.#lastReceivedMs = world.clock.monotonicMs();
    this.#closed = new Promise((resolve) => { socket.once('close', () => resolve()); });
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    const cutter = new LlrpMessageCutter();
    socket.on('data', (bytes) => {
      this.#lastReceivedMs = world.clock.monotonicMs();
      const { messages, isInvalid } = cutter.feed(bytes);
      for (const message of messages) this.#take(message);
      if (isInvalid) this.closeWith('CV_LLRP_STREAM', { address });
    });
    const ended = (detail: string, detailZh: string) => {
      const { partial } = cutter;
      if (partial.length === 0 || this.closeReason) return this.closeWith('CV_LINK_CLOSED', { address, detail, detailZh });
      world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
      const { detail: also, detailZh: alsoZh } = truncatedMessageDetail(partial);
      this.closeWith('CV_LINK_CLOSED', { address, detail: `${detail}; ${also}`, detailZh: `${detailZh}；${alsoZh}` });
    };
    socket.on('error', (error) => ended(error.message, error.message));
    for (const event of ['end', 'close']) socket.on(event, () => ended('by the reader', '读写器主动断开'));
  }

  /** ms since the reader last sent anything. */
  get silentMs(): number {
    return this.#world.clock.monotonicMs() - this.#lastReceivedMs;
  }

  /** The next message that is not a response. */
  next(): { message: LlrpMessage; observedAt: number } | undefined {
    return this.#received.shift();
  }

  onChange(run: () => void): void {
    this.#onChange = run;
  }

  send(type: number, ...parts: readonly Uint8Array[]): void {
    if (!this.closeReason) this.#socket.write(encodeLlrpMessage(type, this.#nextId++, ...parts));
  }

  /** @returns the response; rejects with CV_LLRP_REFUSED, CV_LINK_TIMEOUT, or the reason that the session was closed */
  async request(what: string, types: { request: number; response: number }, ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
    if (this.closeReason) throw this.closeReason;
    const id = this.#nextId++;
    let timer: Timer | null = null;
    const message = await new Promise<LlrpMessage>((resolve, reject) => {
      timer = this.#world.clock.after(RESPONSE_TIMEOUT_MS, () =>
        reject(new FaultError('CV_LINK_TIMEOUT', { address: `${this.address} (${what})`, timeoutMs: RESPONSE_TIMEOUT_MS })),
      );
      this.#pending.set(id, { type: types.response, done: resolve, failed: reject });
      this.#socket.write(encodeLlrpMessage(types.request, id, ...parts));
    }).finally(() => {
      timer?.cancel();
      this.#pending.delete(id);
    });
    const status = llrpStatus(message.bytes);
    if (status && status.code !== 0)
      throw new FaultError('CV_LLRP_REFUSED', { address: this.address, what, status: status.code, text: status.text.slice(0, 200) });
    return message.bytes;
  }

  closeWith(code: FaultCode, params: FaultParams): void {
    if (this.closeReason) return;
    this.closeReason = new FaultError(code, params);
    this.#socket.destroy();
    for (const { failed } of this.#pending.values()) failed(this.closeReason);
    this.#onChange();
  }

  /** Resolves when the socket is gone. */
  async close(): Promise<void> {
    if (!this.closeReason) this.isClosedByEdge = true;
    this.closeWith('CV_LINK_CLOSED', { address: this.address, detail: 'by this edge', detailZh: '本端断开' });
    await this.#closed;
  }

  #take(message: LlrpMessage): void {
    if (message.type === LLRP_MESSAGE_TYPES.keepalive && !this.closeReason)
      this.#socket.write(encodeLlrpMessage(LLRP_MESSAGE_TYPES.keepaliveAck, message.id));
    const pending = this.#pending.get(message.id);
    // A reader that cannot parse a request answers with ERROR_MESSAGE.
    if (pending && (message.type === pending.type || message.type === LLRP_MESSAGE_TYPES.error)) return pending.done(message);
    if (![LLRP_MESSAGE_TYPES.report, LLRP_MESSAGE_TYPES.keepalive, LLRP_MESSAGE_TYPES.readerEvent].includes(message.type as never)) return;
    if (this.#received.length >= MAX_RECEIVED) {
      this.#received.shift();
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    }
    this.#received.push({ message, observedAt: this.#world.clock.nowMs() });
    this.#onChange();
  }
}
