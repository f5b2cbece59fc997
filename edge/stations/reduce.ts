/**
 * reduce: report by exception. A value within its deadband of the last one *sent* is left out until the heartbeat; a
 * change of quality, flags, kind or place never is, nor the crossing of a limit, touching it included. Pure but for telling.
 */
import type { Draft } from '../../core/event.ts';
import type { Station } from '../../core/line.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import type { Conversion, QualifyFacts } from './qualify.ts';
import { rounded } from './qualify/number.ts';

export type Exception = 'always' | 'first' | 'state' | 'crossed' | 'changed' | 'heartbeat';
type Reporting = Pick<PointSetup, 'deadband' | 'heartbeatMs' | 'limits'>;

export function reduce(setup: { devices: readonly DeviceSetup[] }, facts: Pick<QualifyFacts, 'conversionOf'>, world: Pick<World, 'tell'>): Station<Draft, Draft> {
  const rules = new Map<string, Reporting>();
  for (const device of setup.devices) for (const point of device.points) rules.set(`${device.id}|${point.id}`, inSentUnit(point, facts.conversionOf?.(point) ?? null));
  const lastSent = new Map<string, Draft>();
  return {
    name: 'reduce',
    take(drafts, give) {
      const sent: Draft[] = [];
      const leftOut = new Map<string, number>();
      for (const draft of drafts) {
        const key = `${draft.device}|${draft.point}`;
        const reason = whySend(rules.get(key), lastSent.get(key), draft);
        if (reason === null) leftOut.set(draft.device, (leftOut.get(draft.device) ?? 0) + 1);
        else sent.push(draft);
        // History and what a rule said stand for themselves; the next live value is measured against the last live one.
        if (reason !== null && reason !== 'always') lastSent.set(key, draft);
      }
      for (const [device, count] of leftOut) world.tell({ kind: 'samples_lost', count, reason: 'unchanged', intended: true, device });
      give(sent);
    },
  };
}

/** Deadband and limits are written in the point's unit; what is compared is in the unit that goes up. */
function inSentUnit(point: PointSetup, conversion: Conversion | null): Reporting {
  if (!conversion) return point;
  const { deadband, heartbeatMs } = point;
  const convert = (value: number) => rounded(conversion.convert(value));
  return {
    limits: point.limits.map(convert),
    ...(deadband === undefined ? {} : { deadband: typeof deadband === 'number' ? Math.abs(convert(deadband) - convert(0)) : deadband }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  };
}

/** Why a draft must go up, or null when it may be left out. Pure. */
export function whySend(rules: Reporting | undefined, last: Draft | undefined, draft: Draft): Exception | null {
  if (!rules || rules.deadband === undefined || draft.origin === 'backfill' || (draft.kind !== 'measurement' && draft.kind !== 'state') || draft.warning) return 'always';
  if (!last) return 'first';
  if (otherState(last, draft)) return 'state';
  if (crosses(rules.limits, last, draft)) return 'crossed';
  if (!within(rules.deadband, last, draft)) return 'changed';
  // A clock that was set back must not silence a point.
  const silentMs = draft.occurredAt - last.occurredAt;
  return rules.heartbeatMs !== undefined && (silentMs >= rules.heartbeatMs || silentMs < 0) ? 'heartbeat' : null;
}

function otherState(a: Draft, b: Draft): boolean {
  return a.quality !== b.quality || a.kind !== b.kind || a.unit !== b.unit || a.indicator !== b.indicator || a.origin !== b.origin || a.clock !== b.clock
    || (a.flags ?? []).toSorted().join() !== (b.flags ?? []).toSorted().join()
    || a.position?.lon !== b.position?.lon || a.position?.lat !== b.position?.lat || a.position?.heightM !== b.position?.heightM;
}

/** Below, on and above a limit are three sides. */
const sideOf = (value: number, limit: number) => Math.sign(value - limit);

function crosses(limits: readonly number[], last: Draft, draft: Draft): boolean {
  const { value: from } = last;
  const { value: to } = draft;
  if (typeof from !== 'number' || typeof to !== 'number') return false;
  return limits.some((limit) => sideOf(from, limit) !== sideOf(to, limit));
}

function within(deadband: NonNullable<PointSetup['deadband']>, last: Draft, draft: Draft): boolean {
  if (typeof last.value !== 'number' || typeof draft.value !== 'number') return last.value === draft.value;
  const allowed = typeof deadband === 'number' ? deadband : (Math.abs(last.value) * deadband.percent) / 100;
  return Math.abs(draft.value - last.value) <= allowed;
}
