/**
 * What the host knows of one device: its newest values, which faults stand, whether it is online. Turns what its driver
 * decoded into samples, and tells changes once.
 */
import type { Decoded, Driver, MissedValues, PointValue, Request } from '../../core/driver.ts';
import { FAULTS, faultOf, type Fault } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import type { Flag } from '../../core/event.ts';
import type { EmitItems } from '../../core/line.ts';
import type { Sample } from '../../core/sample.ts';
import type { DeviceState } from '../../core/wire/messages.ts';
import { ownClock, type World } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';
import type { DecodedItem } from '../item.ts';
import { DeviceOnline } from './device-online.ts';
import { PointState } from './point-state.ts';

/** A device of the setup with its driver: what the host is given. */
export interface OpenDevice {
  setup: DeviceSetup;
  driver: Driver;
}

/** A point that was not refreshed in this many periods is stale. */
export const STALE_PERIODS = 3;
/** Where a fault lies that is not of one request. */
const LINK = 'link';
const SKIPPED = 'skipped';
const STANDING = 'standing';

/** How a device is spoken of in faults of its link. */
export function deviceAddress({ driver, setup }: OpenDevice): string {
  return `${setup.id}${driver.bus ? ` (${driver.bus(setup.settings)})` : ''}`;
}

const NO_VALUES: readonly PointValue[] = [];
const NO_FLAGS: readonly Flag[] = [];
/** Of every device that is well; never written to. */
const NOTHING_STANDS = new Map<string, Fault>();

export class HostDevice {
  setup: DeviceSetup;
  readonly driver: Driver;
  /** Failed polls in a row. */
  failures = 0;
  /** ms UTC when the newest frame was had. */
  decodedAt = 0;
  /** A poll that waits for a neighbour's time-out on the same bus is no sign of staleness. */
  neighbourTimeoutMs = 0;
  /** By itself, like all that each frame asks for: the setups of ten thousand devices are in no cache. */
  readonly #id: string;
  readonly #reportsChanges: boolean;
  #world: World;
  #give: EmitItems<DecodedItem>;
  readonly #points = new Map<string, PointState>();
  /** The point that frames begin with, as far as is known. */
  #first: PointState | null = null;
  /** Part of the device (a request, its link) → the fault that stands there. */
  #standing = NOTHING_STANDS;
  readonly #online: DeviceOnline;
  /** ms UTC when it was last heard; 0: never. A time that is ours moves with our clock, which had been set by so much then. */
  #heardAt = 0;
  #heardJumpedMs = 0;
  #isHeardOurs = false;

  constructor({ setup, driver }: OpenDevice, world: World, give: EmitItems<DecodedItem>) {
    this.setup = setup;
    this.driver = driver;
    this.#id = setup.id;
    this.#online = new DeviceOnline(setup.id);
    this.#reportsChanges = driver.reportsChanges ?? false;
    this.#world = world;
    this.#give = give;
    const refreshedMs = world.clock.monotonicMs();
    for (const point of setup.points) this.#points.set(point.id, new PointState(point, refreshedMs));
  }

  /** Another setup by which it is spoken to as before: what is known of it holds. */
  update(setup: DeviceSetup): void {
    this.setup = setup;
    for (const point of setup.points) {
      const memory = this.#points.get(point.id);
      memory?.update(point);
    }
  }

  /** It is not of the setup any more: its faults stand no longer, and what is still on its way says nothing. */
  retire(): void {
    for (const code of this.#codes()) this.#world.tell({ kind: 'fault_cleared', code, device: this.#id });
    this.#standing = NOTHING_STANDS;
    this.#world = { ...this.#world, tell: () => {} };
    this.#give = () => {};
  }

  /** The fields of its points that are its driver's, as `open` and `requests` want them. */
  get ownPoints(): { id: string }[] {
    return this.setup.points.map((point) => point.own as { id: string });
  }

  /** Whether it waits for its link. */
  get isLinkDown(): boolean {
    return this.#standing.has(LINK);
  }

  /** What a frame says; a driver that throws has lost it. `arrivedAt` (ms UTC) is its time, for its samples and for whoever listens in. */
  decode(frame: unknown, request?: Request, arrivedAt = this.#world.clock.nowMs()): Decoded {
    this.decodedAt = arrivedAt;
    try {
      return this.driver.decode(frame, request, this.decodedAt);
    } catch (error) {
      return { ok: false, fault: faultOf(error, 'CV_DRIVER_FAILED', { device: this.#id }) };
    }
  }

  /** A frame came: hands on what it gave. `part` names where it came from (a request). */
  accept(decoded: Decoded, part: string, request?: Request, observedAt: number = this.#world.clock.nowMs()): void {
    if (!decoded.ok && decoded.isAway) return this.linkFailed(decoded.fault);
    this.failures = 0;
    this.#clear(LINK);
    this.#clear(SKIPPED);
    if (decoded.ok && decoded.picture) {
      this.#clear(part);
      this.#seen(observedAt);
      const points = Object.fromEntries(this.setup.points.map((point) => [point.id, { unit: point.unit }]));
      this.#give([
        {
          device: this.#id,
          picture: decoded.picture,
          at: decoded.picture.takenAt ?? observedAt,
          clock: ownClock(this.#world.clock),
          observedAt,
          points,
        },
      ]);
      return;
    }
    if (decoded.ok) {
      this.#clear(part);
      const values = decoded.values ?? NO_VALUES;
      if (decoded.missed) this.#missed(decoded.missed, observedAt);
      this.#hand(values, observedAt);
      for (const { point, fault } of values) {
        if (fault) this.#stand(`point ${point}`, fault);
        else if (this.#standing.size > 0) this.#clear(`point ${point}`);
      }
      if (!request && !decoded.isPartial && (values.length === 0 || this.#reportsChanges)) this.#confirm(observedAt);
      this.#online.heard(this.#world);
      return;
    }
    // It answered, if only to say no: online.
    this.#online.heard(this.#world);
    this.markLost(decoded.fault, part, decoded.points ?? request?.points ?? [], observedAt);
  }

  /** Something gave nothing: the points concerned are bad, and the fault stands until its part gives something again. */
  markLost(fault: Fault, part: string, points: readonly string[], at: number = this.#world.clock.nowMs(), isLast = false): void {
    this.#stand(part, fault);
    const flag = (FAULTS[fault.code] as FaultRow).flag ?? 'other';
    const known = points.filter((point) => this.#points.has(point));
    if (known.length === 0) {
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false, device: this.#id });
      return;
    }
    this.#hand(known.map((point) => ({ point, value: null, quality: 'bad', flags: [flag] })), at, isLast);
  }

  /** A poll failed as a whole. Every point of it is bad; the second in a row means offline. */
  pollFailed(fault: Fault, part: string): void {
    this.failures += 1;
    this.markLost(fault, part, this.setup.points.map((point) => point.id));
    this.#online.pollFailed(this.failures, fault.code, this.#world);
  }

  /** Its link cannot be had, or went. Told once; polls that fall due meanwhile are counted by `leftOut`. */
  linkFailed(fault: Fault): void {
    if (this.isLinkDown) this.#stand(LINK, fault);
    else this.markLost(fault, LINK, this.setup.points.map((point) => point.id), undefined, FAULTS[fault.code].retry === 'never');
    this.#online.lost(fault.code, this.#world);
  }

  /** How its link is other than configured; undefined: it is not. */
  setStandingFault(fault: Fault | undefined): void {
    if (fault) this.#stand(STANDING, fault);
    else this.#clear(STANDING);
  }

  /** It is silent on a bus that others need: from now on it is asked seldom. */
  markSkipped(waitMs: number): void {
    this.#stand(SKIPPED, { code: 'CV_BUS_SKIPPED', params: { device: this.#id, waitMs: Math.round(waitMs), failures: this.failures } });
  }

  /** Polls that fell due and were not made because the device, or its link, is known to be silent. */
  countSkippedPolls(polls: number): void {
    const count = polls * this.setup.points.length;
    if (count > 0) this.#world.tell({ kind: 'samples_lost', count, reason: 'device_fault', intended: false, device: this.#id });
  }

  /** Looks for points that were not refreshed in three periods; each is said once, with its last value, as uncertain. */
  tick(): void {
    const nowMs = this.#world.clock.monotonicMs();
    const limitMs = Math.max(this.setup.everyMs * STALE_PERIODS + this.neighbourTimeoutMs, this.driver.quietMs?.(this.setup.settings) ?? 0);
    const stale: Sample[] = [];
    for (const point of this.#points.values()) {
      // That something does not happen is no news.
      if (point.isStale || point.isBad || point.setup.kind === 'occurrence' || nowMs - point.refreshedMs <= limitMs) continue;
      point.isStale = true;
      stale.push(this.#staleSample(point));
    }
    if (stale.length === 0) return;
    const fault: Fault = { code: 'CV_DEVICE_STALE', params: { device: this.#id, ageMs: Math.round(limitMs) } };
    this.#stand('stale', fault);
    this.#tellRead(stale);
    // A device that speaks by itself and has gone quiet altogether is not there any more, as far as anyone can tell.
    const isQuiet = [...this.#points.values()].every((point) => point.isStale || point.isBad);
    if (isQuiet && !this.driver.traits.includes('polled')) this.#online.lost(fault.code, this.#world);
  }

  state(): DeviceState {
    const { id, driver, subject, position, everyMs } = this.setup;
    const pictures = this.driver.traits.includes('frames') ? { pictures: true } : {};
    return {
      id,
      driver,
      subject,
      ...(position ? { position } : {}),
      online: this.#online.isOnline,
      reason: (this.#online.isOnline && this.#standing.get(STANDING)?.code) || this.#online.reason,
      lastAt: this.#lastAt,
      periodMs: everyMs,
      ...pictures,
    };
  }

  #sample(value: PointValue, unit: string, observedAt: number, ours = ownClock(this.#world.clock)): Sample {
    const { deviceAt, position, evidence, window } = value;
    const sample: Sample = {
      device: this.#id, point: value.point, value: value.value, unit: value.unit ?? unit,
      at: deviceAt ?? observedAt, clock: deviceAt === undefined ? ours : 'device', observedAt,
      quality: value.quality ?? 'good', flags: value.flags ?? NO_FLAGS, origin: value.origin ?? 'live',
    };
    if (position) sample.position = position;
    if (evidence) sample.evidence = evidence;
    if (window) sample.window = window;
    return sample;
  }

  /** What its own queue or history has lost is counted, and goes up as a gap record of its point. */
  #missed(missed: readonly MissedValues[], observedAt: number): void {
    for (const one of missed) {
      const unit = this.#points.get(one.point)?.setup.unit ?? '';
      this.#world.tell({ kind: 'samples_lost', count: one.count, reason: one.reason, intended: false, device: this.#id });
      this.#give([
        {
          device: this.#id,
          point: one.point,
          value: null,
          unit,
          at: observedAt,
          clock: ownClock(this.#world.clock),
          observedAt,
          quality: 'bad',
          flags: [],
          origin: 'live',
          missed: one,
        },
      ]);
    }
  }

  #staleSample({ setup, last }: PointState): Sample {
    const stale: PointValue = last
      ? {
          point: setup.id,
          value: last.value,
          ...(last.unit === undefined ? {} : { unit: last.unit }),
          quality: 'uncertain',
          flags: [...new Set([...(last.flags ?? []), 'stale' as const])],
        }
      : { point: setup.id, value: null, quality: 'bad', flags: ['stale'] };
    return this.#sample(stale, setup.unit, this.#world.clock.nowMs());
  }

  /** A sign of life: what was said last still holds. Each is said again about once a period, so that heartbeats go on. */
  #confirm(observedAt: number): void {
    const nowMs = this.#world.clock.monotonicMs();
    const confirmed: PointValue[] = [];
    for (const { setup, last, refreshedMs, isBad } of this.#points.values()) {
      // What happened once does not go on, nor does a statistic that is over.
      if (setup.kind === 'occurrence' || last?.window) continue;
      // A bad value is not made better or worse by a sign of life; and these are not exactly a period apart.
      if (!last || isBad || nowMs - refreshedMs < this.setup.everyMs * 0.75) continue;
      confirmed.push(last);
    }
    this.#hand(confirmed, observedAt);
  }

  /** Values become samples, and what is known of their points. This is what a device with many points spends its time in. */
  #hand(values: readonly PointValue[], observedAt: number, isLast = false): void {
    if (values.length === 0) return;
    const { clock } = this.#world;
    const nowMs = clock.monotonicMs();
    const ours = ownClock(clock);
    let before: PointState | null = null;
    let newest: Sample | null = null;
    const samples = values.map((value) => {
      const point = this.#pointAfter(before, value.point);
      const sample = this.#sample(value, point?.unit ?? '', observedAt, ours);
      if (isLast) sample.isLast = true;
      if (!point) return sample; // qualify counts it
      before = point;
      // History says nothing about now.
      if (sample.origin === 'live') point.accept(value, nowMs);
      if (sample.quality === 'good' && !(newest && sample.at <= newest.at)) newest = sample;
      return sample;
    });
    this.#heardOf(newest);
    if (this.#standing.has('stale') && ![...this.#points.values()].some((point) => point.isStale)) this.#clear('stale');
    this.#tellRead(samples);
  }

  /** Values come in the same order again and again, so hardly any point is looked for. */
  #pointAfter(before: PointState | null, id: string): PointState | null {
    const guess = before ? before.nextPoint : this.#first;
    if (guess?.id === id) return guess;
    const found = this.#points.get(id) ?? null;
    if (before) before.nextPoint = found;
    else this.#first = found;
    return found;
  }

  #tellRead(samples: readonly Sample[]): void {
    this.#world.tell({ kind: 'samples_read', count: samples.length, device: this.#id });
    this.#give(samples);
  }

  /** A picture came: its values follow by infer, but the device has been heard. */
  #seen(at: number): void {
    const refreshedMs = this.#world.clock.monotonicMs();
    for (const point of this.#points.values()) point.pictureReceived(refreshedMs);
    this.#clear('stale');
    this.#heard(at, true);
    this.#online.heard(this.#world);
  }

  get #lastAt(): number | null {
    return this.#heardAt === 0 ? null : Math.round(this.#heardAt + (this.#isHeardOurs ? this.#jumpedMs() - this.#heardJumpedMs : 0));
  }

  #heardOf(newest: Sample | null): void {
    if (newest && newest.at > (this.#lastAt ?? 0)) this.#heard(newest.at, newest.clock !== 'device');
  }

  #heard(at: number, isOurs: boolean): void {
    this.#heardAt = at;
    this.#heardJumpedMs = this.#jumpedMs();
    this.#isHeardOurs = isOurs;
  }

  #jumpedMs(): number {
    return this.#world.clock.trust?.jumpedMs() ?? 0;
  }

  #stand(part: string, fault: Fault): void {
    const isNew = !this.#codes().has(fault.code);
    const before = this.#standing.get(part);
    if (this.#standing === NOTHING_STANDS) this.#standing = new Map();
    this.#standing.set(part, fault);
    if (isNew) this.#world.tell({ kind: 'fault', fault, device: this.#id });
    if (before && !this.#codes().has(before.code)) this.#world.tell({ kind: 'fault_cleared', code: before.code, device: this.#id });
  }

  #clear(part: string): void {
    if (this.#standing.size === 0) return;
    const before = this.#standing.get(part);
    if (!before) return;
    this.#standing.delete(part);
    if (!this.#codes().has(before.code)) this.#world.tell({ kind: 'fault_cleared', code: before.code, device: this.#id });
  }

  #codes(): Set<string> {
    return new Set([...this.#standing.values()].map((fault) => fault.code));
  }
}
