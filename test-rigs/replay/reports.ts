/**
 * What a recorded device says by itself, one after the other and in its own name, across all its connections; and what
 * it keeps until that is answered, where its protocol has it so. Knows no sockets and no time.
 */
import { withIdentity, type SimulatedDeviceOptions } from './stand-in.ts';

/** A device's memory is full after so many: the oldest is let go of. */
const MOST_KEPT = 1000;

export interface ReportTimes {
  /** How much later than recorded it is now. */
  laterMs: number;
  /** After so long all is said again; null: once. */
  loopMs: number | null;
}

/** Something to say, `afterMs` from the device's start. */
export interface DeviceReport {
  bytes: Buffer;
  afterMs: number;
}

export class DeviceReports {
  readonly #facts: SimulatedDeviceOptions;
  readonly #times: ReportTimes;
  #next = 0;
  #coming: DeviceReport | null = null;
  /** Said and not answered, the oldest first. */
  readonly #kept = new Set<DeviceReport>();
  said = 0;
  /** Answered: the other side is answerable for them now. */
  acknowledged = 0;
  /** Never answered and no longer kept. */
  forgotten = 0;

  constructor(facts: SimulatedDeviceOptions, times: ReportTimes) {
    this.#facts = facts;
    this.#times = times;
  }

  /** The next one that was never said; null when there is none. */
  next(): DeviceReport | null {
    return this.#coming ??= this.#made();
  }

  /** The next one went out as a whole. */
  wentOut(): void {
    const report = this.next();
    if (!report) return;
    const { keeps } = this.#facts.reading.recording;
    if (keeps?.waits(report.bytes, this.#facts.reading.settings)) this.#kept.add(report);
    if (this.#kept.size > MOST_KEPT) {
      this.#kept.delete(this.#kept.values().next().value as DeviceReport);
      this.forgotten += 1;
    }
    this.#coming = null;
    this.#next += 1;
    this.said += 1;
  }

  kept(): readonly DeviceReport[] {
    return [...this.#kept];
  }

  isKept(report: DeviceReport): boolean {
    return this.#kept.has(report);
  }

  /** Something was said to the device. @returns the report that it answers for good */
  settle(answer: Buffer): DeviceReport | null {
    const { recording: { keeps }, settings } = this.#facts.reading;
    const report = keeps && this.kept().find(({ bytes }) => keeps.settles(answer, bytes, settings));
    if (!report) return null;
    this.#kept.delete(report);
    this.acknowledged += 1;
    return report;
  }

  #made(): DeviceReport | null {
    const { script: { unsolicited }, reading } = this.#facts;
    const { laterMs, loopMs } = this.#times;
    const message = unsolicited[this.#next % Math.max(1, unsolicited.length)];
    const turn = Math.floor(this.#next / Math.max(1, unsolicited.length));
    if (!message || (turn > 0 && loopMs === null)) return null;
    const turnMs = turn * (loopMs ?? 0);
    const said = withIdentity(this.#facts, message.bytes, message.notes);
    const { retime } = reading.recording;
    return {
      bytes: message.notes && retime ? Buffer.from(retime(said, laterMs + turnMs, reading.settings)) : said,
      afterMs: Math.floor((message.parts.at(-1)?.afterUs ?? 0) / 1000) + turnMs,
    };
  }
}
