/** The link to a reader: opens a session, configures what to read, and restores the reader on close. */
import type { Socket } from 'node:net';
import { dial } from '../listening/dial.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { pause, type World } from '../../core/world.ts';
import { parseRadio, readerConfig, ROSPEC_ID, roSpec } from './commands.ts';
import './faults.ts';
import { followReader } from './follow-reader.ts';
import type { LlrpFrame } from './frame.ts';
import { LLRP_MESSAGE_TYPES, u16, u32, u8 } from './message.ts';
import { parseReaderEvent } from './reader-event.ts';
import { LlrpSession } from './session.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const GREETING_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 8000;
/** Accepted connections that have not become a session yet. */
const MAX_PENDING = 64;
/** With closing the socket, less than the time that the host gives a link to close. */
const CLOSE_TIMEOUT_MS = 200;

/** Opens a session for queries only: changes nothing in the reader. */
export async function withReader<T>(
  settings: LlrpSettings,
  world: World,
  signal: AbortSignal,
  work: (session: LlrpSession) => Promise<T>,
): Promise<T> {
  const { socket, address, release } =
    settings.listen === undefined ? await connectToReader(settings, world, signal) : await awaitReader(settings.listen, world, signal);
  const session = new LlrpSession(socket, address, world);
  const stop = () => { void session.close(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await awaitGreeting(session, world, signal);
    const result = await work(session);
    // The socket is closed in any case.
    const close = { request: LLRP_MESSAGE_TYPES.close, response: LLRP_MESSAGE_TYPES.closeResponse };
    await session.request('CLOSE_CONNECTION', close).catch(() => {});
    return result;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
    await session.close();
    release();
  }
}

export type LlrpLink = Link<LlrpFrame>;

/** @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_LLRP_LISTEN, _ABSENT, _TAKEN, _REFUSED, or the signal's reason */
export async function open(
  settings: LlrpSettings,
  points: readonly ConfiguredLlrpPoint[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<LlrpLink> {
  const { socket, address, release } =
    settings.listen === undefined ? await connectToReader(settings, world, signal) : await awaitReader(settings.listen, world, signal);
  const session = new LlrpSession(socket, address, world);
  const stop = () => { void session.close(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const greeting = await awaitGreeting(session, world, signal);
    await configureReader(session, settings);
    let isClosed = false;
    return {
      listen: (take, ending) => followReader({ session, settings, points, world, greeting }, take, ending),
      async close() {
        if (isClosed) return;
        isClosed = true;
        await restoreReader(session, world);
        release();
      },
    };
  } catch (error) {
    await session.close();
    release();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface ReaderConnection {
  socket: Socket;
  address: string;
  release(): void;
}

async function connectToReader({ host, port }: LlrpSettings, world: World, signal: AbortSignal): Promise<ReaderConnection> {
  return { socket: await dial({ host: String(host), port }, world, signal), address: `${host}:${port}`, release: () => {} };
}

/** One reader per port: the newest connection is the reader's, an earlier one is half open. */
class LlrpPort implements ConnectionHandler {
  readonly #listen: string;
  readonly #world: World;
  /** Accepted connections, the oldest first. */
  readonly #waiting = new Set<Socket>();
  #wake: () => void = () => {};

  constructor(listen: string, world: World) {
    this.#listen = listen;
    this.#world = world;
  }

  accept(socket: Socket): void {
    socket.on('error', () => { socket.destroy(); });
    socket.once('close', () => { this.#waiting.delete(socket); });
    socket.once('readable', () => this.#wake());
    if (this.#waiting.size >= MAX_PENDING) ([...this.#waiting].find((one) => !hasSentData(one)) ?? [...this.#waiting][0])?.destroy();
    this.#waiting.add(socket);
  }

  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  /** The connection of a reader: a reader sends first, so silent connections are skipped, however many there are. */
  async take(signal: AbortSignal): Promise<Socket> {
    const untilMs = this.#world.clock.monotonicMs() + CONNECT_TIMEOUT_MS;
    for (;;) {
      const socket = [...this.#waiting].findLast(hasSentData);
      if (socket) {
        this.#waiting.delete(socket);
        return socket;
      }
      const dataArrived = new AbortController();
      this.#wake = () => dataArrived.abort();
      const isTimedOut = await pause(
        this.#world.clock,
        untilMs - this.#world.clock.monotonicMs(),
        AbortSignal.any([dataArrived.signal, signal]),
      );
      if (signal.aborted) throw signal.reason;
      if (isTimedOut) throw new FaultError('CV_LLRP_ABSENT', { listen: this.#listen });
    }
  }
}

const hasSentData = (socket: Socket): boolean => socket.readableLength > 0;

async function awaitReader(listen: string, world: World, signal: AbortSignal): Promise<ReaderConnection> {
  const { handler: port, release } = await acquireSharedPort(
    { name: 'llrp', fault: 'CV_LLRP_LISTEN' },
    listen,
    world,
    () => new LlrpPort(listen, world),
  );
  try {
    return { socket: await port.take(signal), address: listen, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** A reader begins every session with the status of the connection attempt. */
async function awaitGreeting(session: LlrpSession, world: World, signal: AbortSignal): Promise<{ bytes: Uint8Array; observedAt: number }> {
  const untilMs = world.clock.monotonicMs() + GREETING_TIMEOUT_MS;
  for (;;) {
    for (let next = session.next(); next; next = session.next()) {
      const connection = next.message.type === LLRP_MESSAGE_TYPES.readerEvent ? parseReaderEvent(next.message.bytes).connection : undefined;
      if (connection === 0) return { bytes: next.message.bytes, observedAt: next.observedAt };
      if (connection !== undefined) throw new FaultError('CV_LLRP_TAKEN', { address: session.address, status: connection });
    }
    if (session.closeReason) throw session.closeReason;
    const changed = new AbortController();
    session.onChange(() => changed.abort());
    const isTimedOut = await pause(world.clock, untilMs - world.clock.monotonicMs(), AbortSignal.any([changed.signal, signal]));
    if (signal.aborted) throw signal.reason;
    if (isTimedOut) throw new FaultError('CV_LINK_TIMEOUT', { address: session.address, timeoutMs: GREETING_TIMEOUT_MS });
  }
}

async function configureReader(session: LlrpSession, settings: LlrpSettings): Promise<void> {
  const setConfig = (withEvents: boolean) =>
    session.request(
      'SET_READER_CONFIG',
      { request: LLRP_MESSAGE_TYPES.setConfig, response: LLRP_MESSAGE_TYPES.setConfigResponse },
      ...readerConfig(settings.keepalive, withEvents),
    );
  await setConfig(true).catch((error: unknown) => {
    // Some readers support fewer events than the standard: they keep their own setting.
    if (error instanceof FaultError && error.fault.code === 'CV_LLRP_REFUSED') return setConfig(false);
    throw error;
  });
  const deleteAll = u32(0);
  const deletion = { request: LLRP_MESSAGE_TYPES.deleteRoSpec, response: LLRP_MESSAGE_TYPES.deleteRoSpecResponse };
  await session.request('DELETE_ROSPEC', deletion, deleteAll);
  const radio =
    settings.powerDbm === undefined
      ? null
      : parseRadio(
          await session.request(
            'GET_READER_CAPABILITIES',
            { request: LLRP_MESSAGE_TYPES.getCapabilities, response: LLRP_MESSAGE_TYPES.capabilities },
            u8(0),
          ),
          await session.request(
            'GET_READER_CONFIG',
            { request: LLRP_MESSAGE_TYPES.getConfig, response: LLRP_MESSAGE_TYPES.config },
            u16(0),
            u8(2),
            u16(0, 0),
          ),
        );
  await session.request(
    'ADD_ROSPEC',
    { request: LLRP_MESSAGE_TYPES.addRoSpec, response: LLRP_MESSAGE_TYPES.addRoSpecResponse },
    roSpec(settings, radio),
  );
  await session.request(
    'ENABLE_ROSPEC',
    { request: LLRP_MESSAGE_TYPES.enableRoSpec, response: LLRP_MESSAGE_TYPES.enableRoSpecResponse },
    u32(ROSPEC_ID),
  );
  if ('everyTags' in settings.report)
    await session.request(
      'START_ROSPEC',
      { request: LLRP_MESSAGE_TYPES.startRoSpec, response: LLRP_MESSAGE_TYPES.startRoSpecResponse },
      u32(ROSPEC_ID),
    );
  session.send(LLRP_MESSAGE_TYPES.enableReports);
}

/** Deletes the edge's ROSpec, so that the reader does not go on transmitting without a client. */
async function restoreReader(session: LlrpSession, world: World): Promise<void> {
  if (!session.closeReason) {
    const closed = new AbortController();
    const closing = (async () => {
      await session.request(
        'DELETE_ROSPEC',
        { request: LLRP_MESSAGE_TYPES.deleteRoSpec, response: LLRP_MESSAGE_TYPES.deleteRoSpecResponse },
        u32(ROSPEC_ID),
      );
      await session.request('CLOSE_CONNECTION', { request: LLRP_MESSAGE_TYPES.close, response: LLRP_MESSAGE_TYPES.closeResponse });
    })().catch(() => {}).finally(() => closed.abort()); // the socket is closed in any case
    await Promise.race([closing, pause(world.clock, CLOSE_TIMEOUT_MS, closed.signal)]);
  }
  await session.close();
}
