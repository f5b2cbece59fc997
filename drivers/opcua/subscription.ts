/** Begins a subscription at a server, or goes on with the one that an earlier link left there. */
import { TransferSubscriptionsRequest } from 'node-opcua-client';
import type { PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import type { Feed } from './feed.ts';
import { createItems, type Target } from './items.ts';
import type { Limits } from './limits.ts';
import type { LeftSubscription } from './memory.ts';
import { transferSubscriptions, type RawSession } from './raw-session.ts';
import { sessionMs } from './client.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { missing } from './value.ts';

/** A subscription without news gives a sign of life about this often. */
const ALIVE_MS = 1000;
/** Above the server's own rhythm: a late answer is no death. */
const PATIENCE = 1.5;
const PATIENCE_MS = 2000;

export interface Subscribing {
  session: RawSession;
  settings: OpcuaSettings;
  points: readonly PointOf<OpcuaPoint>[];
  targets: readonly Target[];
  limits: Limits;
  serverStartAt: number;
}

/** @throws the library's error where the server gives no subscription */
export async function begin({ session, settings, serverStartAt }: Subscribing): Promise<LeftSubscription> {
  const every = Math.max(1, settings.publishEvery);
  const countFor = (ms: number) => Math.max(1, Math.ceil(ms / every));
  const requestedMaxKeepAliveCount = countFor(ALIVE_MS);
  const answer = await session.createSubscription({
    requestedPublishingInterval: settings.publishEvery, requestedMaxKeepAliveCount, requestedLifetimeCount: Math.max(3 * requestedMaxKeepAliveCount, countFor(sessionMs(settings))),
    maxNotificationsPerPublish: 1000, publishingEnabled: true, priority: 0,
  });
  const aliveMs = answer.revisedPublishingInterval * answer.revisedMaxKeepAliveCount * PATIENCE + PATIENCE_MS;
  return { id: answer.subscriptionId, sequence: 0, serverStartAt, aliveMs: Math.min(aliveMs, 3_600_000), samplingMs: [] };
}

/** Adds the points to a new subscription; those that the server refuses are told as bad. */
export async function addItems({ session, settings, points, targets, limits }: Subscribing, left: LeftSubscription, feed: Feed, tell: World['tell']): Promise<void> {
  const results = await createItems(session, left.id, targets, settings, limits, tell);
  for (const { index } of targets) {
    const result = results.get(index);
    const point = points[index];
    if (typeof result === 'number') left.samplingMs[index] = result;
    else if (point) feed.give(missing(point, result?.value));
  }
}

/** Moves the subscription of a session that is gone to this one. The server answers each by itself. */
export async function transfer(session: RawSession, { id }: LeftSubscription): Promise<boolean> {
  // No initial values: what waits in the queues is what we want, and what has not changed we know.
  const { results } = await transferSubscriptions(session, new TransferSubscriptionsRequest({ subscriptionIds: [id], sendInitialValues: false }));
  return results?.[0]?.statusCode.isGood() ?? false;
}
