/** The way to a server: one session, one subscription. I/O only; what is lost is thrown, and the host opens anew. */
import {
  AttributeIds, ClientMonitoredItemGroup, ClientSubscription, DataType, MessageSecurityMode, OPCUAClient, SecurityPolicy, TimestampsToReturn, VariantArrayType, setErrorLogger, setWarningLogger,
  type ClientSession, type DataValue,
} from 'node-opcua-client';
import type { Link, PointOf } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { OpcuaFrame, OpcuaMessage } from './frame.ts';
import { applicationUri, APPLICATION_NAME, ownKey } from './own-key.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

// The library writes to the terminal by itself; what matters of it comes as faults.
setErrorLogger(() => {});
setWarningLogger(() => {});

const ITEMS_PER_CALL = 500;
/** A subscription without news gives a sign of life about this often, and is given up by the server after this long. */
const ALIVE_MS = 1000;
const LIFETIME_MS = 60_000;
/** The library's own patience; the host's time-out of the device mostly ends an attempt before. */
const TRANSPORT_TIMEOUT_MS = 10_000;
/** What the host has not taken yet; a server that floods is let go above it rather than filling the memory. */
const MAX_WAITING = 20_000;
const BAD_NODE_ID_UNKNOWN = 0x80340000;
/** 1601-01-01 and 0001-01-01 stand for "no time" in many servers. */
const EARLIEST_AT = Date.UTC(1990, 0, 1);

export interface OpcuaLink extends Link<OpcuaMessage> {
  frames(signal: AbortSignal): AsyncIterable<OpcuaMessage>;
  readonly session: ClientSession;
}

/** @throws CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_OPCUA_SESSION, or the signal's reason */
export async function open(settings: OpcuaSettings, points: readonly PointOf<OpcuaPoint>[], _world: World, signal: AbortSignal = new AbortController().signal): Promise<OpcuaLink> {
  const certificateKeyPairProvider = await ownKey();
  signal.throwIfAborted();
  const client = OPCUAClient.create({
    applicationName: APPLICATION_NAME, applicationUri: applicationUri(), clientName: APPLICATION_NAME,
    securityMode: MessageSecurityMode.None, securityPolicy: SecurityPolicy.None, endpointMustExist: false,
    certificateKeyPairProvider, keepSessionAlive: true, transportTimeout: TRANSPORT_TIMEOUT_MS, defaultTransactionTimeout: TRANSPORT_TIMEOUT_MS,
    // The host reconnects, for all drivers in one way.
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
  });
  const feed = new Feed();
  const lose = (detail: string) => feed.fail(new FaultError('CV_LINK_CLOSED', { address: settings.endpoint, detail }));
  client.on('connection_lost', () => lose('connection lost'));
  client.on('close', (error?: Error | null) => lose(error?.message ?? 'closed'));

  let closing: Promise<void> | undefined;
  const close = () => (closing ??= shut());
  let session: ClientSession | undefined;
  async function shut(): Promise<void> {
    feed.end();
    // A server that is gone answers neither; what matters is that our side holds nothing.
    await session?.close(true).catch(() => undefined);
    await client.disconnect().catch(() => undefined);
  }
  const abort = () => { void close(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const opened = await settled(start(), signal);
    session = opened;
    return { session: opened, frames: (stop) => feed.take(stop), close };
  } catch (error) {
    void close();
    if (signal.aborted) throw signal.reason;
    throw error instanceof FaultError ? error : new FaultError('CV_OPCUA_SESSION', { address: settings.endpoint, detail: (error as Error).message }, { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
  }

  async function start(): Promise<ClientSession> {
    await client.connect(settings.endpoint).catch((error: unknown) => { throw connectFault(error, settings.endpoint); });
    session = await client.createSession();
    session.on('session_closed', () => lose('the server closed the session'));
    await subscribe(session, settings, points, feed, lose);
    return session;
  }
}

async function subscribe(session: ClientSession, settings: OpcuaSettings, points: readonly PointOf<OpcuaPoint>[], feed: Feed, lose: (detail: string) => void): Promise<void> {
  const countFor = (ms: number) => Math.max(1, Math.ceil(ms / Math.max(1, settings.publishEvery)));
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: settings.publishEvery, requestedLifetimeCount: Math.max(3 * countFor(ALIVE_MS), countFor(LIFETIME_MS)), requestedMaxKeepAliveCount: countFor(ALIVE_MS),
    maxNotificationsPerPublish: 1000, publishingEnabled: true, priority: 0,
  });
  subscription.on('keepalive', () => feed.give({ alive: true }));
  subscription.on('terminated', () => lose('the server ended the subscription'));
  const namespaces = await session.readNamespaceArray();
  const items = points.map((point) => ({ point, nodeId: resolveNode(point.node, namespaces) }));
  for (const { point, nodeId } of items) if (nodeId === null) feed.give(missing(point));
  const known = items.filter((item): item is { point: PointOf<OpcuaPoint>; nodeId: string } => item.nodeId !== null);
  for (let at = 0; at < known.length; at += ITEMS_PER_CALL) await monitor(subscription, settings, known.slice(at, at + ITEMS_PER_CALL), feed);
}

async function monitor(subscription: ClientSubscription, settings: OpcuaSettings, items: readonly { point: PointOf<OpcuaPoint>; nodeId: string }[], feed: Feed): Promise<void> {
  // One group per pair of sampling interval and queue size: the service takes these for all of its items.
  for (const group of Map.groupBy(items, ({ point }) => `${point.sampleEvery ?? settings.sampleEvery}/${point.queueSize ?? settings.queueSize}`).values()) {
    const first = group[0]?.point;
    const monitored = ClientMonitoredItemGroup.create(
      subscription,
      group.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
      { samplingInterval: first?.sampleEvery ?? settings.sampleEvery, queueSize: first?.queueSize ?? settings.queueSize, discardOldest: true },
      TimestampsToReturn.Both,
    );
    monitored.on('changed', (_item, value: DataValue, at: number) => feed.give(frameOfValue((group[at] as { point: PointOf<OpcuaPoint> }).point, value)));
    await new Promise<void>((resolve, reject) => {
      monitored.once('initialized', () => resolve());
      monitored.once('err', (message: string) => reject(new Error(message)));
    });
    monitored.monitoredItems.forEach((item, at) => {
      const status = item.statusCode.value;
      const one = group[at];
      if (one && status !== 0) feed.give({ ...missing(one.point), status });
    });
  }
}

/** `nsu=URI;…` with the index that the URI has in this session; null when the server does not have it. */
export function resolveNode(node: string, namespaces: readonly string[]): string | null {
  const match = /^nsu=([^;]+);(.+)$/.exec(node);
  if (!match) return node;
  const index = namespaces.indexOf(match[1] as string);
  return index < 0 ? null : `ns=${index};${match[2]}`;
}

function missing(point: PointOf<OpcuaPoint>): OpcuaFrame {
  return { point: point.id, node: point.node, type: 'Null', value: null, shape: 'scalar', status: BAD_NODE_ID_UNKNOWN, sourceAt: null, serverAt: null };
}

export function frameOfValue(point: PointOf<OpcuaPoint>, { value: variant, statusCode, sourceTimestamp, serverTimestamp }: DataValue): OpcuaFrame {
  const type = DataType[variant?.dataType ?? DataType.Null];
  const scalar = variant?.arrayType === undefined || variant.arrayType === VariantArrayType.Scalar;
  const value = scalar ? plain(variant?.dataType, variant?.value) : undefined;
  return {
    point: point.id, node: point.node, type, value: value ?? null, shape: !scalar ? 'array' : value === undefined ? 'other' : 'scalar',
    status: statusCode.value >>> 0, sourceAt: timeOf(sourceTimestamp), serverAt: timeOf(serverTimestamp),
  };
}

function plain(type: DataType | undefined, value: unknown): number | boolean | string | null | undefined {
  if (value === null || value === undefined) return null;
  // Int64 comes as [high, low] words.
  if (type === DataType.Int64 || type === DataType.UInt64) {
    const [high = 0, low = 0] = value as number[];
    const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    return String(type === DataType.Int64 ? BigInt.asIntN(64, bits) : bits);
  }
  if (type === DataType.DateTime && value instanceof Date) return value.toISOString();
  if (type === DataType.LocalizedText) return (value as { text?: string }).text ?? '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  return undefined;
}

function timeOf(date: Date | null | undefined): number | null {
  const at = date?.getTime() ?? 0;
  return at >= EARLIEST_AT ? at : null;
}

function connectFault(error: unknown, address: string): FaultError {
  const detail = error instanceof Error ? error.message : String(error);
  const refused = /ECONNREFUSED|ECONNRESET/.test(detail);
  return new FaultError(refused ? 'CV_LINK_REFUSED' : 'CV_LINK_UNREACHABLE', { address, detail: detail.split('\n')[0]?.slice(0, 200) ?? '' }, { cause: error });
}

/** The promise, or the signal's reason as soon as it aborts. */
function settled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Frames from the library's callbacks to the host's loop, in order. */
class Feed {
  #waiting: OpcuaMessage[] = [];
  #error: FaultError | null = null;
  #ended = false;
  #wake: () => void = () => {};

  give(frame: OpcuaMessage): void {
    if (this.#ended) return;
    if (this.#waiting.length >= MAX_WAITING) return this.fail(new FaultError('CV_OPCUA_FLOOD', { count: MAX_WAITING }));
    this.#waiting.push(frame);
    this.#wake();
  }

  fail(error: FaultError): void {
    this.#error ??= error;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *take(signal: AbortSignal): AsyncGenerator<OpcuaMessage> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const ready = this.#waiting;
        this.#waiting = [];
        yield* ready;
        if (this.#waiting.length > 0) continue;
        if (this.#ended) return;
        if (this.#error) throw this.#error;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted || this.#ended || this.#error || this.#waiting.length > 0) resolve();
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
