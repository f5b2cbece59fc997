/** A session for as long as something is done with it, or one that goes on from link to link. */
import { AttributeIds, type OPCUAClient } from 'node-opcua-client';
import { pause, type World } from '../../core/world.ts';
import { connect, identityOf, sessionFault } from './client.ts';
import './faults.ts';
import type { Memory } from './memory.ts';
import { rawSession, type RawSession } from './raw-session.ts';
import type { OpcuaSettings } from './settings.ts';
import { timeOf } from './value.ts';

/** A server that does not answer a farewell is left without. */
const FAREWELL_MS = 300;

export interface Taken {
  session: RawSession;
  isOld: boolean;
}

/** The session that an earlier link left, where the server still has it; else a new one. */
export async function sessionFor(client: OPCUAClient, settings: OpcuaSettings, memory: Pick<Memory, 'session'>): Promise<Taken> {
  const old = memory.session;
  if (old) {
    // A server that does not know it any more gives a new one; a channel that broke fails there as well.
    const isOld = await client.reactivateSession(old).then(() => true, () => false);
    if (isOld) return { session: rawSession(old), isOld };
  }
  const session = await client.createSession(identityOf(settings)).catch((error: unknown) => { throw sessionFault(error, settings); });
  return { session: rawSession(session), isOld: false };
}

/** One that is just being made would stay at the server for as long as it holds sessions: a moment is left to it. @returns null where none was made */
export async function madeMeanwhile<T>(making: Promise<T> | undefined, world: Pick<World, 'clock'>): Promise<T | null> {
  if (!making) return null;
  const over = new AbortController();
  const made = await Promise.race([making.catch(() => null), pause(world.clock, FAREWELL_MS, over.signal).then(() => null)]);
  over.abort();
  return made;
}

/** Server_ServerStatus_StartTime, ms UTC; 0 where it is not told. */
export async function serverStartAt(session: RawSession): Promise<number> {
  const value: unknown = (await session.read({ nodeId: 'i=2257', attributeId: AttributeIds.Value })).value?.value;
  return value instanceof Date ? timeOf(value) ?? 0 : 0;
}

export async function endSession(session: RawSession, world: Pick<World, 'clock'>): Promise<void> {
  const over = new AbortController();
  // A server that is gone answers neither; what matters is that our side holds nothing.
  await Promise.race([session.close(true).catch(() => undefined), pause(world.clock, FAREWELL_MS, over.signal)]);
  over.abort();
}

/** Does one thing in a session of its own. @throws the faults of `connect`, CV_OPCUA_LOGIN, CV_OPCUA_SESSION, or the signal's reason */
export async function withSession<T>(settings: OpcuaSettings, world: World, signal: AbortSignal, use: (session: RawSession, client: OPCUAClient) => Promise<T>): Promise<T> {
  const clients: OPCUAClient[] = [];
  let making: Promise<RawSession> | undefined;
  const leave = async () => {
    const session = await madeMeanwhile(making, world);
    if (session) await endSession(session, world);
    await Promise.all(clients.map((client) => client.disconnect().catch(() => undefined)));
  };
  const work = async (): Promise<T> => {
    const client = await connect(settings, world, { onClient: (one) => clients.push(one), signal });
    signal.throwIfAborted();
    making = client.createSession(identityOf(settings)).then(rawSession);
    return use(await making, client);
  };
  try {
    return await settled(work(), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw sessionFault(error, settings);
  } finally {
    await leave();
  }
}

/** The promise, or the signal's reason as soon as it aborts. */
export function settled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
