/**
 * Keeps the edge's clock: asks its sources, follows them, and sees to what depends on it once it is known: the log gives
 * earlier events their time, what stays unknown is named, and only then may anything be sent.
 */
import type { Draft } from '../../core/event.ts';
import { faultOf, type Fault } from '../../core/faults.ts';
import { EARLIEST_CLOCK_MS, type BootRecord } from '../../log/boot-history.ts';
import { everyMs, type Clock, type Timer, type World } from '../../core/world.ts';
import { MIN_STEP_MS, type EdgeClock, type ClockStep, type TimeSource } from './edge-clock.ts';
import type { ClockProbe } from './clock-probe.ts';
import { clockStepEvent, unknownTimeEvent, unknownTimeFault } from './clock-events.ts';
import '../../log/faults.ts';

const TICK_MS = 1000;
const LOOK_MS = 10_000;
/** With the time known, a better source is looked for seldom: asking may start a program. */
const LOOK_AGAIN_MS = 600_000;
/** A clock that is set at boot to the second may start this much below what was written just before. */
const BEHIND_MS = 5000;
/** The answer of a gateway is as uncertain as half of its way there and back. */
const QUICK_MS = 2000;
const SLOW_ANSWERS = 5;
const TOLD_AFTER_MS = 30_000;
/** A hardware clock says whole seconds: what the first better word corrects is worth no fault. */
const TOLD_STEP_MS = 2000;
/** A gateway whose own clock is beyond this is not set either. */
const NOT_AFTER = Date.UTC(2124, 0, 1);

export interface ClockDisciplineParts {
  clock: EdgeClock;
  /** What the machine itself shows, whoever set it. */
  system: Clock;
  trust: readonly TimeSource[];
  probe: ClockProbe;
  edge: string;
  centre: string;
  log: {
    correctClock(trueAt: number): readonly BootRecord[];
    saveClockCorrection(): Promise<void>;
    append(drafts: readonly Draft[]): Promise<void>;
  };
  /** From here on events may be sent. */
  onSettled(): void;
}

export class ClockDiscipline {
  readonly #parts: ClockDisciplineParts;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  #timer: Timer | null = null;
  #isSettled = false;
  #isUnsaved = false;
  #openedMs = 0;
  #lookedMs = -Infinity;
  #isLooking = false;
  #isBehind = false;
  #isTold = false;
  #slowAnswers = 0;

  constructor(parts: ClockDisciplineParts, world: Pick<World, 'clock' | 'tell'>) {
    this.#parts = parts;
    this.#world = world;
    parts.clock.onSet((step) => this.#set(step));
  }

  /** The time is known, what was written before it was is decided, and that is on disk where the disk took it. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  async open(): Promise<void> {
    this.#openedMs = this.#world.clock.monotonicMs();
    await this.#look();
    // Known by a process before us, in this boot, or by this first look.
    if (this.#parts.clock.trust.isTrusted()) await this.#settle();
    else this.#world.tell({ kind: 'clock_state', trusted: false, source: 'none' });
    this.#timer = everyMs(this.#world.clock, TICK_MS, () => { void this.#tick(); });
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** A gateway answered: it is `nowAt` there, as uncertain as half of `tookMs`. */
  gatewayAnswered(nowAt: number, tookMs: number): void {
    const { clock, trust } = this.#parts;
    if (!trust.includes('gateway') && !this.#isBehind) return;
    if (nowAt < EARLIEST_CLOCK_MS || nowAt > NOT_AFTER)
      return this.#tell({ code: 'CV_UPLINK_ANSWER', params: { detail: `a clock at ${nowAt}` } });
    if (!clock.trust.isTrusted() && tookMs > QUICK_MS && this.#slowAnswers < SLOW_ANSWERS) {
      this.#slowAnswers += 1;
      return;
    }
    clock.learn('gateway', nowAt);
  }

  async #tick(): Promise<void> {
    const { clock, system } = this.#parts;
    const nowMs = this.#world.clock.monotonicMs();
    if (this.#isUnsaved) await this.#save();
    if (clock.source === 'system' || (clock.source === 'ntp' && Math.abs(clock.systemAheadMs()) < MIN_STEP_MS))
      return clock.learn(clock.source, system.nowMs());
    if (!clock.trust.isTrusted() && !this.#isTold && nowMs - this.#openedMs >= TOLD_AFTER_MS) this.#tellUnset();
    // NTP stands behind a step only if it still says so.
    if (nowMs - this.#lookedMs >= (clock.trust.isTrusted() && clock.source !== 'ntp' ? LOOK_AGAIN_MS : LOOK_MS)) await this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookedMs = this.#world.clock.monotonicMs();
    const { clock, system, trust, probe } = this.#parts;
    try {
      if (trust.includes('system') && !clock.trust.isTrusted()) this.#trustSystem();
      if (trust.includes('ntp') && clock.source !== 'system' && (await probe.isSynchronised())) clock.learn('ntp', system.nowMs());
      else if (trust.includes('hardware') && !clock.trust.isTrusted() && (await this.#isHardware()))
        clock.learn('hardware', system.nowMs());
    } finally {
      this.#isLooking = false;
    }
  }

  /** Believed as it is, but never below what was written already: then one of the two is wrong, and somebody else decides. */
  #trustSystem(): void {
    const { clock, system } = this.#parts;
    const behindMs = -clock.systemAheadMs();
    if (behindMs <= BEHIND_MS) {
      clock.learn('system', system.nowMs());
      if (this.#isBehind) this.#world.tell({ kind: 'fault_cleared', code: 'CV_CLOCK_BEHIND' });
      this.#isBehind = false;
      return;
    }
    if (!this.#isBehind) this.#tell({ code: 'CV_CLOCK_BEHIND', params: { behindMs: Math.round(behindMs) } });
    this.#isBehind = true;
  }

  /** The system's clock is the hardware clock's, and that has not lost its battery: it would begin far below what was written. */
  async #isHardware(): Promise<boolean> {
    const { clock, system, probe } = this.#parts;
    const at = await probe.hardwareAt();
    return at !== null && Math.abs(at - system.nowMs()) <= BEHIND_MS && clock.systemAheadMs() >= -BEHIND_MS;
  }

  #set(step: ClockStep): void {
    const { edge, centre, clock } = this.#parts;
    this.#world.tell({ kind: 'clock_state', trusted: true, source: step.source });
    if (step.wasTrusted && Math.abs(step.byMs) < TOLD_STEP_MS) return;
    if (step.wasTrusted) {
      this.#tell({ code: 'CV_CLOCK_STEPPED', params: { byMs: Math.round(step.byMs), source: step.source } });
      this.#record(clockStepEvent(edge, centre, step, clock.nowMs()));
      return;
    }
    if (this.#isTold) this.#world.tell({ kind: 'fault_cleared', code: 'CV_CLOCK_UNSET' });
    const byMs = Math.round(step.byMs);
    this.#world.tell({
      kind: 'notice',
      level: 'info',
      en: `the clock is known from ${step.source}; it was ${Math.abs(byMs)} ms ${byMs < 0 ? 'ahead' : 'behind'}`,
      zh: `时钟已由 ${step.source} 校准；此前${byMs < 0 ? '快' : '慢'} ${Math.abs(byMs)} 毫秒`,
    });
    if (this.#timer) void this.#settle();
  }

  async #settle(): Promise<void> {
    const { clock, log, edge, centre, onSettled } = this.#parts;
    if (this.#isSettled) return;
    const decided = log.correctClock(clock.zeroAt);
    for (const boot of decided) {
      const fault = unknownTimeFault(boot);
      if (!fault) continue;
      this.#tell(fault);
      // Saving the decision waits for it: killed between the two, the next process decides, and names it, again.
      this.#record(unknownTimeEvent(edge, centre, boot, clock.nowMs()));
    }
    await this.#save();
    this.#isSettled = true;
    this.#world.tell({ kind: 'clock_state', trusted: true, source: clock.source ?? 'none' });
    onSettled();
  }

  /** A disk that is full frees nothing while we wait for it: what cannot be saved now is tried again, and sending goes on. */
  async #save(): Promise<void> {
    try {
      await this.#parts.log.saveClockCorrection();
      this.#isUnsaved = false;
    } catch (error) {
      if (!this.#isUnsaved) this.#tell(faultOf(error, 'CV_LOG_FAILED'));
      this.#isUnsaved = true;
    }
  }

  #record(draft: Draft): void {
    this.#parts.log.append([draft]).catch((error: unknown) => {
      this.#tell(faultOf(error, 'CV_LOG_FAILED'));
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'log_failed', intended: false, stream: 'diagnostic' });
    });
  }

  #tellUnset(): void {
    this.#isTold = true;
    this.#world.tell({ kind: 'clock_state', trusted: false, source: 'none' });
    this.#tell({ code: 'CV_CLOCK_UNSET', params: { sources: this.#parts.trust.join(', ') } });
  }

  #tell(fault: Fault): void {
    this.#world.tell({ kind: 'fault', fault });
  }
}
