/**
 * The way to a server: one session, one subscription, or reads where it has none. I/O only; what is lost is thrown, and
 * the host opens anew: the next link then goes on with session, subscription and queues, where the server kept them.
 */
import type { OPCUAClient } from 'node-opcua-client';
import type { Link, PointOf, FrameHandler } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { connect, sessionFault } from './client.ts';
import './faults.ts';
import { Feed } from './feed.ts';
import type { OpcuaMessage } from './frame.ts';
import { readHistory } from './history.ts';
import { Intake } from './intake.ts';
import type { Target } from './items.ts';
import { readLimits } from './limits.ts';
import { forget, forgetValues, memoryOf, remember } from './memory.ts';
import { poll } from './poll.ts';
import { Publishing } from './publishing.ts';
import { endSession, madeMeanwhile, serverStartAt, sessionFor, settled, type Taken } from './session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { statusNameOf } from './status-of.ts';
import { addItems, begin, transfer, type Subscribing } from './subscription.ts';
import { missing, resolveNode } from './value.ts';
import { exchange, type OpcuaRequest } from './write.ts';

/** Words of a server that has no subscriptions, or none left for us: its values can still be read. */
const NO_SUBSCRIPTION = new Set(['BadServiceUnsupported', 'BadNotImplemented', 'BadNotSupported', 'BadTooManySubscriptions', 'BadUserAccessDenied']);

export interface OpcuaLink extends Link<OpcuaMessage, OpcuaRequest> {
  listen(take: FrameHandler<OpcuaMessage>, signal: AbortSignal): Promise<void>;
  exchange(request: OpcuaRequest, signal: AbortSignal): Promise<OpcuaMessage>;
}

/** @throws the faults of `connect` and `sessionFault`, or the signal's reason */
export async function open(settings: OpcuaSettings, points: readonly PointOf<OpcuaPoint>[], world: World, signal: AbortSignal = new AbortController().signal): Promise<OpcuaLink> {
  const memory = memoryOf(settings);
  const feed = new Feed(() => publishing?.stop());
  const unheard = remember(memory);
  const lose = (detail: string) => feed.fail(new FaultError('CV_LINK_CLOSED', { address: settings.endpoint, detail }));
  const clients: OPCUAClient[] = [];
  const ending = new AbortController();
  let publishing: Publishing | undefined; // begins to ask when the host begins to listen
  let unlisten = () => {};
  let closing: Promise<void> | undefined;
  let making: Promise<Taken> | undefined;
  let taken: Taken | undefined;
  let isKept = true;
  let isOpen = false;
  const close = () => (closing ??= shut());

  async function shut(): Promise<void> {
    ending.abort();
    publishing?.stop();
    unlisten();
    // After a loss the server may hold everything for the next link; otherwise nothing of ours is to stay there.
    const isLost = feed.error?.fault.code === 'CV_LINK_CLOSED';
    feed.end();
    if (!isLost && !isKept) {
      if (isOpen && !feed.error) forget(memory);
      else Object.assign(memory, { session: null, subscription: null });
    }
    const { session, isOld } = taken ?? await madeMeanwhile(making, world) ?? {};
    if (session && !isLost && !(taken ? isKept : isOld)) await endSession(session, world);
    await Promise.all(clients.map((client) => client.disconnect().catch(() => undefined)));
  }

  async function start(): Promise<OpcuaLink> {
    const client = await connect(settings, world, { onClient: (one) => clients.push(one), signal: AbortSignal.any([signal, ending.signal]) });
    client.on('connection_lost', () => lose('connection lost'));
    client.on('close', (error?: Error | null) => lose(error?.message ?? 'closed'));
    ending.signal.throwIfAborted();
    making = sessionFor(client, settings, memory);
    const { session, isOld } = await making;
    ending.signal.throwIfAborted();
    taken = { session, isOld };
    memory.session = session;
    isKept = isOld;
    const closed = () => lose('the server closed the session');
    session.on('session_closed', closed);
    unlisten = () => { session.removeListener('session_closed', closed); };
    const [limits, namespaces, startAt] = await Promise.all([readLimits(session), session.readNamespaceArray(), serverStartAt(session)]);
    const { targets, unknown } = targetsOf(points, namespaces);
    for (const point of unknown) feed.give(missing(point));
    const intake = new Intake(points, memory, feed, (hole) => {
      const target = targets.find(({ point }) => point.id === hole.point.id);
      return target ? readHistory(session, target.nodeId, hole.there.fromAt, hole.there.toAt) : Promise.resolve(null);
    });
    const isPolled = settings.mode === 'poll' || !(await subscribe({ session, settings, points, targets, limits, serverStartAt: startAt }, intake, isOld));
    isKept = false;
    isOpen = true;
    return {
      listen: isPolled ? (take, stop) => polled(take, unknown, () => poll(session, targets, settings, limits, world.clock, take, AbortSignal.any([stop, ending.signal]))) : heard,
      exchange: (request, stop) => settled(exchange(session, targets, request), stop).catch((error: unknown) => { throw exchangeFault(error, stop); }),
      close,
    };
  }

  function heard(take: FrameHandler<OpcuaMessage>, stop: AbortSignal): Promise<void> {
    if (!feed.error) publishing?.start();
    return feed.hand(take, stop);
  }

  /** @returns false when the server gives none */
  async function subscribe(wanted: Subscribing, intake: Intake, isOld: boolean): Promise<boolean> {
    const publishingOf = (left: NonNullable<typeof memory.subscription>) => {
      const one = new Publishing(wanted.session, left, intake, world.clock, { alive: () => feed.give({ alive: true }), lost: lose });
      if (ending.signal.aborted) one.stop();
      return one;
    };
    const left = memory.subscription;
    if (left && left.serverStartAt === wanted.serverStartAt && (isOld || (await transfer(wanted.session, left).catch(() => false)))) {
      publishing = publishingOf(left);
      if (await publishing.catchUp()) {
        intake.resumed();
        return true;
      }
    }
    // An attempt that is over has nothing to say of what the next one remembers.
    ending.signal.throwIfAborted();
    memory.subscription = null;
    try {
      const begun = await begin(wanted);
      ending.signal.throwIfAborted();
      memory.subscription = begun;
    } catch (error) {
      const status = statusNameOf(error);
      if (status === null || !NO_SUBSCRIPTION.has(status)) throw error;
      world.tell({ kind: 'fault', fault: { code: 'CV_OPCUA_NO_SUBSCRIPTIONS', params: { address: settings.endpoint, status } } });
      forgetValues(memory);
      return false;
    }
    intake.begun();
    publishing = publishingOf(memory.subscription);
    await addItems(wanted, memory.subscription, feed, world.tell);
    return true;
  }

  const exchangeFault = (error: unknown, stop: AbortSignal): unknown => (stop.aborted ? error : new FaultError('CV_LINK_CLOSED', { address: settings.endpoint, detail: statusNameOf(error) ?? (error instanceof Error ? error.message : String(error)) }, { cause: error }));

  async function polled(take: FrameHandler<OpcuaMessage>, unknown: readonly PointOf<OpcuaPoint>[], polling: () => Promise<void>): Promise<void> {
    for (const point of unknown) take(missing(point));
    try {
      await polling();
    } catch (error) {
      lose(statusNameOf(error) ?? (error instanceof Error ? error.message : String(error)));
    }
    if (feed.error && !ending.signal.aborted) throw feed.error;
  }

  const abort = () => { void close(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await settled(start(), signal);
  } catch (error) {
    unheard();
    void close();
    if (signal.aborted) throw signal.reason;
    throw feed.error ?? sessionFault(error, settings);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function targetsOf(points: readonly PointOf<OpcuaPoint>[], namespaces: readonly string[]): { targets: Target[]; unknown: PointOf<OpcuaPoint>[] } {
  const targets: Target[] = [];
  const unknown: PointOf<OpcuaPoint>[] = [];
  points.forEach((point, index) => {
    const nodeId = resolveNode(point.node, namespaces);
    if (nodeId === null) unknown.push(point);
    else targets.push({ point, nodeId, index });
  });
  return { targets, unknown };
}
