/**
 * Sends commands to their edges and takes the answers. A command is repeated while its edge is online until it is
 * answered; the edge sees to it that a repeated one is carried out once. One that was never sent expires here. One that
 * was sent and not answered in time is `unknown`, and its edge is asked on: it knows, or says that it had expired. For an
 * edge that verifies commands each sending is signed anew, with a counter of its own.
 */
import { randomBytes } from 'node:crypto';
import { FaultError, faultOf, type Fault, type FaultCode } from '../../core/faults.ts';
import { ANSWER_SCHEMA, MAX_PICTURE_BYTES, MAX_VALUES_BYTES, readMessage, type Answer, type Command } from '../../core/wire/commands.ts';
import { edgeTopic, parseEdgeTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { BrokerLink, BrokerMessage } from '../broker/link.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import type { CommandSigner } from './command-signer.ts';
import { CommandLedger, type CommandRecord } from './ledger.ts';

export interface DispatchParts {
  dir: string;
  link: Pick<BrokerLink, 'publish' | 'connected'>;
  registry: Pick<PresenceRegistry, 'isOnline' | 'device' | 'edges' | 'commandKeyOf'>;
  signer: Pick<CommandSigner, 'key'>;
  /** An edge whose certificates were revoked: its answers do not count, and it is sent nothing. */
  isRevoked?(edge: string): boolean;
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** What an operator asks for, before it is a command. */
export type CommandRequest = Without<Command, 'v' | 'id' | 'by' | 'issuedAt' | 'expiresAt' | 'over' | 'counter' | 'signature'> & {
  id?: string | undefined;
  expiresInMs: number;
};

const TICK_MS = 500;
const REPEAT_MS = 2_000;
const ASK_AGAIN_MS = 5_000;
/** An edge that comes back later than this is not asked any more what became of it. */
const ASK_UNTIL_MS = 3_600_000;
const MAX_PENDING = 1_000;
/** As much of a key's SHA-256 as people compare. */
const SHOWN_ID_LENGTH = 16;
/**
 * By these an edge says of a message, and not of the command, that it will not have it: signed anew it may, and another's
 * forgery settles nothing.
 */
const ABOUT_THE_MESSAGE: ReadonlySet<string> = new Set<FaultCode>([
  'CV_COMMAND_SHAPE', 'CV_COMMAND_UNSIGNED', 'CV_COMMAND_SIGNATURE', 'CV_COMMAND_REPLAYED', 'CV_COMMAND_KEY_UNREADABLE',
]);
/** UTF-8 takes up to three bytes a character. */
const MAX_ANSWER_BYTES = 3 * Math.max(MAX_PICTURE_BYTES, MAX_VALUES_BYTES) + (64 << 10);

export class Dispatch {
  readonly ledger: CommandLedger;
  readonly #parts: DispatchParts;
  readonly #world: World;
  readonly #lastSentMs = new Map<string, number>();
  /** Of whom it was asked what became of them, after they had expired. */
  readonly #askedAbout = new Set<string>();
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
    // Made now, so that it can be carried to edges before they verify anything; what is wrong with it is said now.
    await this.#parts.signer.key().catch((error: unknown) => {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_COMMAND_KEY_UNUSABLE') });
    });
    this.#ticks = everyMs(this.#world.clock, TICK_MS, () => this.#tick());
  }

  /**
   * Takes a command; it is on disk when this resolves. The same id with the same content is the same command.
   *
   * @param by the operator's name
   * @throws CV_API_UNKNOWN_ID, CV_COMMAND_ID_TAKEN, CV_COMMAND_BUSY, CV_COMMAND_UNRECORDED, CV_COMMAND_KEY_…
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
      await this.#checkKeyOf(edge.id);
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
    this.#follow(this.#settle(entry, read.message).finally(() => this.#busy.delete(`answer ${read.message.id}`)));
  }

  /** What an edge does not know after the command has expired, it has not done. */
  async #settle(entry: CommandRecord, answer: Answer): Promise<void> {
    const { id } = answer;
    const code = answer.fault?.code ?? '';
    // One that has its key since a moment ago has not said so yet.
    const isSigned = this.#isVerifying(entry.edge) || code === 'CV_COMMAND_UNSIGNED';
    if (answer.status === 'refused' && isSigned && ABOUT_THE_MESSAGE.has(code)) {
      this.#tellRefusal(entry, answer);
      if (!this.#askedAbout.has(id)) return this.ledger.refused(entry, answer);
    }
    await this.ledger.answered(entry, answer);
    this.#lastSentMs.delete(id);
    this.#askedAbout.delete(id);
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
    if (monotonicMs - lastMs < (isOver || entry.refusal ? ASK_AGAIN_MS : REPEAT_MS)) return;
    this.#lastSentMs.set(command.id, monotonicMs);
    this.#once(command.id, async () => {
      if (entry.sentAt === null) await this.ledger.sent(entry);
      await this.#send(entry, isOver ? { ...command, over: true } : command);
      if (isOver) this.#askedAbout.add(command.id);
    });
  }

  async #send({ centre, edge }: CommandRecord, command: Command): Promise<void> {
    const key = this.#isVerifying(edge) ? await this.#parts.signer.key() : null;
    if (key) await this.ledger.reserveCounters();
    // From the counter to the broker nothing waits: edges take them only as they grow.
    const sent = key ? key.sign(edge, command, this.ledger.takeCounter()) : command;
    await this.#parts.link.publish(edgeTopic(centre, edge, 'cmd'), JSON.stringify(sent));
  }

  #isVerifying(edge: string): boolean {
    return this.#parts.registry.commandKeyOf(edge) !== null;
  }

  /** What an edge that is there would refuse for certain is not taken. */
  async #checkKeyOf(edge: string): Promise<void> {
    const theirs = this.#parts.registry.commandKeyOf(edge);
    if (theirs === null || !this.#parts.registry.isOnline(edge)) return;
    const { id: ours } = await this.#parts.signer.key();
    if (theirs !== ours)
      throw new FaultError('CV_COMMAND_KEY_OTHER', { edge, theirs: shownKey(theirs), ours: shownKey(ours) });
  }

  /** Once for each reason of a command. */
  #tellRefusal({ edge, command, refusal }: CommandRecord, { fault }: Answer): void {
    if (!fault || fault.code === refusal?.code) return;
    this.#world.tell({ kind: 'fault', edge, device: command.device, fault: { code: fault.code as FaultCode, params: fault.params } });
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

const shownKey = (id: string): string => id.slice(0, SHOWN_ID_LENGTH);

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
