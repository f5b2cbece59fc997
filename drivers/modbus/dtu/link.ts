/** A link to the units behind one data unit: over whichever connection it has dialled last. */
import { FaultError } from '../../../core/faults.ts';
import { pause, type World } from '../../../core/world.ts';
import '../faults.ts';
import { GuardedPort } from '../port.ts';
import { requests, type ModbusRequest } from '../requests.ts';
import { rtuFraming } from '../rtu.ts';
import { sessionOver, type ModbusLink, type Session } from '../session.ts';
import { dataUnitName, settleMsOf, type ModbusPoint, type ModbusSettings } from '../settings.ts';
import { mbapThroughUnit } from '../stripping.ts';
import type { Connection } from './connection.ts';
import { hubOf, type Hub, type Member } from './hub.ts';
import { recognitionOf, type Recognition } from './recognition.ts';

/** How long an opening waits for the unit to dial; a little less than the host gives an opening, so that this says why. */
const DIAL_MS = 8000;
/** A unit that is asked whether it is there has so long to answer. */
const ANSWER_MS = 1500;

/**
 * Waits until the data unit has dialled in.
 *
 * @returns rejects with CV_MODBUS_LISTEN, CV_MODBUS_DTU_ABSENT or the signal's reason
 */
export async function dataUnit(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[], world: World, signal: AbortSignal): Promise<ModbusLink> {
  if (signal.aborted) throw signal.reason;
  const listen = String(settings.listen);
  const recognition = recognitionOf(dataUnitName(settings.registration, settings.unit), settings);
  const [question = anyRegister(settings.unit)] = requests(points, settings);
  const { hub, leave } = await hubOf(listen, world);
  const member = hub.join(recognition, (connection, ending) => answersOn({ connection, settings, recognition, question: { ...question, unit: recognition.unit } }, world, ending));
  const release = () => {
    hub.leave(member);
    leave();
  };
  try {
    await dialledIn(hub, member, world, signal);
  } catch (error) {
    release();
    throw error;
  }
  return linkTo({ hub, member, release }, settings, world);
}

/** A data unit's place at its port. */
interface Place {
  hub: Hub;
  member: Member;
  release(): void;
}

function linkTo({ hub, member, release }: Place, settings: ModbusSettings, world: World): ModbusLink {
  const refused = new Set<string>();
  let guard: GuardedPort | null = null;
  let session: Session | null = null;
  let isClosed = false;
  /** The session over the newest connection: one that was replaced while nobody asked costs nothing. */
  function current(): Session {
    const { connection } = member;
    if (!session || (guard?.end && connection && !isClosed)) {
      if (!connection) throw new FaultError('CV_LINK_CLOSED', { address: `${hub.listen} (${member.recognition.name})`, detail: 'by the device', detailZh: '设备主动断开' });
      guard = guardOver(connection, settings, member.recognition, world);
      session = sessionOver(guard, refused);
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

async function dialledIn(hub: Hub, member: Member, world: World, signal: AbortSignal): Promise<void> {
  if (member.connection) return;
  const waiting = new AbortController();
  const wake = () => waiting.abort();
  member.waiting.add(wake);
  const timedOut = await pause(world.clock, DIAL_MS, AbortSignal.any([waiting.signal, signal]));
  member.waiting.delete(wake);
  if (signal.aborted) throw signal.reason;
  if (timedOut) throw new FaultError('CV_MODBUS_DTU_ABSENT', { unit: member.recognition.name, listen: hub.listen });
}

function guardOver(connection: Connection, settings: ModbusSettings, { heartbeats, registration }: Recognition, world: World): GuardedPort {
  // It may send its registration again at any time: as it was configured, or with all that stood around it.
  const own = registration?.hex ?? Buffer.from(registration?.ascii ?? registration?.imei ?? '');
  const patterns = () => [...heartbeats, own, connection.packet];
  const framing = settings.framing === 'rtu' ? rtuFraming({ patterns }) : mbapThroughUnit(patterns);
  return new GuardedPort(connection.wire(), { framing, settleMs: settleMsOf(settings) }, world);
}

interface Asking {
  connection: Connection;
  settings: ModbusSettings;
  recognition: Recognition;
  question: ModbusRequest;
}

/** Any answer will do, an exception too. */
async function answersOn({ connection, settings, recognition, question }: Asking, world: World, ending: AbortSignal): Promise<boolean> {
  const guard = guardOver(connection, settings, recognition, { ...world, tell: () => {} });
  const limit = new AbortController();
  const timer = world.clock.after(ANSWER_MS, () => limit.abort(new FaultError('CV_LINK_TIMEOUT', { address: connection.peer, timeoutMs: ANSWER_MS })));
  try {
    await sessionOver(guard, new Set()).exchange({ ...question, items: [] }, AbortSignal.any([limit.signal, ending]));
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
