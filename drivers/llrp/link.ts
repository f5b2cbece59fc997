/** The link to a reader: opens a session, configures what to read, and restores the reader on close. */
import type { Socket } from 'node:net';
import { dial } from '../listening/dial.ts';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { acquireSharedPort, type ConnectionHandler } from '../listening/shared-port.ts';
import { pause, type World } from '../../core/world.ts';
import { radioOf, readerConfig, ROSPEC_ID, roSpec } from './commands.ts';
import './faults.ts';
import { followReader } from './follow-reader.ts';
import type { LlrpFrame } from './frame.ts';
import { LLRP_MESSAGE_TYPES, u16, u32, u8 } from './message.ts';
import { parseReaderEvent } from './reader-event.ts';
import { LlrpSession } from './session.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const HELLO_MS = 5000;
const DIAL_MS = 8000;
/** Connections to the port that nobody has taken yet. */
const MOST_WAITING = 64;
/** Together with closing the socket below what the host gives a link to close. */
const GOODBYE_MS = 200;

/** Opens a session for a question or two: nothing of the reader is changed. */
export async function withReader<T>(
  settings: LlrpSettings,
  world: World,
  signal: AbortSignal,
  work: (session: LlrpSession) => Promise<T>,
): Promise<T> {
  const { socket, address, release } =
    settings.listen === undefined ? await dialled(settings, world, signal) : await received(settings.listen, world, signal);
  const session = new LlrpSession(socket, address, world);
  const stop = () => { void session.close(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await greeted(session, world, signal);
    const found = await work(session);
    await session.ask('CLOSE_CONNECTION', { ask: LLRP_MESSAGE_TYPES.close, answer: LLRP_MESSAGE_TYPES.closeResponse }).catch(() => {}); // it is left all the same
    return found;
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
    settings.listen === undefined ? await dialled(settings, world, signal) : await received(settings.listen, world, signal);
  const session = new LlrpSession(socket, address, world);
  const stop = () => { void session.close(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const hello = await greeted(session, world, signal);
    await prepared(session, settings);
    let isClosed = false;
    return {
      listen: (take, ending) => followReader({ session, settings, points, world, hello }, take, ending),
      async close() {
        if (isClosed) return;
        isClosed = true;
        await leave(session, world);
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

interface Way {
  socket: Socket;
  address: string;
  release(): void;
}

async function dialled({ host, port }: LlrpSettings, world: World, signal: AbortSignal): Promise<Way> {
  return { socket: await dial({ host: String(host), port }, world, signal), address: `${host}:${port}`, release: () => {} };
}

/** One reader a port: the newest connection is it, and one before it is half open. */
class LlrpPort implements ConnectionHandler {
  readonly #listen: string;
  readonly #world: World;
  /** Who has dialled and is not taken, the oldest first. */
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
    if (this.#waiting.size >= MOST_WAITING) ([...this.#waiting].find((one) => !hasSpoken(one)) ?? [...this.#waiting][0])?.destroy();
    this.#waiting.add(socket);
  }

  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  /** The connection of a reader that has dialled: it speaks first, so whoever is silent is passed over, however many they are. */
  async take(signal: AbortSignal): Promise<Socket> {
    const untilMs = this.#world.clock.monotonicMs() + DIAL_MS;
    for (;;) {
      const socket = [...this.#waiting].findLast(hasSpoken);
      if (socket) {
        this.#waiting.delete(socket);
        return socket;
      }
      const speaking = new AbortController();
      this.#wake = () => speaking.abort();
      const isTooLate = await pause(
        this.#world.clock,
        untilMs - this.#world.clock.monotonicMs(),
        AbortSignal.any([speaking.signal, signal]),
      );
      if (signal.aborted) throw signal.reason;
      if (isTooLate) throw new FaultError('CV_LLRP_ABSENT', { listen: this.#listen });
    }
  }
}

const hasSpoken = (socket: Socket): boolean => socket.readableLength > 0;

async function received(listen: string, world: World, signal: AbortSignal): Promise<Way> {
  const { handler: reception, release: leave } = await acquireSharedPort(
    { name: 'llrp', fault: 'CV_LLRP_LISTEN' },
    listen,
    world,
    () => new LlrpPort(listen, world),
  );
  try {
    return { socket: await reception.take(signal), address: listen, release: leave };
  } catch (error) {
    leave();
    throw error;
  }
}

/** Every session begins with the reader's word whether it is ours. */
async function greeted(session: LlrpSession, world: World, signal: AbortSignal): Promise<{ bytes: Uint8Array; observedAt: number }> {
  const untilMs = world.clock.monotonicMs() + HELLO_MS;
  for (;;) {
    for (let next = session.next(); next; next = session.next()) {
      const connection = next.message.type === LLRP_MESSAGE_TYPES.readerEvent ? parseReaderEvent(next.message.bytes).connection : undefined;
      if (connection === 0) return { bytes: next.message.bytes, observedAt: next.observedAt };
      if (connection !== undefined) throw new FaultError('CV_LLRP_TAKEN', { address: session.address, status: connection });
    }
    if (session.end) throw session.end;
    const heard = new AbortController();
    session.onChange(() => heard.abort());
    const isTooLate = await pause(world.clock, untilMs - world.clock.monotonicMs(), AbortSignal.any([heard.signal, signal]));
    if (signal.aborted) throw signal.reason;
    if (isTooLate) throw new FaultError('CV_LINK_TIMEOUT', { address: session.address, timeoutMs: HELLO_MS });
  }
}

async function prepared(session: LlrpSession, settings: LlrpSettings): Promise<void> {
  const setConfig = (withEvents: boolean) =>
    session.ask(
      'SET_READER_CONFIG',
      { ask: LLRP_MESSAGE_TYPES.setConfig, answer: LLRP_MESSAGE_TYPES.setConfigResponse },
      ...readerConfig(settings.keepalive, withEvents),
    );
  await setConfig(true).catch((error: unknown) => {
    // Some know fewer events than the standard: then as the reader is set.
    if (error instanceof FaultError && error.fault.code === 'CV_LLRP_REFUSED') return setConfig(false);
    throw error;
  });
  const deleteAll = u32(0);
  await session.ask('DELETE_ROSPEC', { ask: LLRP_MESSAGE_TYPES.deleteRoSpec, answer: LLRP_MESSAGE_TYPES.deleteRoSpecResponse }, deleteAll);
  const radio =
    settings.powerDbm === undefined
      ? null
      : radioOf(
          await session.ask(
            'GET_READER_CAPABILITIES',
            { ask: LLRP_MESSAGE_TYPES.getCapabilities, answer: LLRP_MESSAGE_TYPES.capabilities },
            u8(0),
          ),
          await session.ask(
            'GET_READER_CONFIG',
            { ask: LLRP_MESSAGE_TYPES.getConfig, answer: LLRP_MESSAGE_TYPES.config },
            u16(0),
            u8(2),
            u16(0, 0),
          ),
        );
  await session.ask(
    'ADD_ROSPEC',
    { ask: LLRP_MESSAGE_TYPES.addRoSpec, answer: LLRP_MESSAGE_TYPES.addRoSpecResponse },
    roSpec(settings, radio),
  );
  await session.ask(
    'ENABLE_ROSPEC',
    { ask: LLRP_MESSAGE_TYPES.enableRoSpec, answer: LLRP_MESSAGE_TYPES.enableRoSpecResponse },
    u32(ROSPEC_ID),
  );
  if ('everyTags' in settings.report)
    await session.ask(
      'START_ROSPEC',
      { ask: LLRP_MESSAGE_TYPES.startRoSpec, answer: LLRP_MESSAGE_TYPES.startRoSpecResponse },
      u32(ROSPEC_ID),
    );
  session.tell(LLRP_MESSAGE_TYPES.enableReports);
}

/** What we told it to read is taken back, so that it does not go on sending for nobody. */
async function leave(session: LlrpSession, world: World): Promise<void> {
  if (!session.end) {
    const over = new AbortController();
    const goodbye = (async () => {
      await session.ask(
        'DELETE_ROSPEC',
        { ask: LLRP_MESSAGE_TYPES.deleteRoSpec, answer: LLRP_MESSAGE_TYPES.deleteRoSpecResponse },
        u32(ROSPEC_ID),
      );
      await session.ask('CLOSE_CONNECTION', { ask: LLRP_MESSAGE_TYPES.close, answer: LLRP_MESSAGE_TYPES.closeResponse });
    })().catch(() => {}).finally(() => over.abort()); // a reader that does not say goodbye is left all the same
    await Promise.race([goodbye, pause(world.clock, GOODBYE_MS, over.signal)]);
  }
  await session.close();
}
