/** The monitored items of a subscription: one for each point, in as few calls as the server takes. */
import { AttributeIds, DataChangeFilter, DataChangeTrigger, DeadbandType, makeBrowsePath, MonitoringMode, TimestampsToReturn, type MonitoredItemCreateResult, type StatusCode } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import './faults.ts';
import { inParts, type Limits } from './limits.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

/** A point, what this session calls its node, and its place among all points: its client handle. */
export interface Target {
  point: PointOf<OpcuaPoint>;
  nodeId: string;
  index: number;
}

interface Wanted extends Target {
  filter: DataChangeFilter | null;
}

/** How much slower than asked a server may sample before somebody should know. */
const SLOWER = 1.5;

/** @returns by the index of the point: the revised sampling interval in ms, or why the server refused the item */
export async function createItems(session: RawSession, subscriptionId: number, targets: readonly Target[], settings: OpcuaSettings, limits: Limits, tell: World['tell']): Promise<Map<number, number | StatusCode>> {
  const create = async (part: readonly Wanted[]): Promise<MonitoredItemCreateResult[]> => {
    const answer = await session.createMonitoredItems({ subscriptionId, timestampsToReturn: TimestampsToReturn.Both, itemsToCreate: part.map((one) => itemOf(one, settings)) });
    return answer.results ?? [];
  };
  const results = new Map<number, number | StatusCode>();
  const put = (wanted: readonly Wanted[], answers: readonly MonitoredItemCreateResult[]) => {
    wanted.forEach(({ index, point }, at) => {
      const answer = answers[at];
      if (!answer) return;
      if (!answer.statusCode.isGood()) return void results.set(index, answer.statusCode);
      const askedMs = point.sampleEvery ?? settings.sampleEvery;
      const revisedMs = answer.revisedSamplingInterval;
      if (askedMs > 0 && revisedMs > askedMs * SLOWER) tell({ kind: 'fault', fault: { code: 'CV_OPCUA_SLOW_SAMPLING', params: { node: point.node, askedMs, revisedMs } } });
      results.set(index, revisedMs);
    });
  };
  const wanted = targets.map((target): Wanted => ({ ...target, filter: filterOf(target.point.serverDeadband) }));
  put(wanted, await inParts(wanted, limits.items, create));
  // A deadband that the server does not take is no reason to go without the value.
  const refused = wanted.filter(({ filter, index }) => filter !== null && typeof results.get(index) === 'object');
  const second = await Promise.all(refused.map(async (one): Promise<Wanted> => {
    const absolute = await inUnits(session, one).catch(() => null);
    if (absolute === null) tell({ kind: 'fault', fault: { code: 'CV_OPCUA_DEADBAND', params: { node: one.point.node, status: (results.get(one.index) as StatusCode).name } } });
    return { ...one, filter: absolute === null ? null : filterOf(absolute) };
  }));
  put(second, await inParts(second, limits.items, create));
  return results;
}

function itemOf({ nodeId, index, point, filter }: Wanted, settings: OpcuaSettings) {
  return {
    itemToMonitor: { nodeId, attributeId: AttributeIds.Value }, monitoringMode: MonitoringMode.Reporting,
    requestedParameters: { clientHandle: index, samplingInterval: point.sampleEvery ?? settings.sampleEvery, queueSize: point.queueSize ?? settings.queueSize, discardOldest: true, ...(filter ? { filter } : {}) },
  };
}

/** Trigger StatusValue: a deadband holds values back, never a change of status. */
function filterOf(deadband: OpcuaPoint['serverDeadband']): DataChangeFilter | null {
  if (deadband === undefined) return null;
  const isPercent = typeof deadband === 'object';
  return new DataChangeFilter({ trigger: DataChangeTrigger.StatusValue, deadbandType: isPercent ? DeadbandType.Percent : DeadbandType.Absolute, deadbandValue: isPercent ? deadband.percent : deadband });
}

/** A percent deadband in the node's own units, by its EURange; null when it has none. */
async function inUnits(session: RawSession, { point, nodeId }: Target): Promise<number | null> {
  if (typeof point.serverDeadband !== 'object') return null;
  const path = await session.translateBrowsePath(makeBrowsePath(nodeId, '.EURange'));
  const rangeId = path.targets?.[0]?.targetId;
  if (!path.statusCode.isGood() || !rangeId) return null;
  const { low, high } = ((await session.read({ nodeId: rangeId, attributeId: AttributeIds.Value })).value?.value ?? {}) as { low?: number; high?: number };
  if (typeof low !== 'number' || typeof high !== 'number' || !(high > low)) return null;
  return ((high - low) * point.serverDeadband.percent) / 100;
}
