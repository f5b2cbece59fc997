/**
 * The guard between the wire and modbus-serial.
 *
 * modbus-serial alone would take for values: an exception of another unit, an answer whose byte count lies, an answer
 * with a protocol number that is not Modbus; it keeps one record a transaction for ever, and after a time-out of ours
 * (its own timers are off, the host keeps time) it would still hand on the late answer. So its ADUs pass through this
 * port, which puts them into the wire's envelope, and lets through only the one answer that is awaited.
 */
import { EventEmitter } from 'node:events';
import { FaultError, faultOf } from '../../core/faults.ts';
import type { Timer, World } from '../../core/world.ts';
import { crc16Modbus } from './crc16.ts';
import { EXCEPTION_TO_NONE, type Asked, type Detail } from './adu.ts';
import './faults.ts';
import { readAdu, type Awaited, type Framing, type Readable } from './framing.ts';
import type { Wire } from './wire.ts';

const CRC_BYTES = 2;
const NOTHING = Buffer.alloc(0);
/** A peer that sends this many answers nobody asked for, without one that was, is not one to go on with. */
const MAX_STRAYS = 32;
/** Noise is kept no longer than a few answers. */
const MAX_HELD_BYTES = 2048;
/** After this long without a byte an answer in doubt is looked at as all there is; mobile networks pause in mid-frame. */
const QUIET_MS = 1000;
/** What a timed-out exchange itself may wait for the line to settle; the host leaves it behind soon after. */
const SETTLE_AT_ONCE_MS = 300;

interface Waiting extends Awaited {
  /** The answer, which fits what was asked. */
  take(unit: number, pdu: Uint8Array): void;
  fail(error: unknown): void;
}

type Done<T> = (error: unknown, result: T) => void;

export interface PortOptions {
  framing: Framing;
  /** After a time-out the line is left alone for so long; only where answers are not numbered. */
  settleMs?: number;
  /** Between an answer and the next request. */
  gapMs?: number;
}

/** The exception's number where modbus-serial made an error of one. */
export function exceptionOf(error: unknown): number | null {
  const code = error instanceof Error ? (error as { modbusCode?: unknown }).modbusCode : undefined;
  return typeof code === 'number' ? code : null;
}

/** A port as modbus-serial's constructor takes it, over a wire that is open. */
export class GuardedPort extends EventEmitter {
  isOpen = true;
  // modbus-serial files each request under these; only one is under way, so one number serves and nothing piles up.
  readonly _transactionIdRead = 1;
  readonly _transactionIdWrite = 1;

  readonly #wire: Wire;
  readonly #options: Required<PortOptions>;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  /** The signal that is listened to: links are asked under the same one again and again. */
  #heeded: AbortSignal | null = null;
  readonly #onAbort = () => this.#aborted();
  /** Ends a wait for the line. */
  #endRest: (() => void) | null = null;
  #held: Buffer = NOTHING;
  #transaction = 0;
  #strays = 0;
  #isBusy = false;
  #waiting: Waiting | null = null;
  #quietTimer: Timer | null = null;
  #end: FaultError | null = null;
  /** Monotonic: nothing is sent before; 0: at any time. */
  #readyAtMs = 0;
  #mustFlush = false;

  constructor(wire: Wire, { framing, settleMs = 0, gapMs = 0 }: PortOptions, world: Pick<World, 'clock' | 'tell'>) {
    super();
    this.#wire = wire;
    this.#options = { framing, settleMs, gapMs };
    this.#world = world;
    wire.listen((bytes) => this.#take(bytes), (fault) => this.#shut(fault));
  }

  /** modbus-serial opens every port; this one is. */
  open(done: (error?: Error) => void): void {
    done();
  }

  /** Takes a frame from modbus-serial and sends it in the wire's envelope, if an exchange is under way. */
  write(frame: Buffer): void {
    if (this.#waiting) this.#send(this.#waiting, this.#options.framing.wrap(frame, this.#number(this.#waiting)));
  }

  /** Whether `read` can be had. */
  get isNumbered(): boolean {
    return this.#options.framing.isNumbered;
  }

  /**
   * One read, functions 1 to 4, and its answer's PDU, an exception too. Where transactions are numbered it goes past
   * modbus-serial, which would take longer over it than all else does (docs/decisions/0022).
   *
   * @returns rejects as `ask` does
   */
  read(asked: Readable, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#begin(signal);
      const waiting: Waiting = {
        asked, transaction: -1, sent: NOTHING,
        take: (_unit, pdu) => {
          this.#over(waiting);
          resolve(pdu);
        },
        fail: (error) => {
          this.#over(waiting);
          reject(error);
        },
      };
      this.#waiting = waiting;
      this.#send(waiting, readAdu(asked, this.#number(waiting)));
    });
  }

  /**
   * One question and its answer. After a time-out on a line without transaction numbers it takes `settleMs` longer.
   *
   * @param send calls modbus-serial, which gives the answer to `done`
   * @returns what modbus-serial made of the answer; rejects with its error for an exception, the signal's reason, CV_MODBUS_ANSWER_MISMATCH,
   *   CV_FRAME_INVALID or CV_LINK_CLOSED
   */
  async ask<T>(asked: Asked, signal: AbortSignal, send: (done: Done<T>) => void): Promise<T> {
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

  /** Resolves when the wire's handle is gone. */
  async close(): Promise<void> {
    this.#shut(new FaultError('CV_LINK_CLOSED', { address: this.#wire.address, detail: 'by this edge', detailZh: '本端断开' }));
    await this.#wire.close();
  }

  /** Why it is over; null while it is not. */
  get end(): FaultError | null {
    return this.#end;
  }

  /** From here on the signal's end is that of what is asked. @throws what keeps it from being asked */
  #begin(signal: AbortSignal): void {
    if (this.#end) throw this.#end;
    if (signal.aborted) throw signal.reason;
    if (this.#isBusy || this.#waiting) throw new FaultError('CV_DRIVER_FAILED', { device: this.#wire.address, detail: 'two exchanges at once on one link' });
    if (signal !== this.#heeded) this.#heed(signal);
  }

  #heed(signal: AbortSignal | null): void {
    this.#heeded?.removeEventListener('abort', this.#onAbort);
    this.#heeded = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  #aborted(): void {
    const waiting = this.#waiting;
    if (waiting) this.#describe(waiting);
    waiting?.fail(this.#heeded?.reason);
    this.#endRest?.();
  }

  #exchange<T>(asked: Asked, send: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#over(waiting);
        reject(error);
      };
      const waiting: Waiting = { asked, transaction: -1, sent: NOTHING, take: (unit, pdu) => this.#hand(unit, pdu, waiting), fail };
      this.#waiting = waiting;
      // What came while nobody asked is no answer. Numbered frames may lie in it half, so there the stream goes on.
      if (!this.#options.framing.isNumbered) this.#held = NOTHING;
      send((error, result) => {
        if (error !== null && error !== undefined) return fail(exceptionOf(error) === null ? new FaultError('CV_FRAME_INVALID', { detail: String(error) }, { cause: error }) : error);
        this.#over(waiting);
        resolve(result);
      });
    });
  }

  /** It has its answer, or will get none. */
  #over(waiting: Waiting): void {
    if (this.#waiting === waiting) this.#waiting = null;
    this.#quietTimer?.cancel();
    if (this.#options.gapMs > 0) this.#readyAtMs = Math.max(this.#readyAtMs, this.#world.clock.monotonicMs() + this.#options.gapMs);
  }

  /** A transaction number of its own for what is about to be sent. */
  #number(waiting: Waiting): number {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    return (waiting.transaction = this.#transaction);
  }

  #send(waiting: Waiting, adu: Buffer): void {
    waiting.sent = adu;
    this.#wire.send(adu);
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const waitMs = this.#readyAtMs - this.#world.clock.monotonicMs();
    if (waitMs > 0) await this.#rest(waitMs);
    if (this.#mustFlush && !this.#end) await this.#wire.flush?.();
    this.#mustFlush = false;
    if (this.#end) throw this.#end;
    if (signal.aborted) throw signal.reason;
  }

  /** Leaves the line alone, so that an answer that comes late is not taken for the next one. */
  async #settle(reason: unknown): Promise<void> {
    const { settleMs } = this.#options;
    this.#mustFlush = true;
    this.#readyAtMs = this.#world.clock.monotonicMs() + settleMs;
    // The end of the edge is no time-out, and waits for nothing.
    if (reason instanceof FaultError) await this.#rest(Math.min(settleMs, SETTLE_AT_ONCE_MS));
  }

  /** Waits, unless the signal aborts or the port shuts first. */
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

  #take(bytes: Buffer): void {
    this.#held = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#look(false);
  }

  #look(isQuiet: boolean): void {
    this.#quietTimer?.cancel();
    while (!this.#end && this.#held.length > 0) {
      const waiting = this.#waiting;
      const cut = this.#options.framing.cut(this.#held, waiting, isQuiet);
      if (cut.kind === 'wait') {
        if (cut.orQuiet && waiting) this.#quietTimer = this.#world.clock.after(QUIET_MS, () => this.#look(true));
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

  #stray(detail: Detail): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_MODBUS_ANSWER_STRAY', params: { address: this.#wire.address, ...detail } } });
    this.#strays += 1;
    if (this.#strays > MAX_STRAYS) this.#break({ detail: `${this.#strays} answers nobody asked for`, detailZh: `${this.#strays} 个无人等待的应答` });
  }

  #answer(unit: number, pdu: Uint8Array, waiting: Waiting): void {
    this.#strays = 0;
    // An exception is one to the function that was asked, and to nothing else.
    waiting.take(unit, pdu[0] === EXCEPTION_TO_NONE ? Uint8Array.of(waiting.asked.fc | EXCEPTION_TO_NONE, pdu[1] as number) : pdu);
  }

  /** Hands the awaited answer to modbus-serial. */
  #hand(unit: number, pdu: Uint8Array, waiting: Waiting): void {
    const frame = Buffer.alloc(1 + pdu.length + CRC_BYTES);
    frame[0] = unit;
    frame.set(pdu, 1);
    frame.writeUInt16LE(crc16Modbus(frame.subarray(0, -CRC_BYTES)), 1 + pdu.length);
    try {
      this.emit('data', frame);
    } catch (error) {
      // modbus-serial throws out of its receiver on some answers to function 43; that must not end the process.
      const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: this.#wire.address });
      waiting.fail(new FaultError(fault.code, fault.params, { cause: error }));
    }
  }

  /** Tells what came instead of an answer that was waited for in vain. */
  #describe(waiting: Waiting): void {
    const said = this.#held.length > 0 ? this.#options.framing.describe?.(this.#held, waiting) : null;
    const address = this.#wire.address;
    if (said?.code === 'CV_MODBUS_ANSWER_STRAY') this.#world.tell({ kind: 'fault', fault: { code: said.code, params: { address, ...said.detail } } });
    else if (said) this.#world.tell({ kind: 'fault', fault: { code: said.code, params: { detail: `${address}: ${said.detail.detail}`, detailZh: `${address}:${said.detail.detailZh}` } } });
  }

  /** The stream cannot be cut into ADUs any more: TCP gives no place to begin again, so only a new link helps. */
  #break({ detail, detailZh }: Detail): void {
    const address = this.#wire.address;
    this.#waiting?.fail(new FaultError('CV_FRAME_INVALID', { detail: `${address}: ${detail}`, detailZh: `${address}:${detailZh}` }));
    this.#shut(new FaultError('CV_LINK_CLOSED', { address, detail: `by this edge, after ${detail}`, detailZh: `收到${detailZh}，本端断开` }));
    // Nothing waits for it here; whoever closes the link does.
    this.#wire.close().catch((error: unknown) => this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_DRIVER_FAILED', { device: address }) }));
  }

  #shut(end: FaultError): void {
    if (this.#end) return;
    this.#end = end;
    this.isOpen = false;
    this.#held = NOTHING;
    this.#quietTimer?.cancel();
    this.#waiting?.fail(end);
    this.#endRest?.();
    this.#heed(null);
    this.emit('close');
  }
}
