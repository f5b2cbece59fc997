/**
 * A listening port for DTUs. Devices of one port share its server; each DTU has its own connection, so that two hundred
 * are polled in parallel. A connection is identified by its registration packet, or, where it sends none, by the unit that
 * answers behind it. A new connection of a DTU replaces the old one, which mobile networks often leave half open.
 */
import type { Socket } from 'node:net';
import { FaultError } from '../../../core/faults.ts';
import { ConnectionAdmission, type AdmittedConnection } from '../../listening/admission.ts';
import { acquireSharedPort, type ConnectionHandler } from '../../listening/shared-port.ts';
import { UnconfiguredDevices } from '../../listening/unconfigured-devices.ts';
import { pause, type Timer, type World } from '../../../core/world.ts';
import '../faults.ts';
import { anyFrame } from '../rtu.ts';
import { DtuConnection } from './connection.ts';
import {
  registrationName,
  configuredName,
  matchesRegistration,
  registrationFrom,
  packetText,
  withoutHeartbeats,
  type DtuIdentity,
} from './identity.ts';

/** A packet is complete after this time without a byte. */
const PACKET_QUIET_MS = 250;
/** A DTU that has sent nothing for this time will not register: the units behind it are asked. */
const SILENT_MS = 1000;
const ASK_AGAIN_MS = 2000;
/** Unidentified connections are closed after this time: their device may only be starting. */
const UNKNOWN_MS = 15_000;
const MAX_CONNECTIONS = 4096;

/** A configured DTU. */
export interface DtuEntry {
  recognition: DtuIdentity;
  connection: DtuConnection | null;
  /** Links that use it or wait for it. */
  users: number;
  /** Whether its identifying unit answers on this connection; for DTUs without registration packet. */
  answersOn(connection: DtuConnection, signal: AbortSignal): Promise<boolean>;
  /** Called when it has dialled in. */
  waiting: Set<() => void>;
}

/** @returns rejects with CV_MODBUS_LISTEN */
export async function acquireDtuServer(listen: string, world: World): Promise<{ server: DtuServer; release(): void }> {
  const { handler: server, release } = await acquireSharedPort(
    { name: 'modbus', fault: 'CV_MODBUS_LISTEN' },
    listen,
    world,
    () => new DtuServer(listen, world),
  );
  return { server, release };
}

export class DtuServer implements ConnectionHandler {
  readonly listen: string;
  readonly #world: World;
  readonly #members = new Map<string, DtuEntry>();
  readonly #connections = new Set<DtuConnection>();
  readonly #unknown = new Map<DtuConnection, AdmittedConnection>();
  /** Heartbeats of all DTUs, without duplicates. */
  readonly #heartbeats = new Map<string, Buffer>();
  /** Received bytes a moment ago: the packet may be incomplete. */
  readonly #receiving = new Set<DtuConnection>();
  readonly #unconfigured: UnconfiguredDevices;
  readonly #admission: ConnectionAdmission;
  readonly #ending = new AbortController();

  constructor(listen: string, world: World) {
    this.listen = listen;
    this.#world = world;
    this.#admission = new ConnectionAdmission(world, listen, MAX_CONNECTIONS);
    this.#unconfigured = new UnconfiguredDevices('modbus', listen, world.tell);
  }

  /** Adds a user to the entry of that name, which is created where it is new. */
  addUser(recognition: DtuIdentity, answersOn: DtuEntry['answersOn']): DtuEntry {
    const { name } = recognition;
    const dtu = this.#members.get(name) ?? { recognition, connection: null, users: 0, answersOn, waiting: new Set() };
    Object.assign(dtu, { recognition, answersOn, users: dtu.users + 1 });
    this.#members.set(name, dtu);
    for (const heartbeat of recognition.heartbeats) this.#heartbeats.set(heartbeat.toString('hex'), heartbeat);
    // A DTU may dial in before its device is opened.
    for (const connection of this.#unknown.keys())
      if (!this.#receiving.has(connection) && isRegisteredAs(this.#receivedBy(connection), dtu)) this.#identified(connection, dtu);
    return dtu;
  }

  /** Removes a user. The connection stays for the next one, unless its peer seems to be gone. */
  removeUser(dtu: DtuEntry): void {
    dtu.users -= 1;
    if (dtu.users === 0 && dtu.connection?.owesAnswer) dtu.connection.close(closedHere(this.listen));
  }

  accept(socket: Socket): void {
    const connection = new DtuConnection(socket, this.listen);
    const admission = this.#admission.admit(socket, () => connection.close(closedHere(this.listen)));
    if (admission) this.#add(connection, admission);
    else connection.close(closedHere(this.listen));
  }

  close(): void {
    this.#ending.abort();
    for (const connection of this.#connections) connection.close(closedHere(this.listen));
  }

  #add(connection: DtuConnection, admission: AdmittedConnection): void {
    this.#connections.add(connection);
    connection.onClose(() => {
      this.#connections.delete(connection);
      this.#unknown.delete(connection);
      this.#receiving.delete(connection);
      for (const dtu of this.#members.values()) if (dtu.connection === connection) dtu.connection = null;
    });
    this.#unknown.set(connection, admission);
    this.#identify(connection).catch((error: unknown) => connection.close(error instanceof FaultError ? error : closedHere(this.listen)));
  }

  /** Identifies a connection by its packet, else by asking the units behind it. */
  async #identify(connection: DtuConnection): Promise<void> {
    const { clock } = this.#world;
    const untilMs = clock.monotonicMs() + UNKNOWN_MS;
    let quiet: Timer | null = null;
    connection.listenForPacket(() => {
      quiet?.cancel();
      this.#receiving.add(connection);
      quiet = clock.after(PACKET_QUIET_MS, () => {
        this.#receiving.delete(connection);
        this.#match(connection);
      });
    });
    await pause(clock, SILENT_MS, this.#ending.signal);
    while (this.#unknown.has(connection) && clock.monotonicMs() < untilMs) {
      if (this.#receivedBy(connection).length === 0) await this.#ask(connection);
      else this.#match(connection);
      if (this.#unknown.has(connection)) await pause(clock, ASK_AGAIN_MS, this.#ending.signal);
    }
    if (this.#unknown.has(connection)) this.#refuse(connection);
  }

  #match(connection: DtuConnection): void {
    if (!this.#unknown.has(connection) || this.#receiving.has(connection)) return;
    const packet = this.#receivedBy(connection);
    const dtu = packet.length > 0 && [...this.#members.values()].find((one) => isRegisteredAs(packet, one));
    if (dtu) this.#identified(connection, dtu);
  }

  /** Asks a silent connection for each unit that identifies a DTU, unconnected ones first. */
  async #ask(connection: DtuConnection): Promise<void> {
    const candidates = [...this.#members.values()].filter(({ recognition, users }) => users > 0 && !recognition.registration);
    for (const dtu of candidates.toSorted((a, b) => Number(a.connection !== null) - Number(b.connection !== null))) {
      if (connection.closeFault || !this.#unknown.has(connection)) return;
      if (await dtu.answersOn(connection, this.#ending.signal)) return this.#identified(connection, dtu);
    }
  }

  #identified(connection: DtuConnection, dtu: DtuEntry): void {
    this.#unknown.get(connection)?.setConfigured(true);
    this.#unknown.delete(connection);
    for (const name of new Set([registrationName(this.#receivedBy(connection)), configuredName(dtu.recognition)]))
      this.#unconfigured.markConfigured(name);
    const old = dtu.connection;
    dtu.connection = connection;
    connection.listenForPacket(null);
    // Its answer to our request is no registration packet.
    if (!dtu.recognition.registration) connection.packet = Buffer.alloc(0);
    old?.close(
      new FaultError('CV_LINK_CLOSED', {
        address: `${this.listen} (${old.peer})`,
        detail: `${dtu.recognition.name} dialled in again from ${connection.peer}`,
        detailZh: `${dtu.recognition.name} 已从 ${connection.peer} 重新拨入`,
      }),
    );
    for (const wake of dtu.waiting) wake();
  }

  #refuse(connection: DtuConnection): void {
    const packet = this.#receivedBy(connection);
    const { listen } = this;
    const registration = registrationFrom(packet);
    this.#unconfigured.report(
      {
        id: registrationName(packet),
        peer: connection.peer,
        firstBytes: packet,
        settings: { transport: 'dtu', listen, ...(registration && { registration }) },
      },
      { code: 'CV_MODBUS_DTU_UNKNOWN', params: { listen, peer: connection.peer, said: packetText(packet) } },
    );
    connection.close(closedHere(this.listen));
  }

  /** Bytes received so far, without heartbeats of any DTU. */
  #receivedBy(connection: DtuConnection): Buffer {
    return withoutHeartbeats(connection.packet, [...this.#heartbeats.values()]);
  }
}

function isRegisteredAs(packet: Buffer, { recognition }: DtuEntry): boolean {
  if (recognition.registration) return matchesRegistration(packet, recognition);
  // It sends frames by itself: identified by the unit of the first one.
  return anyFrame(packet)?.[0] === recognition.unit;
}

function closedHere(address: string): FaultError {
  return new FaultError('CV_LINK_CLOSED', { address, detail: 'by this edge', detailZh: '本端断开' });
}
