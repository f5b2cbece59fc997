/**
 * One listening port and the data units that dial it. Devices of one port share its server; each unit has its own
 * connection, so two hundred are asked side by side. A connection is known by its registration packet, or, where it
 * says nothing, by the unit that answers behind it. A new one of a known unit takes the place of the old one, which a
 * mobile network often leaves half open.
 */
import type { Socket } from 'node:net';
import { FaultError } from '../../../core/faults.ts';
import { ConnectionAdmission, type AdmittedConnection } from '../../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../../listening/shared-port.ts';
import { UnconfiguredDevices } from '../../listening/unconfigured-devices.ts';
import { pause, type Timer, type World } from '../../../core/world.ts';
import '../faults.ts';
import { anyFrame } from '../rtu.ts';
import { Connection } from './connection.ts';
import { nameIn, nameOf, registers, registrationIn, shown, withoutHeartbeats, type Recognition } from './recognition.ts';

/** A packet is whole when nothing has come for so long. */
const PACKET_QUIET_MS = 250;
/** A unit that has said nothing for so long will not register: it is asked who answers behind it. */
const SILENT_MS = 1000;
const ASK_AGAIN_MS = 2000;
/** Unknown ones are let go after so long: the device that names them may only be starting. */
const UNKNOWN_MS = 15_000;
const MAX_CONNECTIONS = 4096;

/** A data unit that some device names. */
export interface Member {
  recognition: Recognition;
  connection: Connection | null;
  /** Links that are open on it or wait for it. */
  users: number;
  /** Whether the unit it is known by answers on this connection; used for those that send no packet. */
  answersOn(connection: Connection, signal: AbortSignal): Promise<boolean>;
  /** Called when it has dialled in. */
  waiting: Set<() => void>;
}

/** @returns rejects with CV_MODBUS_LISTEN */
export async function hubOf(listen: string, world: World): Promise<{ hub: Hub; leave(): void }> {
  const { handler: reception, release: leave } = await acquireSharedPort({ name: 'modbus', fault: 'CV_MODBUS_LISTEN' }, listen, world, () => new Hub(listen, world));
  return { hub: reception, leave };
}

export class Hub implements ConnectionHandler {
  readonly listen: string;
  readonly #world: World;
  readonly #members = new Map<string, Member>();
  readonly #connections = new Set<Connection>();
  readonly #unknown = new Map<Connection, AdmittedConnection>();
  /** Of all members, each once. */
  readonly #heartbeats = new Map<string, Buffer>();
  /** Said something a moment ago: it may not be all. */
  readonly #speaking = new Set<Connection>();
  readonly #strangers: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;
  readonly #ending = new AbortController();

  constructor(listen: string, world: World) {
    this.listen = listen;
    this.#world = world;
    this.#admission = new ConnectionAdmission(world, listen, MAX_CONNECTIONS);
    this.#strangers = new UnconfiguredDevices('modbus', listen, world.tell);
  }

  /** Takes a member in, or gives the one of that name. */
  join(recognition: Recognition, answersOn: Member['answersOn']): Member {
    const { name } = recognition;
    const member = this.#members.get(name) ?? { recognition, connection: null, users: 0, answersOn, waiting: new Set() };
    Object.assign(member, { recognition, answersOn, users: member.users + 1 });
    this.#members.set(name, member);
    for (const heartbeat of recognition.heartbeats) this.#heartbeats.set(heartbeat.toString('hex'), heartbeat);
    // One that dialled in before its device was opened.
    for (const connection of this.#unknown.keys()) if (!this.#speaking.has(connection) && isRegisteredAs(this.#said(connection), member)) this.#known(connection, member);
    return member;
  }

  /** A link lets go. The connection stays for the next one, unless its peer seems to be gone. */
  leave(member: Member): void {
    member.users -= 1;
    if (member.users === 0 && member.connection?.owesAnswer) member.connection.over(closedHere(this.listen));
  }

  accept(socket: Socket): void {
    const connection = new Connection(socket, this.listen);
    const guest = this.#admission.admit(socket, () => connection.over(closedHere(this.listen)));
    if (guest) this.#dialled(connection, guest);
    else connection.over(closedHere(this.listen));
  }

  close(): void {
    this.#ending.abort();
    for (const connection of this.#connections) connection.over(closedHere(this.listen));
  }

  #dialled(connection: Connection, guest: AdmittedConnection): void {
    this.#connections.add(connection);
    connection.onEnd(() => {
      this.#connections.delete(connection);
      this.#unknown.delete(connection);
      this.#speaking.delete(connection);
      for (const member of this.#members.values()) if (member.connection === connection) member.connection = null;
    });
    this.#unknown.set(connection, guest);
    this.#recognise(connection).catch((error: unknown) => connection.over(error instanceof FaultError ? error : closedHere(this.listen)));
  }

  /** Finds out who it is: by its packet when there is one, else by asking. */
  async #recognise(connection: Connection): Promise<void> {
    const { clock } = this.#world;
    const untilMs = clock.monotonicMs() + UNKNOWN_MS;
    let quiet: Timer | null = null;
    connection.listenForPacket(() => {
      quiet?.cancel();
      this.#speaking.add(connection);
      quiet = clock.after(PACKET_QUIET_MS, () => {
        this.#speaking.delete(connection);
        this.#match(connection);
      });
    });
    await pause(clock, SILENT_MS, this.#ending.signal);
    while (this.#unknown.has(connection) && clock.monotonicMs() < untilMs) {
      if (this.#said(connection).length === 0) await this.#ask(connection);
      else this.#match(connection);
      if (this.#unknown.has(connection)) await pause(clock, ASK_AGAIN_MS, this.#ending.signal);
    }
    if (this.#unknown.has(connection)) this.#refuse(connection);
  }

  #match(connection: Connection): void {
    if (!this.#unknown.has(connection) || this.#speaking.has(connection)) return;
    const said = this.#said(connection);
    const member = said.length > 0 && [...this.#members.values()].find((one) => isRegisteredAs(said, one));
    if (member) this.#known(connection, member);
  }

  /** Asks a silent one for each unit that is known by nothing else, those that are missing first. */
  async #ask(connection: Connection): Promise<void> {
    const candidates = [...this.#members.values()].filter(({ recognition, users }) => users > 0 && !recognition.registration);
    for (const member of candidates.toSorted((a, b) => Number(a.connection !== null) - Number(b.connection !== null))) {
      if (connection.end || !this.#unknown.has(connection)) return;
      if (await member.answersOn(connection, this.#ending.signal)) return this.#known(connection, member);
    }
  }

  #known(connection: Connection, member: Member): void {
    this.#unknown.get(connection)?.setConfigured(true);
    this.#unknown.delete(connection);
    for (const name of new Set([nameIn(this.#said(connection)), nameOf(member.recognition)])) this.#strangers.markConfigured(name);
    const old = member.connection;
    member.connection = connection;
    connection.listenForPacket(null);
    // What it answered to our asking is no packet that it may send again.
    if (!member.recognition.registration) connection.packet = Buffer.alloc(0);
    old?.over(new FaultError('CV_LINK_CLOSED', { address: `${this.listen} (${old.peer})`, detail: `${member.recognition.name} dialled in again from ${connection.peer}`, detailZh: `${member.recognition.name} 已从 ${connection.peer} 重新拨入` }));
    for (const wake of member.waiting) wake();
  }

  #refuse(connection: Connection): void {
    const said = this.#said(connection);
    const { listen } = this;
    const registration = registrationIn(said);
    this.#strangers.report(
      { id: nameIn(said), peer: connection.peer, firstBytes: said, settings: { transport: 'dtu', listen, ...(registration && { registration }) } },
      { code: 'CV_MODBUS_DTU_UNKNOWN', params: { listen, peer: connection.peer, said: shown(said) } },
    );
    connection.over(closedHere(this.listen));
  }

  /** What it said so far, without heartbeats of any member. */
  #said(connection: Connection): Buffer {
    return withoutHeartbeats(connection.packet, [...this.#heartbeats.values()]);
  }
}

function isRegisteredAs(said: Buffer, { recognition }: Member): boolean {
  if (recognition.registration) return registers(said, recognition);
  // It speaks by itself: the unit of its first frame.
  return anyFrame(said)?.[0] === recognition.unit;
}

function closedHere(address: string): FaultError {
  return new FaultError('CV_LINK_CLOSED', { address, detail: 'by this edge', detailZh: '本端断开' });
}
