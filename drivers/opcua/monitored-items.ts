/** Creates the monitored items of a subscription: one per point, in as few calls as the server allows. */
import {
  AttributeIds,
  DataChangeFilter,
  DataChangeTrigger,
  DeadbandType,
  makeBrowsePath,
  MonitoringMode,
  TimestampsToReturn,
  type MonitoredItemCreateResult,
  type StatusCode,
} from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import './faults.ts';
import { inBatches, type OperationLimits } from './operation-limits.ts';
import type { RawSession } from './raw-session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

/** A point, its node id in this session, and its index among all points: its client handle. */
export interface MonitoredPoint {
  point: PointOf<OpcuaPoint>;
  nodeId: string;
  index: number;
}

interface ItemRequest extends MonitoredPoint {
  filter: DataChangeFilter | null;
}

/** How much slower than requested a server may sample without a fault. */
const SLOW_FACTOR = 1.5;

/** @returns by the index of the point: the revised sampling interval in ms, or why the server refused the item */
export async function createMonitoredItems(
  session: RawSession,
  subscriptionId: number,
  targets: readonly MonitoredPoint[],
  settings: OpcuaSettings,
  limits: OperationLimits,
  tell: World['tell'],
): Promise<Map<number, number | StatusCode>> {
  const create = async (part: readonly ItemRequest[]): Promise<MonitoredItemCreateResult[]> => {
    const answer = await session.createMonitoredItems({
      subscriptionId,
      timestampsToReturn: TimestampsToReturn.Both,
      itemsToCreate: part.map((one) => itemOf(one, settings)),
    });
    return answer.results ?? [];
  };
  const results = new Map<number, number | StatusCode>();
  const put = (wanted: readonly ItemRequest[], answers: readonly MonitoredItemCreateResult[]) => {
    wanted.forEach(({ index, point }, at) => {
      const answer = answers[at];
      if (!answer) return;
      if (!answer.statusCode.isGood()) return void results.set(index, answer.statusCode);
      const askedMs = point.sampleEvery ?? settings.sampleEvery;
      const revisedMs = answer.revisedSamplingInterval;
      if (askedMs > 0 && revisedMs > askedMs * SLOW_FACTOR)
        tell({ kind: 'fault', fault: { code: 'CV_OPCUA_SLOW_SAMPLING', params: { node: point.node, askedMs, revisedMs } } });
      results.set(index, revisedMs);
    });
  };
  const wanted = targets.map((target): ItemRequest => ({ ...target, filter: filterOf(target.point.serverDeadband) }));
  put(wanted, await inBatches(wanted, limits.items, create));
  // Without a supported deadband the value is still subscribed.
  const refused = wanted.filter(({ filter, index }) => filter !== null && typeof results.get(index) === 'object');
  const second = await Promise.all(
    refused.map(async (one): Promise<ItemRequest> => {
      const absolute = await inUnits(session, one).catch(() => null);
      if (absolute === null)
        tell({
          kind: 'fault',
          fault: { code: 'CV_OPCUA_DEADBAND', params: { node: one.point.node, status: (results.get(one.index) as StatusCode).name } },
        });
      return { ...one, filter: absolute === null ? null : filterOf(absolute) };
    }),
  );
  put(second, await inBatches(second, limits.items, create));
  return results;
}

function itemOf({ nodeId, index, point, filter }: ItemRequest, settings: OpcuaSettings) {
  return {
    itemToMonitor: { nodeId, attributeId: AttributeIds.Value },
    monitoringMode: MonitoringMode.Reporting,
    requestedParameters: {
      clientHandle: index,
      samplingInterval: point.sampleEvery ?? settings.sampleEvery,
      queueSize: point.queueSize ?? settings.queueSize,
      discardOldest: true,
      ...(filter ? { filter } : {}),
    },
  };
}

/** Trigger StatusValue: a deadband suppresses values, never a change of status. */
function filterOf(deadband: OpcuaPoint['serverDeadband']): DataChangeFilter | null {
  if (deadband === undefined) return null;
  const isPercent = typeof deadband === 'object';
  return new DataChangeFilter({
    trigger: DataChangeTrigger.StatusValue,
    deadbandType: isPercent ? DeadbandType.Percent : DeadbandType.Absolute,
    deadbandValue: isPercent ? deadband.percent : deadband,
  });
}

/** A percent deadband in units of the node, by its EURange; null when it has none. */
async function inUnits(session: RawSession, { point, nodeId }: MonitoredPoint): Promise<number | null> {
  if (typeof point.serverDeadband !== 'object') return null;
  const path = await session.translateBrowsePath(makeBrowsePath(nodeId, '.EURange'));
  const rangeId = path.targets?.[0]?.targetId;
  if (!path.statusCode.isGood() || !rangeId) return null;
  const { low, high } = ((await session.read({ nodeId: rangeId, attributeId: AttributeIds.Value })).value?.value ?? {}) as {
    low?: number;
    high?: number;
  };
  if (typeof low !== 'number' || typeof high !== 'number' || !(high > low)) return null;
  return ((high - low) * point.serverDeadband.percent) / 100;
}
