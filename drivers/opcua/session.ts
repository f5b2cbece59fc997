/** Sessions: for a single task, or reactivated from link to link. */
import { AttributeIds, type OPCUAClient } from 'node-opcua-client';
import { pause, type World } from '../../core/world.ts';
import { connectClient, userIdentity, sessionFault } from './client.ts';
import './faults.ts';
import type { ResumeState } from './resume-state.ts';
import { rawSession, type RawSession } from './raw-session.ts';
import type { OpcuaSettings } from './settings.ts';
import { validTimeMs } from './value.ts';

/** How long we wait for a server to close a session. */
const CLOSE_TIMEOUT_MS = 300;

export interface AcquiredSession {
  session: RawSession;
  isReactivated: boolean;
}

/** The session of an earlier link, where the server still has it; else a new one. */
export async function acquireSession(
  client: OPCUAClient,
  settings: OpcuaSettings,
  memory: Pick<ResumeState, 'session'>,
): Promise<AcquiredSession> {
  const old = memory.session;
  if (old) {
    // When it is unknown a new one is created; a broken channel fails there too.
    const isOld = await client.reactivateSession(old).then(() => true, () => false);
    if (isOld) return { session: rawSession(old), isReactivated: isOld };
  }
  const session = await client.createSession(userIdentity(settings)).catch((error: unknown) => { throw sessionFault(error, settings); });
  return { session: rawSession(session), isReactivated: false };
}

/** Waits a moment for a session that is just being created, so that it can be closed. @returns null when none was created */
export async function pendingResult<T>(making: Promise<T> | undefined, world: Pick<World, 'clock'>): Promise<T | null> {
  if (!making) return null;
  const over = new AbortController();
  const made = await Promise.race([making.catch(() => null), pause(world.clock, CLOSE_TIMEOUT_MS, over.signal).then(() => null)]);
  over.abort();
  return made;
}

/** Server_ServerStatus_StartTime, ms UTC; 0 when unknown. */
export async function readServerStartAt(session: RawSession): Promise<number> {
  const value: unknown = (await session.read({ nodeId: 'i=2257', attributeId: AttributeIds.Value })).value?.value;
  return value instanceof Date ? validTimeMs(value) ?? 0 : 0;
}

export async function endSession(session: RawSession, world: Pick<World, 'clock'>): Promise<void> {
  const over = new AbortController();
  // A dead server does not answer; what matters is that our side is closed.
  await Promise.race([session.close(true).catch(() => undefined), pause(world.clock, CLOSE_TIMEOUT_MS, over.signal)]);
  over.abort();
}

/** Runs a task in its own session. @throws the faults of `connect`, CV_OPCUA_LOGIN, CV_OPCUA_SESSION, or the signal's reason */
export async function withSession<T>(
  settings: OpcuaSettings,
  world: World,
  signal: AbortSignal,
  use: (session: RawSession, client: OPCUAClient) => Promise<T>,
): Promise<T> {
  const clients: OPCUAClient[] = [];
  let making: Promise<RawSession> | undefined;
  const leave = async () => {
    const session = await pendingResult(making, world);
    if (session) await endSession(session, world);
    await Promise.all(clients.map((client) => client.disconnect().catch(() => undefined)));
  };
  const work = async (): Promise<T> => {
    const client = await connectClient(settings, world, { onClient: (one) => clients.push(one), signal });
    signal.throwIfAborted();
    making = client.createSession(userIdentity(settings)).then(rawSession);
    return use(await making, client);
  };
  try {
    return await untilAborted(work(), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw sessionFault(error, settings);
  } finally {
    await leave();
  }
}

/** The promise, or the signal's reason as soon as it aborts. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
