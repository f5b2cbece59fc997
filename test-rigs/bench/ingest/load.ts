/** The two runs of every contender: closed loop (how fast does it go?) and hold (does it keep that up?). */
import { cpuMsOf } from '../usage.ts';
import { benchPauseMs } from '../rig.ts';
import type { RunningContender, PayloadShape } from './contender.ts';
import { LoadSender } from './sender.ts';
import { DEVICES_EACH, SENDERS, seriesValues } from './series.ts';

export interface IngestMeasurement {
  /** Events stored and open to queries, a second. */
  perSecond: number;
  /** Processor time of the contender, µs an event. */
  cpuMicros: number;
  /** Seconds from the last event sent to the last one stored. */
  drainSeconds: number;
  /** Sent and not stored after all that time. */
  missing: number;
}

/** Before what counts: compilers and caches get warm at the same pace as in what counts. */
const WARM_SECONDS = 4;
const POLL_MS = 50;
const TICK_MS = 5;
/** More than any contender takes in that time, so that the load is never what holds it back. */
const MOST_A_TICK = 20_000;
const DRAIN_MS = 15_000;
const COUNT_MOVES_MS = 1500;
const READ_BACK_SERIES = 20;
const READ_BACK_MS = 10_000;

interface Standing {
  ms: number;
  stored: number;
  cpuMs: number;
}

export class IngestLoad {
  readonly #running: RunningContender;
  readonly #senders: LoadSender[];
  readonly #events: number;
  #turn = 0;

  private constructor(running: RunningContender, senders: LoadSender[], shape: PayloadShape) {
    this.#running = running;
    this.#senders = senders;
    this.#events = shape === 'batch' ? DEVICES_EACH : 1;
  }

  static async open(running: RunningContender, shape: PayloadShape): Promise<IngestLoad> {
    const senders: LoadSender[] = [];
    for (let sender = 0; sender < SENDERS; sender += 1)
      senders.push(await LoadSender.open(running.brokerPort, running.login(sender), running.topic(sender)));
    return new IngestLoad(running, senders, shape);
  }

  get sent(): number {
    return this.#senders.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Publishes about `events` events, senders in turn. */
  #give(events: number): void {
    const atMs = Date.now();
    for (let given = 0; given < events; given += this.#events) {
      const number = this.#turn % SENDERS;
      const sender = this.#senders[number] as LoadSender;
      if (sender.failed) throw sender.failed;
      sender.publish(this.#running.payload(number, sender.sent, this.#events, atMs), this.#events);
      this.#turn += 1;
    }
  }

  /** As much as the window lets out, for `seconds`. */
  closedLoop(seconds: number, window: number): Promise<IngestMeasurement> {
    return this.#run(seconds, (stored) => window - (this.sent - stored), true);
  }

  /** So many a second, whatever comes of it. */
  hold(seconds: number, perSecond: number): Promise<IngestMeasurement> {
    const startedMs = performance.now();
    return this.#run(seconds, () => ((performance.now() - startedMs) / 1000) * perSecond - this.sent, false);
  }

  /** @param asks `room` wants to know how many are stored: that costs the contender time, so it is asked only then */
  async #run(seconds: number, room: (stored: number) => number, asks: boolean): Promise<IngestMeasurement> {
    const startedMs = performance.now();
    const endsMs = startedMs + (WARM_SECONDS + seconds) * 1000;
    let stored = 0;
    let polledMs = -Infinity;
    let polling: Promise<void> | null = null;
    let from: Standing = { ms: startedMs, stored: 0, cpuMs: 0 };
    let asking: Promise<void> | null = null;
    while (performance.now() < endsMs) {
      if (asks && !polling && performance.now() - polledMs >= POLL_MS) {
        polledMs = performance.now();
        polling = this.#running.stored().then((count) => { stored = count; }).finally(() => { polling = null; });
      }
      // A socket that takes no more is the broker's word that it has enough.
      if (this.#senders.every(({ waiting }) => waiting < 1 << 20)) this.#give(Math.min(room(stored), MOST_A_TICK));
      // The load goes on while it is found out where things stand.
      if (!asking && performance.now() - startedMs >= WARM_SECONDS * 1000) asking = this.#now().then((found) => { from = found; });
      await benchPauseMs(TICK_MS);
    }
    const drainedMs = performance.now();
    await asking;
    const to = await this.#now();
    let last = to.stored;
    for (; last < this.sent && performance.now() - drainedMs < DRAIN_MS; last = await this.#running.stored())
      await benchPauseMs(POLL_MS / 2);
    const counted = to.stored - from.stored;
    return {
      perSecond: (counted * 1000) / (to.ms - from.ms),
      cpuMicros: ((to.cpuMs - from.cpuMs) * 1000) / Math.max(1, counted),
      drainSeconds: (performance.now() - drainedMs) / 1000,
      missing: this.sent - last,
    };
  }

  /** Where things stand, at the moment at which the count moves: VictoriaMetrics tells its own but once a second. */
  async #now(): Promise<Standing> {
    const before = await this.#running.stored();
    const untilMs = performance.now() + COUNT_MOVES_MS;
    let stored = before;
    while (stored === before && performance.now() < untilMs) {
      await benchPauseMs(POLL_MS / 5);
      stored = await this.#running.stored();
    }
    return { ms: performance.now(), stored, cpuMs: cpuMsOf(this.#running.pids) };
  }

  /** Everything that was sent is there, each once and right, in series picked over all senders. @throws when it is not */
  async check(): Promise<void> {
    for (let at = 0; at < READ_BACK_SERIES; at += 1) {
      const sender = (at * 7) % SENDERS;
      const device = (at * 13) % DEVICES_EACH;
      const wanted = seriesValues(sender, device, (this.#senders[sender] as LoadSender).sent).toSorted((one, other) => one - other);
      let found = await this.#running.readBack(sender, device);
      // Counted is not always readable at once, even after a flush.
      for (const untilMs = performance.now() + READ_BACK_MS; found.length < wanted.length && performance.now() < untilMs;) {
        await benchPauseMs(500);
        found = await this.#running.readBack(sender, device);
      }
      // As bags: a store of whole milliseconds may give two points of one millisecond in either order.
      const same =
        found.length === wanted.length &&
        found.toSorted((one, other) => one - other).every((value, place) => Math.abs(value - (wanted[place] as number)) < 1e-9);
      if (!same) throw new Error(`series ${sender}/${device}: ${found.length} of ${wanted.length} points read back, or not as sent`);
    }
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
  }
}
