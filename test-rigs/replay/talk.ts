/** One connection of one device that a recording stands for. */
import type { Socket } from 'node:net';
import type { Random } from '../../core/world.ts';
import type { DeviceReport, DeviceReports } from './reports.ts';
import type { SimulatedReply, SimulatedDevice } from './stand-in.ts';
import { DeliveryPath, type MessageFault } from './message-fault.ts';

export interface DeviceSessionOptions {
  standIn: SimulatedDevice;
  /** Its own, also on the connection after this one. */
  reports: DeviceReports;
  /** Wall clock from which reports count. */
  startsAt: number;
  /** How long after which a report is sent again; null: never. */
  againAfterMs: number | null;
  random: Random;
  trouble: MessageFault | null;
  onSettled(report: DeviceReport): void;
  onOver(): void;
}

export class DeviceSession {
  readonly #socket: Socket;
  readonly #facts: DeviceSessionOptions;
  readonly #way: DeliveryPath;
  readonly #begunMs = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();
  #readyMs = 0;

  constructor(socket: Socket, facts: DeviceSessionOptions) {
    this.#socket = socket;
    this.#facts = facts;
    this.#way = new DeliveryPath(facts.trouble, facts.random);
    socket.setNoDelay(true);
    socket.on('error', () => { socket.destroy(); });
    socket.on('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      facts.onOver();
    });
    socket.on('data', (bytes) => {
      for (const reply of facts.standIn.receive(bytes, (message) => this.#settle(message))) this.#answer(reply);
    });
    for (const report of facts.reports.kept()) this.#again(report, 0);
    this.#speak();
  }

  #settle(message: Buffer): void {
    const report = this.#facts.reports.settle(message);
    if (report) this.#facts.onSettled(report);
  }

  #answer({ bytes, afterMs }: SimulatedReply): void {
    const nowMs = performance.now();
    // Answers keep the order of their questions.
    this.#readyMs = Math.max(this.#readyMs, nowMs + afterMs);
    this.#after(this.#readyMs - nowMs, () => this.#send(bytes));
  }

  #speak(): void {
    const { reports, startsAt, againAfterMs } = this.#facts;
    const report = reports.next();
    if (!report) return;
    this.#after(report.afterMs - (Date.now() - startsAt), () => {
      // What broke off in the middle is said again on the next connection.
      if (!this.#send(report.bytes)) return;
      reports.wentOut();
      if (againAfterMs !== null) this.#again(report, againAfterMs);
      this.#speak();
    });
  }

  /** Until it is answered. */
  #again(report: DeviceReport, delayMs: number): void {
    this.#after(delayMs, () => {
      const { reports, againAfterMs } = this.#facts;
      if (reports.isKept(report) && this.#send(report.bytes) && againAfterMs !== null) this.#again(report, againAfterMs);
    });
  }

  /** @returns false when the connection broke in the middle */
  #send(message: Buffer): boolean {
    for (const { bytes, laterMs, isLast } of this.#way.pass(message, performance.now() - this.#begunMs)) {
      if (laterMs > 0) this.#after(laterMs, () => this.#socket.write(bytes));
      else this.#socket.write(bytes);
      if (!isLast) continue;
      this.#socket.end(() => this.#socket.resetAndDestroy());
      return false;
    }
    return true;
  }

  #after(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#socket.writable) run();
    }, Math.max(0, delayMs));
    this.#timers.add(timer);
  }
}
