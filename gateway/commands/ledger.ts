/**
 * The ledger: every command that was given here, with what became of it. Written to the journal before anything is done,
 * and rebuilt from it, so a gateway that was killed goes on asking for the answers it is owed.
 */
import { createHash } from 'node:crypto';
import type { Fault } from '../../core/faults.ts';
import { faultOf, FaultError } from '../../core/faults.ts';
import { openJournal, type Journal, type JournalLine } from '../../log/journal.ts';
import { ANSWER_SCHEMA, COMMAND_SCHEMA, type Answer, type Command } from '../../core/wire/commands.ts';
import type { World } from '../../core/world.ts';

export interface CommandRecord {
  command: Command;
  edge: string;
  centre: string;
  /** When it was first handed to the broker; null: the edge cannot have had it. */
  sentAt: number | null;
  /** The edge's, or ours where it cannot have had it. */
  answer: Answer | null;
  answeredAt: number | null;
  /** Why the edge did not take the message in which it came. It is sent again: what an edge refuses so may be taken when signed anew. */
  refusal: Answer['fault'] | null;
}

const KEPT = 10_000;
/** Pictures stay in memory alone, those of the newest snapshots. */
const PICTURES_KEPT = 16;
/** Counters that are put on record ahead, so that not every message costs a line; a restart leaves out those that were not used. */
const RESERVED = 60_000;

export class CommandLedger {
  readonly #entries = new Map<string, CommandRecord>();
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #dir: string;
  #journal: Journal | null = null;
  #counter = 0;
  /** No counter above it is given out: it stands on every line of the journal, so it is known from the end of it. */
  #reservedTo = 0;

  constructor(dir: string, world: Pick<World, 'clock' | 'tell'>) {
    this.#dir = dir;
    this.#world = world;
  }

  /** Where it cannot be opened it says so, and no command is taken. */
  async open(): Promise<void> {
    try {
      this.#journal = await openJournal(this.#dir);
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: this.#unrecorded(error) });
      return;
    }
    for (const fault of this.#journal.faults) this.#world.tell({ kind: 'fault', fault });
    for (const line of this.#journal.lines) this.#replay(line);
  }

  get(id: string): CommandRecord | undefined {
    return this.#entries.get(id);
  }

  all(): CommandRecord[] {
    return [...this.#entries.values()];
  }

  /** On disk when it resolves. @throws CV_COMMAND_UNRECORDED: then it does not exist */
  async asked(command: Command, edge: string, centre: string): Promise<CommandRecord> {
    await this.#write({ step: 'asked', id: command.id, command, edge, centre });
    return this.#add(command, edge, centre);
  }

  /** Before it is handed to the broker for the first time. @throws CV_COMMAND_UNRECORDED */
  async sent(entry: CommandRecord): Promise<void> {
    const at = this.#world.clock.nowMs();
    await this.#write({ step: 'sent', id: entry.command.id });
    entry.sentAt = at;
  }

  /** @throws CV_COMMAND_UNRECORDED: then it is asked for again */
  async answered(entry: CommandRecord, answer: Answer): Promise<void> {
    const { picture, ...rest } = answer;
    const seen = picture
      ? { picture: { bytes: picture.jpegBase64.length, sha256: createHash('sha256').update(picture.jpegBase64).digest('hex') } }
      : {};
    await this.#write({ step: 'answered', id: answer.id, answer: rest, ...seen });
    entry.answer = answer;
    entry.answeredAt = this.#world.clock.nowMs();
    if (picture) this.#forgetPictures();
  }

  /** The message in which it came was not taken as ours; once on record for each reason. @throws CV_COMMAND_UNRECORDED */
  async refused(entry: CommandRecord, answer: Answer): Promise<void> {
    if (answer.fault === undefined || entry.refusal?.code === answer.fault.code) return;
    await this.#write({ step: 'refused', id: answer.id, answer });
    entry.refusal = answer.fault;
  }

  /**
   * Sees to it that there are counters to be had; those that may be given out are on disk when it resolves. They go with the
   * time, so that a gateway whose record was lost goes on above what edges have seen. @throws CV_COMMAND_UNRECORDED
   */
  async reserveCounters(): Promise<void> {
    const next = this.#nextCounter();
    if (next + RESERVED / 2 <= this.#reservedTo) return;
    await this.#write({ step: 'reserved', id: '-', reservedTo: next + RESERVED });
    this.#reservedTo = Math.max(this.#reservedTo, next + RESERVED);
  }

  /** One that was never given out, above all that were. @throws CV_COMMAND_UNRECORDED where none was reserved */
  takeCounter(): number {
    const next = this.#nextCounter();
    if (next > this.#reservedTo) {
      const detail = `${next} > ${this.#reservedTo}`;
      throw new FaultError('CV_COMMAND_UNRECORDED', { path: this.#dir, detail });
    }
    this.#counter = next;
    return next;
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #nextCounter(): number {
    return Math.max(this.#counter + 1, Math.floor(this.#world.clock.nowMs()));
  }

  #replay({ step, at, id, ...line }: JournalLine): void {
    const { reservedTo } = line;
    if (Number.isSafeInteger(reservedTo)) this.#counter = this.#reservedTo = Math.max(this.#reservedTo, Number(reservedTo));
    const entry = this.#entries.get(String(id));
    if (step === 'asked') {
      const command = COMMAND_SCHEMA.safeParse(line.command);
      if (command.success) this.#add(command.data, String(line.edge), String(line.centre));
    }
    if (step === 'sent' && entry) entry.sentAt ??= at;
    const refusal = step === 'refused' && entry ? ANSWER_SCHEMA.safeParse(line.answer) : null;
    if (refusal?.success && entry) entry.refusal = refusal.data.fault ?? null;
    const answer = step === 'answered' && entry ? ANSWER_SCHEMA.safeParse(line.answer) : null;
    if (answer?.success && entry) Object.assign(entry, { answer: answer.data, answeredAt: at });
  }

  #add(command: Command, edge: string, centre: string): CommandRecord {
    const entry: CommandRecord = { command, edge, centre, sentAt: null, answer: null, answeredAt: null, refusal: null };
    this.#entries.set(command.id, entry);
    if (this.#entries.size > KEPT) this.#entries.delete(this.#entries.keys().next().value as string);
    return entry;
  }

  #forgetPictures(): void {
    const withPicture = this.all().filter(({ answer }) => answer?.picture);
    for (const { answer } of withPicture.slice(0, -PICTURES_KEPT)) if (answer) delete answer.picture;
  }

  async #write(line: Record<string, unknown>): Promise<void> {
    try {
      if (!this.#journal) throw new Error('it could not be opened');
      const reserved = this.#reservedTo > 0 ? { reservedTo: this.#reservedTo } : {};
      await this.#journal.append({ at: this.#world.clock.nowMs(), ...reserved, ...line });
    } catch (error) {
      const fault = this.#unrecorded(error);
      this.#world.tell({ kind: 'fault', fault });
      throw new FaultError(fault.code, fault.params, { cause: error });
    }
  }

  #unrecorded(error: unknown): Fault {
    return faultOf(error, 'CV_COMMAND_UNRECORDED', { path: this.#dir });
  }
}
