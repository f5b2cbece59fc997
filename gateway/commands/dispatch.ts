/**
 * Sends commands to their edges and takes the answers. A command is repeated while its edge is online until it is
 * answered; the edge sees to it that a repeated one is carried out once. One that was never sent expires here. One that
 * was sent and not answered in time is `unknown`, and its edge is asked on: it knows, or says that it had expired.
 */
import { randomBytes } from 'node:crypto';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import { ANSWER_SCHEMA, MAX_PICTURE_BYTES, MAX_VALUES_BYTES, readMessage, type Command } from '../../core/wire/commands.ts';
import { edgeTopic, parseEdgeTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { BrokerLink, BrokerMessage } from '../broker/link.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import { CommandLedger, type CommandRecord } from './ledger.ts';

export interface DispatchParts {
  dir: string;
  link: Pick<BrokerLink, 'publish' | 'connected'>;
  registry: Pick<PresenceRegistry, 'isOnline' | 'device' | 'edges'>;
  /** An edge whose certificates were revoked: its answers do not count, and it is sent nothing. */
  isRevoked?(edge: string): boolean;
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** What an operator asks for, before it is a command. */
export type CommandRequest = Without<Command, 'v' | 'id' | 'by' | 'issuedAt' | 'expiresAt' | 'over'> & {
  id?: string | undefined;
  expiresInMs: number;
};

const TICK_MS = 500;
const REPEAT_MS = 2_000;
const ASK_AGAIN_MS = 5_000;
/** An edge that comes back later than this is not asked any more what became of it. */
const ASK_UNTIL_MS = 3_600_000;
const MAX_PENDING = 1_000;
/** UTF-8 takes up to three bytes a character. */
const MAX_ANSWER_BYTES = 3 * Math.max(MAX_PICTURE_BYTES, MAX_VALUES_BYTES) + (64 << 10);

export class Dispatch {
  readonly ledger: CommandLedger;
  readonly #parts: DispatchParts;
  readonly #world: World;
  readonly #lastSentMs = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #work = new Set<Promise<void>>();
  #ticks: Timer | null = null;

  constructor(parts: DispatchParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.ledger = new CommandLedger(parts.dir, world);
  }

  async open(): Promise<void> {
    await this.ledger.open();
    this.#ticks = everyMs(this.#world.clock, TICK_MS, () => this.#tick());
  }

  /**
   * Takes a command; it is on disk when this resolves. The same id with the same content is the same command.
   *
   * @param by the operator's name
   * @throws CV_API_UNKNOWN_ID, CV_COMMAND_ID_TAKEN, CV_COMMAND_BUSY, CV_COMMAND_UNRECORDED
   */
  async ask({ id = randomBytes(12).toString('base64url'), expiresInMs, ...request }: CommandRequest, by: string): Promise<CommandRecord> {
    const before = this.ledger.get(id);
    if (before) {
      if (before.command.by === by && isSame(before.command, request)) return before;
      throw new FaultError('CV_COMMAND_ID_TAKEN', { id });
    }
    const device = this.#parts.registry.device(request.device);
    const edge = this.#parts.registry.edges().find((one) => one.id === device?.edge);
    if (!device || !edge)
      throw new FaultError('CV_API_UNKNOWN_ID', { what: 'device', whatZh: '设备', id: request.device, list: '/api/v1/devices' });
    if (this.ledger.all().filter(({ answer }) => !answer).length >= MAX_PENDING)
      throw new FaultError('CV_COMMAND_BUSY', { count: MAX_PENDING });
    const issuedAt = this.#world.clock.nowMs();
    const command = { v: WIRE_VERSION, id, ...request, by, issuedAt, expiresAt: issuedAt + expiresInMs } as Command;
    if (this.#busy.has(id)) throw new FaultError('CV_COMMAND_ID_TAKEN', { id });
    this.#busy.add(id);
    try {
      const entry = await this.ledger.asked(command, edge.id, edge.centre);
      this.#busy.delete(id);
      this.#push(entry);
      return entry;
    } finally {
      this.#busy.delete(id);
    }
  }

  /** A message of an `rsp` topic. */
  take({ topic, payload }: BrokerMessage): void {
    const address = parseEdgeTopic(topic);
    if (address?.leaf !== 'rsp' || this.#parts.isRevoked?.(address.edge)) return;
    const read = readMessage(ANSWER_SCHEMA, payload, MAX_ANSWER_BYTES);
    const entry = read.ok ? this.ledger.get(read.message.id) : undefined;
    const problem = !read.ok ? read.detail : !entry || entry.edge !== address.edge ? 'no command of this edge has that id' : null;
    if (!read.ok || !entry || problem !== null) {
      this.#world.tell({ kind: 'batch_refused', code: 'CV_COMMAND_SHAPE', sender: address.edge });
      this.#world.tell({
        kind: 'fault',
        edge: address.edge,
        fault: { code: 'CV_COMMAND_SHAPE', params: { detail: `rsp: ${problem ?? ''}` } },
      });
      return;
    }
    if (entry.answer || this.#busy.has(`answer ${read.message.id}`)) return;
    this.#busy.add(`answer ${read.message.id}`);
    this.#follow(this.ledger.answered(entry, read.message).finally(() => {
      this.#busy.delete(`answer ${read.message.id}`);
      this.#lastSentMs.delete(read.message.id);
    }));
  }

  async close(): Promise<void> {
    this.#ticks?.cancel();
    await Promise.all(this.#work);
    await this.ledger.close();
  }

  #tick(): void {
    for (const entry of this.ledger.all()) if (!entry.answer) this.#push(entry);
  }

  /** Whatever is due for a command that is not settled. */
  #push(entry: CommandRecord): void {
    const { command, edge, sentAt } = entry;
    const nowMs = this.#world.clock.nowMs();
    if (this.#busy.has(command.id)) return;
    const isOver = nowMs >= command.expiresAt;
    if (isOver && sentAt === null) {
      const fault: Fault = { code: 'CV_COMMAND_UNDELIVERED', params: { edge } };
      return this.#once(command.id, () =>
        this.ledger.answered(entry, {
          v: WIRE_VERSION,
          id: command.id,
          status: 'expired',
          fault: { code: fault.code, params: { edge } },
          at: nowMs,
        }),
      );
    }
    const isReachable = this.#parts.link.connected && this.#parts.registry.isOnline(edge) && !this.#parts.isRevoked?.(edge);
    if (nowMs >= command.expiresAt + ASK_UNTIL_MS || !isReachable) return;
    const lastMs = this.#lastSentMs.get(command.id) ?? -Infinity;
    const monotonicMs = this.#world.clock.monotonicMs();
    if (monotonicMs - lastMs < (isOver ? ASK_AGAIN_MS : REPEAT_MS)) return;
    this.#lastSentMs.set(command.id, monotonicMs);
    this.#once(command.id, async () => {
      if (entry.sentAt === null) await this.ledger.sent(entry);
      await this.#parts.link.publish(edgeTopic(entry.centre, edge, 'cmd'), JSON.stringify(isOver ? { ...command, over: true } : command));
    });
  }

  #once(id: string, work: () => Promise<void>): void {
    this.#busy.add(id);
    this.#follow(work().finally(() => this.#busy.delete(id)));
  }

  #follow(work: Promise<void>): void {
    const done: Promise<void> = work.catch((error: unknown) => {
      // It is tried again at the next tick.
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_BROKER_UNREACHABLE', { url: '' }) });
    }).finally(() => this.#work.delete(done));
    this.#work.add(done);
  }
}

function isSame(command: Command, request: Omit<CommandRequest, 'expiresInMs' | 'id'>): boolean {
  const { v: _v, id: _id, by: _by, issuedAt: _issuedAt, expiresAt: _expiresAt, over: _over, ...content } = command;
  const text = (value: object) =>
    JSON.stringify(
      Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  return text(content) === text(request);
}
