/** A link to the units behind one DTU, over the connection that it dialled last. */
import { FaultError } from '../../../core/faults.ts';
import { pause, type World } from '../../../core/world.ts';
import '../faults.ts';
import { GuardedPort } from '../port.ts';
import { requests, type ModbusRequest } from '../requests.ts';
import { rtuFraming } from '../rtu.ts';
import { openSession, type ModbusLink, type ModbusSession } from '../session.ts';
import { dtuName, settleMsOf, type ModbusPoint, type ModbusSettings } from '../settings.ts';
import { mbapThroughDtu } from './heartbeat-removal.ts';
import type { DtuConnection } from './connection.ts';
import { acquireDtuServer, type DtuServer, type DtuEntry } from './server.ts';
import { dtuIdentity, type DtuIdentity } from './identity.ts';

/** How long open waits for the DTU to dial; less than the host's limit, so that this fault gives the reason. */
const DIAL_MS = 8000;
/** How long a unit may take to answer when it is asked for. */
const ANSWER_MS = 1500;

/**
 * Waits until the DTU has dialled in.
 *
 * @returns rejects with CV_MODBUS_LISTEN, CV_MODBUS_DTU_ABSENT or the signal's reason
 */
export async function openDtuLink(
  settings: ModbusSettings,
  points: readonly ({ id: string } & ModbusPoint)[],
  world: World,
  signal: AbortSignal,
): Promise<ModbusLink> {
  if (signal.aborted) throw signal.reason;
  const listen = String(settings.listen);
  const recognition = dtuIdentity(dtuName(settings.registration, settings.unit), settings);
  const [question = anyRegister(settings.unit)] = requests(points, settings);
  const { server, release: releaseServer } = await acquireDtuServer(listen, world);
  const dtu = server.addUser(recognition, (connection, ending) =>
    answersOn({ connection, settings, recognition, question: { ...question, unit: recognition.unit } }, world, ending),
  );
  const release = () => {
    server.removeUser(dtu);
    releaseServer();
  };
  try {
    await waitForDial(server, dtu, world, signal);
  } catch (error) {
    release();
    throw error;
  }
  return linkTo({ server, dtu, release }, settings, world);
}

/** The entry of a DTU at its server. */
interface DtuLease {
  server: DtuServer;
  dtu: DtuEntry;
  release(): void;
}

function linkTo({ server, dtu, release }: DtuLease, settings: ModbusSettings, world: World): ModbusLink {
  const refused = new Set<string>();
  let guard: GuardedPort | null = null;
  let session: ModbusSession | null = null;
  let isClosed = false;
  /** The session over the newest connection, opened when it is needed. */
  function current(): ModbusSession {
    const { connection } = dtu;
    if (!session || (guard?.closeFault && connection && !isClosed)) {
      if (!connection)
        throw new FaultError('CV_LINK_CLOSED', {
          address: `${server.listen} (${dtu.recognition.name})`,
          detail: 'by the device',
          detailZh: '设备主动断开',
        });
      guard = guardOver(connection, settings, dtu.recognition, world);
      session = openSession(guard, refused);
    }
    return session;
  }
  return {
    exchange: async (request, signal) => current().exchange(request, signal),
    identify: async (unit, signal) => current().identify(unit, signal),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await guard?.close();
      release();
    },
  };
}

async function waitForDial(server: DtuServer, dtu: DtuEntry, world: World, signal: AbortSignal): Promise<void> {
  if (dtu.connection) return;
  const waiting = new AbortController();
  const wake = () => waiting.abort();
  dtu.waiting.add(wake);
  const timedOut = await pause(world.clock, DIAL_MS, AbortSignal.any([waiting.signal, signal]));
  dtu.waiting.delete(wake);
  if (signal.aborted) throw signal.reason;
  if (timedOut) throw new FaultError('CV_MODBUS_DTU_ABSENT', { unit: dtu.recognition.name, listen: server.listen });
}

function guardOver(
  connection: DtuConnection,
  settings: ModbusSettings,
  { heartbeats, registration }: DtuIdentity,
  world: World,
): GuardedPort {
  // It may repeat its registration at any time: as configured, or as the whole packet.
  const own = registration?.hex ?? Buffer.from(registration?.ascii ?? registration?.imei ?? '');
  const patterns = () => [...heartbeats, own, connection.packet];
  const framing = settings.framing === 'rtu' ? rtuFraming({ patterns }) : mbapThroughDtu(patterns);
  return new GuardedPort(connection.stream(), { framing, settleMs: settleMsOf(settings) }, world);
}

interface UnitCheck {
  connection: DtuConnection;
  settings: ModbusSettings;
  recognition: DtuIdentity;
  question: ModbusRequest;
}

/** Any answer counts, also an exception. */
async function answersOn({ connection, settings, recognition, question }: UnitCheck, world: World, ending: AbortSignal): Promise<boolean> {
  const guard = guardOver(connection, settings, recognition, { ...world, tell: () => {} });
  const limit = new AbortController();
  const timer = world.clock.after(ANSWER_MS, () =>
    limit.abort(new FaultError('CV_LINK_TIMEOUT', { address: connection.peer, timeoutMs: ANSWER_MS })),
  );
  try {
    await openSession(guard, new Set()).exchange({ ...question, items: [] }, AbortSignal.any([limit.signal, ending]));
    return true;
  } catch (error) {
    if (error instanceof FaultError || error === ending.reason) return false;
    throw error;
  } finally {
    timer.cancel();
    await guard.close();
  }
}

function anyRegister(unit: number): ModbusRequest {
  return { unit, fc: 3, start: 0, count: 1, items: [], points: [] };
}
