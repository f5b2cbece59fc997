/**
 * reduce: report by exception, or by window. A value within its deadband of the last one *sent* is left out until the
 * heartbeat; with a window, values are put together. A change of quality, flags, kind or place is never hidden, nor the
 * crossing of a limit of the point or of a rule, touching it included. Pure but for telling.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Draft } from '../../core/event.ts';
import type { EmitItems, Station } from '../../core/line.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import type { RuleLimits } from '../judge/rule-limits.ts';
import type { UnitConversion, QualifyFacts } from '../qualify/qualify.ts';
import { withoutArithmeticNoise } from '../qualify/number.ts';
import { PointMap } from '../qualify/point-map.ts';
import { crossesLimit, isOtherState } from './change.ts';
import { PointWindow } from './point-window.ts';

type ReportReason = 'always' | 'first' | 'state' | 'crossed' | 'changed' | 'heartbeat';
type ReportRules = Pick<PointSetup, 'deadband' | 'heartbeatMs' | 'limits' | 'window'>;

export interface ReduceSetup {
  devices: readonly DeviceSetup[];
}

export interface ReduceFacts extends Pick<QualifyFacts, 'conversionOf'> {
  ruleLimits?: RuleLimits;
}

export interface ReduceStation extends Station<Draft, Draft> {
  /** Goes on by another setup; points that report as before keep what they remember. */
  update(setup: ReduceSetup, facts: ReduceFacts): void;
}

interface ReducedPoint {
  device: string;
  /** What its values are, beside how they are reported. */
  means: { indicator: string; unit: string };
  reporting: ReportRules;
  lastSent: Draft | undefined;
  window: PointWindow | null;
}

/** Of all points of which every value goes up. */
const UNREDUCED: ReducedPoint = {
  device: '',
  means: { indicator: '', unit: '' },
  reporting: { limits: [] },
  lastSent: undefined,
  window: null,
};

export function reduce(setup: ReduceSetup, facts: ReduceFacts, world: Pick<World, 'tell'>): ReduceStation {
  let known = new PointMap<ReducedPoint>();
  const open = new Set<ReducedPoint>();
  let out: EmitItems<Draft> = () => {};
  update(setup, facts);

  function update({ devices }: ReduceSetup, now: ReduceFacts): void {
    const next = new PointMap<ReducedPoint>();
    for (const device of devices) {
      for (const point of device.points) {
        const fresh = knownOf(device, point, now);
        const before = known.get(device.id, point.id);
        next.set(device.id, point.id, before && isAlike(before, fresh) ? before : fresh);
      }
    }
    const gone = [...known.all()].filter(({ device, point, value }) => next.get(device, point) !== value).map(({ value }) => value);
    known = next;
    out(flushed(gone));
  }

  function flushed(all: Iterable<ReducedPoint>): Draft[] {
    return [...all].flatMap((one) => told(one, one.window?.flush() ?? []));
  }

  /** A part stands for all its values but itself. */
  function told(one: ReducedPoint, drafts: Draft[]): Draft[] {
    const count = drafts.reduce((sum, { window }) => sum + (window ? window.count - 1 : 0), 0);
    if (count > 0) world.tell({ kind: 'samples_lost', count, reason: 'merged', intended: true, device: one.device });
    if (one.window?.isOpen) open.add(one);
    else open.delete(one);
    return drafts;
  }

  return {
    name: 'reduce',
    open(give) {
      out = give;
    },
    take(drafts, give) {
      const sent: Draft[] = [];
      const leftOut = new Map<string, number>();
      for (const draft of drafts) {
        const of = known.get(draft.device, draft.point);
        if (!of || of === UNREDUCED) {
          sent.push(draft);
          continue;
        }
        if (of.window && !isAlways(draft)) {
          sent.push(...told(of, of.window.take(draft)));
          continue;
        }
        const reason = reportReason(of.reporting, of.lastSent, draft);
        if (reason === null) leftOut.set(draft.device, (leftOut.get(draft.device) ?? 0) + 1);
        else sent.push(draft);
        // History and what a rule said stand for themselves; the next live value is measured against the last live one.
        if (reason !== null && reason !== 'always') of.lastSent = draft;
      }
      for (const [device, count] of leftOut) world.tell({ kind: 'samples_lost', count, reason: 'unchanged', intended: true, device });
      give(sent);
    },
    tick(nowMs, give) {
      give([...open].flatMap((one) => told(one, one.window?.due(nowMs) ?? [])));
    },
    close() {
      out(flushed(open));
    },
    update,
  };
}

function knownOf(device: DeviceSetup, point: PointSetup, facts: ReduceFacts): ReducedPoint {
  if (!point.window && point.deadband === undefined) return UNREDUCED;
  const conversion = facts.conversionOf?.(point) ?? null;
  const ours = inSentUnit(point, conversion);
  const reporting = { ...ours, limits: [...ours.limits, ...(facts.ruleLimits?.(device, point) ?? [])] };
  const means = { indicator: point.indicator, unit: conversion?.unit ?? point.unit };
  return {
    device: device.id,
    means,
    reporting,
    lastSent: undefined,
    window: reporting.window ? new PointWindow(reporting.window, reporting.limits) : null,
  };
}

/** As long as they are, what was remembered holds. */
function isAlike(a: ReducedPoint, b: ReducedPoint): boolean {
  return isDeepStrictEqual([a.means, a.reporting], [b.means, b.reporting]);
}

/** Deadband and limits are written in the point's unit; what is compared is in the unit that goes up. */
function inSentUnit({ deadband, heartbeatMs, limits, window }: PointSetup, conversion: UnitConversion | null): ReportRules {
  const convert = (value: number) => (conversion ? withoutArithmeticNoise(conversion.convert(value)) : value);
  return {
    limits: limits.map(convert),
    ...(window ? { window } : {}),
    ...(deadband === undefined ? {} : { deadband: typeof deadband === 'number' ? Math.abs(convert(deadband) - convert(0)) : deadband }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  };
}

/** What is neither compared nor put together. */
const isAlways = (draft: Draft): boolean =>
  draft.origin === 'backfill' || (draft.kind !== 'measurement' && draft.kind !== 'state') || draft.warning !== undefined;

/** Why a draft must go up, or null when it may be left out. Pure. */
function reportReason(rules: ReportRules | undefined, last: Draft | undefined, draft: Draft): ReportReason | null {
  if (!rules || rules.deadband === undefined || isAlways(draft)) return 'always';
  if (!last) return 'first';
  if (isOtherState(last, draft)) return 'state';
  if (crossesLimit(rules.limits, last, draft)) return 'crossed';
  if (!within(rules.deadband, last, draft)) return 'changed';
  // A clock that was set back must not silence a point.
  const silentMs = draft.occurredAt - last.occurredAt;
  return rules.heartbeatMs !== undefined && (silentMs >= rules.heartbeatMs || silentMs < 0) ? 'heartbeat' : null;
}

function within(deadband: NonNullable<PointSetup['deadband']>, last: Draft, draft: Draft): boolean {
  if (typeof last.value !== 'number' || typeof draft.value !== 'number') return last.value === draft.value;
  const allowed = typeof deadband === 'number' ? deadband : (Math.abs(last.value) * deadband.percent) / 100;
  return Math.abs(draft.value - last.value) <= allowed;
}
