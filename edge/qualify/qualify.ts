/**
 * qualify: a sample becomes an event's draft. Scale and offset once, fault codes, range, rate of change, standing
 * still, whose clock, the catalogue's unit. Pure but for telling: all it needs to know of time is in the sample.
 *
 * A value is never made better than its driver said, and never changed but by the point's own scale, offset and unit.
 */
import { isDeepStrictEqual } from 'node:util';
import { MAX_TEXT_LENGTH, type Draft, type Flag, type Kind, type Position, type Quality, type Value } from '../../core/event.ts';
import type { MissedValues } from '../../core/driver.ts';
import type { Station } from '../../core/line.ts';
import type { Sample } from '../../core/sample.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import { eventTime, type EventTime } from './event-time.ts';
import { PointMap } from './point-map.ts';
import { isSafeNumber, withoutArithmeticNoise, applyScale, withoutFloat32Noise } from './number.ts';
import { resetStuck, plausibilityFlags, type ValueTime, type PlausibilityState } from './plausibility.ts';


/** How a point's numbers become those of the catalogue's unit. */
export interface UnitConversion {
  unit: string;
  convert(value: number): number;
}

export interface QualifySetup {
  centre: string;
  devices: readonly DeviceSetup[];
}

export interface QualifyFacts {
  /** Whether the edge asks the device for each value. */
  polled(device: DeviceSetup): boolean;
  /** Absent or null: the point's unit goes up, and the gateway converts. */
  conversionOf?(point: PointSetup): UnitConversion | null;
  /** The unit of the point's indicator, where that of the point cannot be converted into it. */
  unconvertibleUnit?(point: PointSetup): string | null;
}

/** The clock only for what is known of itself: times are in the samples. */
export type QualifyWorld = Pick<World, 'tell'> & Partial<Pick<World, 'clock'>>;

/** What is known of a point beforehand, and what it remembers from value to value. */
interface PointRules {
  device: DeviceSetup;
  point: PointSetup;
  /** What every draft of it says, side by side: of ten thousand points hardly anything is in the caches. */
  indicator: string;
  subject: string;
  centre: string;
  kind: Kind;
  unit: string;
  position: Position | undefined;
  polled: boolean;
  conversion: UnitConversion | null;
  /** No way leads from its unit to that of its indicator: flagged, as the gateway would. */
  isMisfit: boolean;
  /** Its numbers go up as they come, whatever they are: nothing is reckoned or held against what came before. */
  isPlain: boolean;
  memory: PlausibilityState;
}

export interface QualifyStation extends Station<Sample, Draft> {
  /** Goes on by another setup; points that are the same keep what they remember. */
  update(setup: QualifySetup, facts: QualifyFacts): void;
}

export function qualify(setup: QualifySetup, facts: QualifyFacts, world: QualifyWorld): QualifyStation {
  let known = knownPoints(setup, facts);
  return {
    name: 'qualify',
    take(samples, give) {
      const drafts: Draft[] = [];
      for (const sample of samples) {
        const of = known.get(sample.device, sample.point);
        if (of) drafts.push(sample.missed ? gapOf(of, sample, sample.missed) : draftOf(of, sample, world));
        else world.tell({ kind: 'samples_lost', count: 1, reason: 'point_unknown', intended: false, device: sample.device });
      }
      give(drafts);
    },
    update(next, now) {
      const before = known;
      known = knownPoints(next, now);
      for (const { device, point, value: one } of known.all()) {
        const was = before.get(device, point);
        if (was && was.conversion?.unit === one.conversion?.unit && isDeepStrictEqual(was.point, one.point)) one.memory = was.memory;
      }
    },
  };
}

function knownPoints({ centre, devices }: QualifySetup, facts: QualifyFacts): PointMap<PointRules> {
  const known = new PointMap<PointRules>();
  /** One text for all points of an indicator: a column of them is then compared without a look at any. */
  const indicators = new Map<string, string>();
  for (const device of devices) {
    const polled = facts.polled(device);
    for (const point of device.points) {
      const conversion = facts.conversionOf?.(point) ?? null;
      const isMisfit = (facts.unconvertibleUnit?.(point) ?? null) !== null;
      const isPlain =
        !conversion &&
        !isMisfit &&
        point.scale === 1 &&
        point.offset === 0 &&
        point.faultCodes.length === 0 &&
        !point.range &&
        !point.maxRate &&
        point.stuckForMs === undefined;
      if (!indicators.has(point.indicator)) indicators.set(point.indicator, point.indicator);
      known.set(device.id, point.id, {
        device,
        point,
        indicator: indicators.get(point.indicator) ?? point.indicator,
        subject: device.subject,
        centre,
        kind: point.kind,
        unit: point.unit,
        position: device.position,
        polled,
        conversion,
        isMisfit,
        isPlain,
        memory: {},
      });
    }
  }
  return known;
}

function draftOf(known: PointRules, sample: Sample, world: QualifyWorld): Draft {
  const time = eventTime({
    at: sample.at,
    clock: sample.clock,
    observedAt: sample.observedAt,
    origin: sample.origin,
    polled: known.polled,
    isEdgeClockSet: world.clock?.trust?.isTrusted() ?? true,
  });
  const judged = judgeValue(known, sample, time, world);
  if (judged.unsafe)
    world.tell({
      kind: 'fault',
      fault: { code: 'CV_VALUE_UNSAFE', params: { point: `${sample.device}/${sample.point}`, ...unsafeHint(sample.value) } },
      device: sample.device,
    });
  const position = sample.position ?? known.position;
  const draft: Draft = {
    device: sample.device,
    point: sample.point,
    indicator: known.indicator,
    subject: known.subject,
    centre: known.centre,
    kind: known.kind,
    value: judged.value,
    unit: typeof judged.value === 'number' ? (known.conversion?.unit ?? (known.unit || sample.unit)) : known.unit,
    occurredAt: time.occurredAt,
    clock: time.clock,
    observedAt: Math.round(sample.observedAt),
    quality: judged.quality,
    origin: sample.origin,
  };
  // Most have none of these: spread in, they would be looked at by the slow way for every value.
  if (time.deviceAt !== undefined) draft.deviceAt = time.deviceAt;
  if (sample.flags.length > 0 || judged.flags.length > 0 || time.flag)
    draft.flags = [...new Set([...sample.flags, ...judged.flags, ...(time.flag ? [time.flag] : [])])];
  if (position) draft.position = position;
  if (sample.evidence) draft.evidence = sample.evidence;
  if (sample.window) draft.window = sample.window;
  return draft;
}

/** On which clock a value is held against those before it: one that was set meanwhile has made nothing stand still, or jump. */
function elapsedOf({ occurredAt, clock, deviceAt, flag }: EventTime, world: QualifyWorld): ValueTime {
  if (clock === 'device') return { atMs: occurredAt, by: 'device' };
  if (clock === 'unsynced' && deviceAt !== undefined && !flag) return { atMs: deviceAt, by: 'device' };
  return { atMs: clock === 'edge' ? occurredAt - (world.clock?.trust?.jumpedMs() ?? 0) : occurredAt, by: 'edge' };
}

/** Values of this point are not coming: its own gap record, which has no numbers, since they never had any. */
function gapOf({ device, point, centre }: PointRules, { observedAt, clock }: Sample, { fromAt, toAt, count, reason }: MissedValues): Draft {
  const at = Math.round(observedAt);
  return {
    device: device.id, point: point.id, indicator: point.indicator, subject: device.subject, centre, kind: 'gap', value: count, unit: '1',
    occurredAt: at, clock, observedAt: at, quality: 'good', origin: 'live',
    gap: { stream: point.kind === 'measurement' ? 'measurement' : 'state', epoch: 0, fromSeq: 0, toSeq: 0, fromAt, toAt, count, reason },
  };
}

interface QualifiedValue {
  value: Value;
  quality: Quality;
  flags: Flag[];
  unsafe?: true;
}

function judgeValue(known: PointRules, sample: Sample, time: EventTime, world: QualifyWorld): QualifiedValue {
  const { point, memory } = known;
  const raw = sample.value;
  if (raw === null) return bad(memory, []);
  const clean = typeof raw === 'number' ? withoutFloat32Noise(raw) : raw;
  if (known.isPlain && typeof clean === 'number' && isSafeNumber(clean) && isSafeNumber(raw as number))
    return { value: clean, quality: sample.quality, flags: NO_FLAGS };
  if (point.faultCodes.includes(raw) || point.faultCodes.includes(clean)) return bad(memory, ['fault-code']);
  if (typeof clean === 'string' && clean.length > MAX_TEXT_LENGTH)
    return { value: clean.slice(0, MAX_TEXT_LENGTH), quality: worse(sample.quality, 'uncertain'), flags: ['clamped'] };
  const value = typeof clean === 'number' ? applyScale(clean, point.scale, point.offset) : clean;
  const sent = typeof value === 'number' && known.conversion ? withoutArithmeticNoise(known.conversion.convert(value)) : value;
  if (typeof value === 'number' && typeof sent === 'number' && !(isSafeNumber(value) && isSafeNumber(sent) && isSafeNumber(raw as number)))
    return { ...bad(memory, ['sensor']), unsafe: true };
  if (sample.quality === 'bad') {
    resetStuck(memory);
    return { value: sent, quality: 'bad', flags: known.isMisfit && typeof sent === 'number' ? ['unit'] : [] };
  }
  const isWatched = sample.origin !== 'backfill' && (point.maxRate !== undefined || point.stuckForMs !== undefined);
  const flags: Flag[] = isWatched ? plausibilityFlags(memory, value, elapsedOf(time, world), point) : [];
  if (typeof value === 'number' && point.range && (value < point.range[0] || value > point.range[1])) flags.push('out-of-range');
  if (known.isMisfit && typeof value === 'number') flags.push('unit');
  return { value: sent, quality: flags.length > 0 ? 'uncertain' : sample.quality, flags };
}

function bad(memory: PlausibilityState, flags: Flag[]): QualifiedValue {
  resetStuck(memory);
  return { value: null, quality: 'bad', flags };
}

/** Drivers that put numbers together from words speak of their order themselves; whatever comes here was read right. */
function unsafeHint(raw: Value): { hint: string; hintZh: string } {
  return Number.isFinite(raw)
    ? {
        hint: 'check `scale` of the point, and what the source means by so large a number',
        hintZh: '检查测点的 `scale`，以及数据源给出如此大数值的含义',
      }
    : {
        hint: 'many sources say NaN or infinity when they have no value: look at the sensor or the program behind this point',
        hintZh: '不少数据源用 NaN 或无穷大表示无值：检查该测点背后的传感器或程序',
      };
}

const NO_FLAGS: Flag[] = [];
const RANK: Record<Quality, number> = { good: 0, uncertain: 1, bad: 2 };
const worse = (a: Quality, b: Quality): Quality => (RANK[a] >= RANK[b] ? a : b);
