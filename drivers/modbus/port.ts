/**
 * A guard between the byte stream and modbus-serial.
 *
 * modbus-serial alone would accept an exception of another unit, an answer with a wrong byte count, and an answer with a
 * protocol number other than Modbus; it keeps a record per transaction forever, and after our time-out (its own timers
 * are off, the host keeps time) it would still hand on the late answer. So its ADUs pass through this port, which frames
 * them for the stream and lets only the expected answer through.
 */
import { EventEmitter } from 'node:events';
import { FaultError, faultOf } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import { crc16Modbus } from './crc16.ts';
import { EXCEPTION_TO_FUNCTION_0, type ExpectedAnswer, type FaultDetail } from './adu.ts';
import './faults.ts';
import { encodeReadAdu, type PendingExchange, type ModbusFraming, type ReadRequestPdu } from './framing.ts';
import type { ByteStream } from './byte-stream.ts';

const CRC_BYTES = 2;
const NOTHING = Buffer.alloc(0);
/** After this many unexpected answers in a row the link is closed. */
const MAX_STRAYS = 32;
/** Noise is kept up to the length of a few answers. */
const MAX_HELD_BYTES = 2048;
/** After this long without a byte a doubtful answer counts as complete; mobile networks pause within frames. */
const QUIET_MS = 1000;
/** How long a timed-out exchange itself waits for the line to settle; the host abandons it soon after. */
const SETTLE_IN_EXCHANGE_MS = 300;

interface Waiting extends PendingExchange {
  /** Gets the expected answer. */
  take(unit: number, pdu: Uint8Array): void;
  fail(error: unknown): void;
}

type Done<T> = (error: unknown, result: T) => void;

export interface PortOptions {
  framing: ModbusFraming;
  /** Quiet time of the line after a time-out; only without transaction numbers. */
  settleMs?: number;
  /** Between an answer and the next request. */
  gapMs?: number;
}

/** The exception code of an error of modbus-serial; null for other errors. */
export function exceptionCodeOf(error: unknown): number | null {
  const code = error instanceof Error ? (error as { modbusCode?: unknown }).modbusCode : undefined;
  return typeof code === 'number' ? code : null;
}

/** A port for modbus-serial's constructor, over an open byte stream. */
export class GuardedPort extends EventEmitter {
  isOpen = true;
  // modbus-serial stores each request under these; with one request at a time a constant suffices and nothing piles up.
  readonly _transactionIdRead = 1;
  readonly _transactionIdWrite = 1;

  readonly #stream: ByteStream;
  readonly #options: Required<PortOptions>;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  /** The signal that has our listener: exchanges of a link share it. */
  #signal: AbortSignal | null = null;
  readonly #onAbort = () => this.#aborted();
  /** Ends a wait for the quiet line. */
  #endRest: (() => void) | null = null;
  #held: Buffer = NOTHING;
  #transaction = 0;
  #strays = 0;
  #isBusy = false;
  #waiting: Waiting | null = null;
  #quietTimer: Timer | null = null;
  #end: FaultError | null = null;
  /** Monotonic time before which nothing is sent; 0: no limit. */
  #readyAtMs = 0;
  #mustFlush = false;

  constructor(stream: ByteStream, { framing, settleMs = 0, gapMs = 0 }: PortOptions, world: Pick<World, 'clock' | 'tell'>) {
    super();
    this.#stream = stream;
    this.#options = { framing, settleMs, gapMs };
    this.#world = world;
    stream.listen((bytes) => this.#receive(bytes), (fault) => this.#closeWith(fault));
  }

  /** modbus-serial opens every port; this one is open already. */
  open(done: (error?: Error) => void): void {
    done();
  }

  /** Sends a frame of modbus-serial in the framing of the stream, while an exchange is pending. */
  write(frame: Buffer): void {
    if (this.#waiting) this.#send(this.#waiting, this.#options.framing.wrap(frame, this.#number(this.#waiting)));
  }

  /** Whether `read` can be used. */
  get isNumbered(): boolean {
    return this.#options.framing.isNumbered;
  }

  /**
   * One read, functions 1 to 4; gives the answer's PDU, also an exception. With transaction numbers it bypasses
   * modbus-serial, which would take longer than everything else (docs/decisions/0022).
   *
   * @returns rejects as `exchange` does
   */
  read(asked: ReadRequestPdu, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#begin(signal);
      const waiting: Waiting = {
        expected: asked, transaction: -1, sent: NOTHING,
        take: (_unit, pdu) => {
          this.#finish(waiting);
          resolve(pdu);
        },
        fail: (error) => {
          this.#finish(waiting);
          reject(error);
        },
      };
      this.#waiting = waiting;
      this.#send(waiting, encodeReadAdu(asked, this.#number(waiting)));
    });
  }

  /**
   * One request and its answer. After a time-out on a line without transaction numbers it takes `settleMs` longer.
   *
   * @param send calls modbus-serial, which passes the answer to `done`
   * @returns the answer as modbus-serial parsed it; rejects with its error for an exception, the signal's reason, CV_MODBUS_ANSWER_MISMATCH,
   *   CV_FRAME_INVALID or CV_LINK_CLOSED
   */
  async exchange<T>(asked: ExpectedAnswer, signal: AbortSignal, send: (done: Done<T>) => void): Promise<T> {
    this.#begin(signal);
    this.#isBusy = true;
    try {
      if (this.#readyAtMs > 0) await this.#untilReady(signal);
      return await this.#exchange(asked, send);
    } catch (error) {
      if (signal.aborted && !this.#options.framing.isNumbered) await this.#settle(signal.reason);
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Resolves when the stream's handle is gone. */
  async close(): Promise<void> {
    this.#closeWith(new FaultError('CV_LINK_CLOSED', { address: this.#stream.address, detail: 'by this edge', detailZh: '本端断开' }));
    await this.#stream.close();
  }

  /** Why it is closed; null while it is open. */
  get closeFault(): FaultError | null {
    return this.#end;
  }

  /** Listens to the signal from here on. @throws why the exchange cannot start */
  #begin(signal: AbortSignal): void {
    if (this.#end) throw this.#end;
    if (signal.aborted) throw signal.reason;
    if (this.#isBusy || this.#waiting)
      throw new FaultError('CV_DRIVER_FAILED', { device: this.#stream.address, detail: 'two exchanges at once on one link' });
    if (signal !== this.#signal) this.#listenTo(signal);
  }

  #listenTo(signal: AbortSignal | null): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  #aborted(): void {
    const waiting = this.#waiting;
    if (waiting) this.#describe(waiting);
    waiting?.fail(this.#signal?.reason);
    this.#endRest?.();
  }

  #exchange<T>(asked: ExpectedAnswer, send: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#finish(waiting);
        reject(error);
      };
      const waiting: Waiting = {
        expected: asked,
        transaction: -1,
        sent: NOTHING,
        take: (unit, pdu) => this.#handOn(unit, pdu, waiting),
        fail,
      };
      this.#waiting = waiting;
      // Bytes before the request are no answer. With transaction numbers they may hold half a frame, so they stay.
      if (!this.#options.framing.isNumbered) this.#held = NOTHING;
      send((error, result) => {
        if (error !== null && error !== undefined)
          return fail(
            exceptionCodeOf(error) === null ? new FaultError('CV_FRAME_INVALID', { detail: String(error) }, { cause: error }) : error,
          );
        this.#finish(waiting);
        resolve(result);
      });
    });
  }

  /** The exchange has ended, with or without its answer. */
  #finish(waiting: Waiting): void {
    if (this.#waiting === waiting) this.#waiting = null;
    this.#quietTimer?.cancel();
    if (this.#options.gapMs > 0) this.#readyAtMs = Math.max(this.#readyAtMs, this.#world.clock.monotonicMs() + this.#options.gapMs);
  }

  /** Assigns the next transaction number. */
  #number(waiting: Waiting): number {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    return (waiting.transaction = this.#transaction);
  }

  #send(waiting: Waiting, adu: Buffer): void {
    waiting.sent = adu;
    this.#stream.send(adu);
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const waitMs = this.#readyAtMs - this.#world.clock.monotonicMs();
    if (waitMs > 0) await this.#rest(waitMs);
    if (this.#mustFlush && !this.#end) await this.#stream.flush?.();
    this.#mustFlush = false;
    if (this.#end) throw this.#end;
    if (signal.aborted) throw signal.reason;
  }

  /** Keeps the line quiet, so that a late answer is not taken for the next one. */
  async #settle(reason: unknown): Promise<void> {
    const { settleMs } = this.#options;
    this.#mustFlush = true;
    this.#readyAtMs = this.#world.clock.monotonicMs() + settleMs;
    // The stop of the edge is no time-out, and waits for nothing.
    if (reason instanceof FaultError) await this.#rest(Math.min(settleMs, SETTLE_IN_EXCHANGE_MS));
  }

  /** Waits, until the signal aborts or the port closes. */
  #rest(durationMs: number): Promise<void> {
    if (this.#end) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#world.clock.after(durationMs, () => this.#endRest?.());
      this.#endRest = () => {
        this.#endRest = null;
        timer.cancel();
        resolve();
      };
    });
  }

  #receive(bytes: Buffer): void {
    this.#held = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#process(false);
  }

  #process(isQuiet: boolean): void {
    this.#quietTimer?.cancel();
    while (!this.#end && this.#held.length > 0) {
      const waiting = this.#waiting;
      const cut = this.#options.framing.cut(this.#held, waiting, isQuiet);
      if (cut.kind === 'wait') {
        if (cut.orQuiet && waiting) this.#quietTimer = this.#world.clock.after(QUIET_MS, () => this.#process(true));
        if (this.#held.length > MAX_HELD_BYTES) this.#held = this.#held.subarray(-MAX_HELD_BYTES / 2);
        return;
      }
      if (cut.kind === 'broken') return this.#break(cut.detail);
      this.#held = cut.rest;
      if (cut.kind === 'stray') this.#stray(cut.detail);
      else if (waiting && cut.kind === 'mismatch') waiting.fail(new FaultError('CV_MODBUS_ANSWER_MISMATCH', cut.detail));
      else if (waiting && cut.kind === 'answer') this.#answer(cut.unit, cut.pdu, waiting);
    }
  }

  #stray(detail: FaultDetail): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_MODBUS_ANSWER_STRAY', params: { address: this.#stream.address, ...detail } } });
    this.#strays += 1;
    if (this.#strays > MAX_STRAYS) this.#break({ detail: `${this.#strays} unexpected answers`, detailZh: `${this.#strays} 个无人等待的应答` });
  }

  #answer(unit: number, pdu: Uint8Array, waiting: Waiting): void {
    this.#strays = 0;
    // An exception to function 0 counts as one to the requested function.
    waiting.take(
      unit,
      pdu[0] === EXCEPTION_TO_FUNCTION_0 ? Uint8Array.of(waiting.expected.fc | EXCEPTION_TO_FUNCTION_0, pdu[1] as number) : pdu,
    );
  }

  /** Passes the expected answer to modbus-serial. */
  #handOn(unit: number, pdu: Uint8Array, waiting: Waiting): void {
    const frame = Buffer.alloc(1 + pdu.length + CRC_BYTES);
    frame[0] = unit;
    frame.set(pdu, 1);
    frame.writeUInt16LE(crc16Modbus(frame.subarray(0, -CRC_BYTES)), 1 + pdu.length);
    try {
      this.emit('data', frame);
    } catch (error) {
      // modbus-serial throws in its receiver on some answers to function 43; that must not end the process.
      const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: this.#stream.address });
      waiting.fail(new FaultError(fault.code, fault.params, { cause: error }));
    }
  }

  /** Reports what was received instead of the answer. */
  #describe(waiting: Waiting): void {
    const found = this.#held.length > 0 ? this.#options.framing.describe?.(this.#held, waiting) : null;
    const address = this.#stream.address;
    if (found?.code === 'CV_MODBUS_ANSWER_STRAY')
      this.#world.tell({ kind: 'fault', fault: { code: found.code, params: { address, ...found.detail } } });
    else if (found)
      this.#world.tell({
        kind: 'fault',
        fault: {
          code: found.code,
          params: { detail: `${address}: ${found.detail.detail}`, detailZh: `${address}：${found.detail.detailZh}` },
        },
      });
  }

  /** The stream cannot be cut into ADUs any more; TCP has no resynchronization, so only a new link helps. */
  #break({ detail, detailZh }: FaultDetail): void {
    const address = this.#stream.address;
    this.#waiting?.fail(new FaultError('CV_FRAME_INVALID', { detail: `${address}: ${detail}`, detailZh: `${address}：${detailZh}` }));
    this.#closeWith(new FaultError('CV_LINK_CLOSED', { address, detail: `by this edge, after ${detail}`, detailZh: `收到${detailZh}，本端断开` }));
    // Not awaited here: closing the link awaits it.
    this.#stream
      .close()
      .catch((error: unknown) => this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_DRIVER_FAILED', { device: address }) }));
  }

  #closeWith(end: FaultError): void {
    if (this.#end) return;
    this.#end = end;
    this.isOpen = false;
    this.#held = NOTHING;
    this.#quietTimer?.cancel();
    this.#waiting?.fail(end);
    this.#endRest?.();
    this.#listenTo(null);
    this.emit('close');
  }
}
