/**
 * The link to a server: one session with one subscription, or polling where it has none. I/O only; a lost connection is
 * thrown, and the host reopens: the next link resumes session, subscription and queues where the server kept them.
 */
import type { OPCUAClient } from 'node-opcua-client';
import type { Link, PointOf, FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { connectClient, sessionFault } from './client.ts';
import './faults.ts';
import { FrameQueue } from './frame-queue.ts';
import type { OpcuaMessage } from './frame.ts';
import { readHistory } from './history.ts';
import { ValueReceiver } from './value-receiver.ts';
import type { MonitoredPoint } from './monitored-items.ts';
import { readOperationLimits } from './operation-limits.ts';
import { clearResumeState, clearValues, resumeStateOf, saveResumeState } from './resume-state.ts';
import { pollPoints } from './poll.ts';
import { PublishLoop } from './publish-loop.ts';
import { endSession, pendingResult, readServerStartAt, acquireSession, untilAborted, type AcquiredSession } from './session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { statusNameOf } from './status-name.ts';
import { addMonitoredItems, createSubscription, transferSubscription, type SubscriptionContext } from './subscription.ts';
import { missingValueFrame, resolveNode } from './value.ts';
import { exchangeValue, type OpcuaRequest } from './write.ts';

/** Status codes of a server without subscriptions, or without a free one: its values can still be polled. */
const NO_SUBSCRIPTION = new Set([
  'BadServiceUnsupported',
  'BadNotImplemented',
  'BadNotSupported',
  'BadTooManySubscriptions',
  'BadUserAccessDenied',
]);

export interface OpcuaLink extends Link<OpcuaMessage, OpcuaRequest> {
  listen(take: FrameHandler<OpcuaMessage>, signal: AbortSignal): Promise<void>;
  exchange(request: OpcuaRequest, signal: AbortSignal): Promise<OpcuaMessage>;
}

/** @throws the faults of `connect` and `sessionFault`, or the signal's reason */
export async function open(
  settings: OpcuaSettings,
  points: readonly PointOf<OpcuaPoint>[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<OpcuaLink> {
  const state = resumeStateOf(settings);
  const queue = new FrameQueue(() => publishing?.stop());
  const restoreState = saveResumeState(state);
  const connectionLost = (detail: string) => queue.fail(new FaultError('CV_LINK_CLOSED', { address: settings.endpoint, detail }));
  const clients: OPCUAClient[] = [];
  const ending = new AbortController();
  let publishing: PublishLoop | undefined; // starts when the host begins to listen
  let unlisten = () => {};
  let closing: Promise<void> | undefined;
  let acquiring: Promise<AcquiredSession> | undefined;
  let acquired: AcquiredSession | undefined;
  let isKept = true;
  let isOpen = false;
  const close = () => (closing ??= shutDown());

  async function shutDown(): Promise<void> {
    ending.abort();
    publishing?.stop();
    unlisten();
    // After a lost connection the server may keep everything for the next link; otherwise we clean up there.
    const isLost = queue.error?.fault.code === 'CV_LINK_CLOSED';
    queue.close();
    if (!isLost && !isKept) {
      if (isOpen && !queue.error) clearResumeState(state);
      else Object.assign(state, { session: null, subscription: null });
    }
    const { session, isReactivated } = acquired ?? await pendingResult(acquiring, world) ?? {};
    if (session && !isLost && !(acquired ? isKept : isReactivated)) await endSession(session, world);
    await Promise.all(clients.map((client) => client.disconnect().catch(() => undefined)));
  }

  async function start(): Promise<OpcuaLink> {
    const client = await connectClient(settings, world, {
      onClient: (one) => clients.push(one),
      signal: AbortSignal.any([signal, ending.signal]),
    });
    client.on('connection_lost', () => connectionLost('connection lost'));
    client.on('close', (error?: Error | null) => connectionLost(error?.message ?? 'closed'));
    ending.signal.throwIfAborted();
    acquiring = acquireSession(client, settings, state);
    const { session, isReactivated } = await acquiring;
    ending.signal.throwIfAborted();
    acquired = { session, isReactivated };
    state.session = session;
    isKept = isReactivated;
    const closed = () => connectionLost('the server closed the session');
    session.on('session_closed', closed);
    unlisten = () => {
      session.removeListener('session_closed', closed);
    };
    const [limits, namespaces, startAt] = await Promise.all([
      readOperationLimits(session),
      session.readNamespaceArray(),
      readServerStartAt(session),
    ]);
    const { targets, unknown } = targetsOf(points, namespaces);
    for (const point of unknown) queue.push(missingValueFrame(point));
    const receiver = new ValueReceiver(points, state, queue, (hole) => {
      const target = targets.find(({ point }) => point.id === hole.point.id);
      return target ? readHistory(session, target.nodeId, hole.serverTime.fromAt, hole.serverTime.toAt) : Promise.resolve(null);
    });
    const isPolled =
      settings.mode === 'poll' ||
      !(await subscribe({ session, settings, points, targets, limits, serverStartAt: startAt }, receiver, isReactivated));
    isKept = false;
    isOpen = true;
    return {
      listen: isPolled
        ? (take, stop) =>
            polled(take, unknown, () =>
              pollPoints(session, targets, settings, limits, world.clock, take, AbortSignal.any([stop, ending.signal])),
            )
        : listen,
      exchange: (request, stop) =>
        untilAborted(exchangeValue(session, targets, request), stop).catch((error: unknown) => {
          throw exchangeFault(error, stop);
        }),
      close,
    };
  }

  function listen(take: FrameHandler<OpcuaMessage>, stop: AbortSignal): Promise<void> {
    if (!queue.error) publishing?.start();
    return queue.deliver(take, stop);
  }

  /** @returns false when the server refuses a subscription */
  async function subscribe(context: SubscriptionContext, receiver: ValueReceiver, isReactivated: boolean): Promise<boolean> {
    const publishingOf = (resumable: NonNullable<typeof state.subscription>) => {
      const one = new PublishLoop(context.session, resumable, receiver, world.clock, {
        alive: () => queue.push({ alive: true }),
        lost: connectionLost,
      });
      if (ending.signal.aborted) one.stop();
      return one;
    };
    const resumable = state.subscription;
    if (
      resumable &&
      resumable.serverStartAt === context.serverStartAt &&
      (isReactivated || (await transferSubscription(context.session, resumable).catch(() => false)))
    ) {
      publishing = publishingOf(resumable);
      if (await publishing.catchUp()) {
        receiver.subscriptionResumed();
        return true;
      }
    }
    // An aborted attempt must not change the state of the next one.
    ending.signal.throwIfAborted();
    state.subscription = null;
    try {
      const created = await createSubscription(context);
      ending.signal.throwIfAborted();
      state.subscription = created;
    } catch (error) {
      const status = statusNameOf(error);
      if (status === null || !NO_SUBSCRIPTION.has(status)) throw error;
      world.tell({ kind: 'fault', fault: { code: 'CV_OPCUA_NO_SUBSCRIPTIONS', params: { address: settings.endpoint, status } } });
      clearValues(state);
      return false;
    }
    receiver.subscriptionCreated();
    publishing = publishingOf(state.subscription);
    await addMonitoredItems(context, state.subscription, queue, world.tell);
    return true;
  }

  const exchangeFault = (error: unknown, stop: AbortSignal): unknown =>
    stop.aborted
      ? error
      : new FaultError(
          'CV_LINK_CLOSED',
          { address: settings.endpoint, detail: statusNameOf(error) ?? (error instanceof Error ? error.message : String(error)) },
          { cause: error },
        );

  async function polled(
    take: FrameHandler<OpcuaMessage>,
    unknown: readonly PointOf<OpcuaPoint>[],
    polling: () => Promise<void>,
  ): Promise<void> {
    for (const point of unknown) take(missingValueFrame(point));
    try {
      await polling();
    } catch (error) {
      connectionLost(statusNameOf(error) ?? (error instanceof Error ? error.message : String(error)));
    }
    if (queue.error && !ending.signal.aborted) throw queue.error;
  }

  const abort = () => { void close(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await untilAborted(start(), signal);
  } catch (error) {
    restoreState();
    void close();
    if (signal.aborted) throw signal.reason;
    throw queue.error ?? sessionFault(error, settings);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function targetsOf(
  points: readonly PointOf<OpcuaPoint>[],
  namespaces: readonly string[],
): { targets: MonitoredPoint[]; unknown: PointOf<OpcuaPoint>[] } {
  const targets: MonitoredPoint[] = [];
  const unknown: PointOf<OpcuaPoint>[] = [];
  points.forEach((point, index) => {
    const nodeId = resolveNode(point.node, namespaces);
    if (nodeId === null) unknown.push(point);
    else targets.push({ point, nodeId, index });
  });
  return { targets, unknown };
}
