/** Creates a subscription, or transfers the one of an earlier link. */
import { TransferSubscriptionsRequest } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import type { FrameQueue } from './frame-queue.ts';
import { createMonitoredItems, type MonitoredPoint } from './monitored-items.ts';
import type { OperationLimits } from './operation-limits.ts';
import type { ResumableSubscription } from './resume-state.ts';
import { transferSubscriptions, type RawSession } from './raw-session.ts';
import { sessionTimeoutMs } from './client.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { missingValueFrame } from './value.ts';

/** Keep-alive interval of an idle subscription. */
const ALIVE_MS = 1000;
/** Tolerance above the server's keep-alive interval. */
const ALIVE_FACTOR = 1.5;
const ALIVE_SLACK_MS = 2000;

export interface SubscriptionContext {
  session: RawSession;
  settings: OpcuaSettings;
  points: readonly PointOf<OpcuaPoint>[];
  targets: readonly MonitoredPoint[];
  limits: OperationLimits;
  serverStartAt: number;
}

/** @throws the library's error when the server refuses a subscription */
export async function createSubscription({ session, settings, serverStartAt }: SubscriptionContext): Promise<ResumableSubscription> {
  const every = Math.max(1, settings.publishEvery);
  const countFor = (ms: number) => Math.max(1, Math.ceil(ms / every));
  const requestedMaxKeepAliveCount = countFor(ALIVE_MS);
  const answer = await session.createSubscription({
    requestedPublishingInterval: settings.publishEvery,
    requestedMaxKeepAliveCount,
    requestedLifetimeCount: Math.max(3 * requestedMaxKeepAliveCount, countFor(sessionTimeoutMs(settings))),
    maxNotificationsPerPublish: 1000,
    publishingEnabled: true,
    priority: 0,
  });
  const aliveMs = answer.revisedPublishingInterval * answer.revisedMaxKeepAliveCount * ALIVE_FACTOR + ALIVE_SLACK_MS;
  return { id: answer.subscriptionId, sequence: 0, serverStartAt, aliveMs: Math.min(aliveMs, 3_600_000), samplingMs: [] };
}

/** Adds the points to a new subscription; refused ones become bad. */
export async function addMonitoredItems(
  { session, settings, points, targets, limits }: SubscriptionContext,
  subscription: ResumableSubscription,
  queue: FrameQueue,
  tell: World['tell'],
): Promise<void> {
  const results = await createMonitoredItems(session, subscription.id, targets, settings, limits, tell);
  for (const { index } of targets) {
    const result = results.get(index);
    const point = points[index];
    if (typeof result === 'number') subscription.samplingMs[index] = result;
    else if (point) queue.push(missingValueFrame(point, result?.value));
  }
}

/** Transfers the subscription of a lost session to this one. */
export async function transferSubscription(session: RawSession, { id }: ResumableSubscription): Promise<boolean> {
  // No initial values: the queued ones are needed, and unchanged ones are known.
  const { results } = await transferSubscriptions(
    session,
    new TransferSubscriptionsRequest({ subscriptionIds: [id], sendInitialValues: false }),
  );
  return results?.[0]?.statusCode.isGood() ?? false;
}
