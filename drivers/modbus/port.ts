/**
 * The guard between the socket and modbus-serial.
 *
 * modbus-serial alone would take for values: an exception of another unit, an answer whose byte count lies, an answer
 * with a protocol number that is not Modbus; it keeps one record a transaction for ever, and after a time-out of ours
 * (its own timers are off, the host keeps time) it would still hand on the late answer. So its ADUs pass through this
 * port, which keeps the wire's transaction numbers itself and lets through only the one answer that is awaited.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { FaultError, faultOf } from '../../core/faults.ts';
import type { Tell } from '../../core/telemetry.ts';
import { crc16Modbus } from '../../core/wire/crc16.ts';
import { EXCEPTION_TO_NONE, mismatch, readTcpAdu, strayOf, tcpAduBytes, type Asked } from './adu.ts';

const CRC_BYTES = 2;
/** A peer that sends this many answers nobody asked for, without one that was, is not one to go on with. */
const MAX_STRAYS = 32;

interface Waiting {
  asked: Asked;
  transaction: number;
  fail(error: unknown): void;
}

/** The exception's number where modbus-serial made an error of one. */
export function exceptionOf(error: unknown): number | null {
  const code = error instanceof Error ? (error as { modbusCode?: unknown }).modbusCode : undefined;
  return typeof code === 'number' ? code : null;
}

/** A port as modbus-serial's constructor takes it, over a socket that is open. */
export class GuardedPort extends EventEmitter {
  isOpen = true;
  // modbus-serial files each request under these; only one is under way, so one number serves and nothing piles up.
  readonly _transactionIdRead = 1;
  readonly _transactionIdWrite = 1;

  readonly #socket: Socket;
  readonly #address: string;
  readonly #tell: Tell;
  readonly #closed: Promise<void>;
  #held: Buffer = Buffer.alloc(0);
  #transaction = 0;
  #strays = 0;
  #waiting: Waiting | null = null;
  #end: FaultError | null = null;

  constructor(socket: Socket, address: string, tell: Tell) {
    super();
    this.#socket = socket;
    this.#address = address;
    this.#tell = tell;
    this.#closed = new Promise((resolve) => { socket.once('close', () => resolve()); });
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', (error) => this.#shut(new FaultError('CV_LINK_CLOSED', { address, detail: error.message }, { cause: error })));
    socket.on('end', () => this.#shut(new FaultError('CV_LINK_CLOSED', { address, detail: 'by the device', detailZh: '设备主动断开' })));
    socket.on('close', () => this.#shut(new FaultError('CV_LINK_CLOSED', { address, detail: 'by the device', detailZh: '设备主动断开' })));
  }

  /** modbus-serial opens every port; this one is. */
  open(done: (error?: Error) => void): void {
    done();
  }

  /** Takes an RTU frame from modbus-serial and sends it as a TCP ADU, if an exchange is under way. */
  write(frame: Buffer): void {
    if (!this.#waiting) return;
    this.#transaction = (this.#transaction + 1) & 0xffff;
    this.#waiting.transaction = this.#transaction;
    const body = frame.subarray(0, -CRC_BYTES);
    const header = Buffer.alloc(6);
    header.writeUInt16BE(this.#transaction, 0);
    header.writeUInt16BE(body.length, 4);
    this.#socket.write(Buffer.concat([header, body]));
  }

  /**
   * One question and its answer.
   *
   * @param send calls modbus-serial, which gives the answer to `done`
   * @returns what modbus-serial made of the answer; rejects with its error for an exception, the signal's reason, CV_MODBUS_ANSWER_MISMATCH,
   *   CV_FRAME_INVALID or CV_LINK_CLOSED
   */
  ask<T>(asked: Asked, signal: AbortSignal, send: (done: (error: unknown, result: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal.aborted) return reject(signal.reason);
      if (this.#waiting) return reject(new FaultError('CV_DRIVER_FAILED', { device: this.#address, detail: 'two exchanges at once on one link' }));
      const settle = () => {
        if (this.#waiting === waiting) this.#waiting = null;
        signal.removeEventListener('abort', abort);
      };
      const fail = (error: unknown) => {
        settle();
        reject(error);
      };
      const abort = () => fail(signal.reason);
      const waiting: Waiting = { asked, transaction: -1, fail };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting = waiting;
      send((error, result) => {
        settle();
        if (error === null || error === undefined) resolve(result);
        else reject(exceptionOf(error) === null ? new FaultError('CV_FRAME_INVALID', { detail: String(error) }, { cause: error }) : error);
      });
    });
  }

  /** Resolves when the socket's handle is gone. */
  async close(): Promise<void> {
    this.#shut(new FaultError('CV_LINK_CLOSED', { address: this.#address, detail: 'by this edge', detailZh: '本端断开' }));
    await this.#closed;
  }

  #take(bytes: Buffer): void {
    this.#held = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    while (!this.#end) {
      const whole = tcpAduBytes(this.#held);
      if (whole === 0) {
        const begin = this.#held.subarray(0, 8).toString('hex');
        return this.#break(`no Modbus TCP: ${begin}`, `不是 Modbus TCP:${begin}`);
      }
      if (whole === null || this.#held.length < whole) return;
      const adu = this.#held.subarray(0, whole);
      this.#held = this.#held.subarray(whole);
      this.#judge(adu);
    }
  }

  /** Hands an ADU on when it is the awaited answer. */
  #judge(bytes: Buffer): void {
    const adu = readTcpAdu(bytes);
    const waiting = this.#waiting;
    if (!adu) return;
    const stray = strayOf(adu, waiting?.transaction);
    if (!waiting || stray) {
      this.#tell({ kind: 'fault', fault: { code: 'CV_MODBUS_ANSWER_STRAY', params: { address: this.#address, ...stray } } });
      this.#strays += 1;
      if (this.#strays > MAX_STRAYS) this.#break(`${this.#strays} answers nobody asked for`, `${this.#strays} 个无人等待的应答`);
      return;
    }
    this.#strays = 0;
    const problem = mismatch(waiting.asked, adu.unit, adu.pdu);
    if (problem) return waiting.fail(new FaultError('CV_MODBUS_ANSWER_MISMATCH', problem));
    const body = bytes.subarray(-adu.pdu.length - 1);
    const frame = Buffer.alloc(body.length + CRC_BYTES);
    body.copy(frame);
    // modbus-serial knows an exception only by the function it asked.
    if (frame[1] === EXCEPTION_TO_NONE) frame[1] = waiting.asked.fc | EXCEPTION_TO_NONE;
    frame.writeUInt16LE(crc16Modbus(frame.subarray(0, body.length)), body.length);
    try {
      this.emit('data', frame);
    } catch (error) {
      // modbus-serial throws out of its receiver on some answers to function 43; that must not end the process.
      const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: this.#address });
      waiting.fail(new FaultError(fault.code, fault.params, { cause: error }));
    }
  }

  /** The stream cannot be cut into ADUs any more: TCP gives no place to begin again, so only a new link helps. */
  #break(en: string, zh: string): void {
    const address = this.#address;
    this.#waiting?.fail(new FaultError('CV_FRAME_INVALID', { detail: `${address}: ${en}`, detailZh: `${address}:${zh}` }));
    this.#shut(new FaultError('CV_LINK_CLOSED', { address, detail: `by this edge, after ${en}`, detailZh: `收到${zh},本端断开` }));
  }

  #shut(end: FaultError): void {
    if (this.#end) return;
    this.#end = end;
    this.isOpen = false;
    this.#socket.destroy();
    this.#held = Buffer.alloc(0);
    this.#waiting?.fail(end);
    this.emit('close');
  }
}
