/**
 * What this edge knows of the commands it was given: each id once, with its answer, across restarts. A write is noted
 * as begun before its first exchange; one that was begun and never settled had its edge stopped in the middle, and
 * nobody knows what became of it: it is answered so, and never carried out again. Each line bears the highest counter of
 * signed commands, so that it is known however much of the record is read.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { faultOf, FaultError, type Fault } from '../../core/faults.ts';
import { openJournal, type Journal } from '../../log/journal.ts';
import { ANSWER_SCHEMA, type Answer, type Command } from '../../core/wire/commands.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';

/** Ids of more than any command's life, at the rate a gateway lets through. */
const KEPT = 20_000;
/** A key that comes back, after a restored gateway say, finds its counter. */
const KEYS_KEPT = 4;
/** Lines a minute about commands that are not the gateway's: whoever sends them does not fill the disk. */
const MAX_REFUSALS = 60;
const MINUTE_MS = 60_000;

export class CommandHistory {
  readonly #answers = new Map<string, Answer>();
  readonly #begun = new Set<string>();
  /** By id of the key; the newest last. */
  readonly #counters = new Map<string, number>();
  readonly #refusals = { sinceMs: -Infinity, count: 0 };
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #path: string;
  #journal: Journal | null = null;
  /** Monotonic ms, since the clock may be set later. Nothing issued before is carried out: part of the record is not readable. */
  #blindUntilMs: number | null = null;

  constructor(dir: string, world: Pick<World, 'clock' | 'tell'>) {
    this.#path = dir;
    this.#world = world;
  }

  /** Where it cannot be opened it says so, and every write is refused. */
  async open(): Promise<void> {
    try {
      this.#journal = await openJournal(this.#path);
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: this.#unrecorded(error) });
      return;
    }
    const { lines, faults } = this.#journal;
    for (const fault of faults)
      this.#world.tell({
        kind: 'fault',
        fault: { ...fault, params: { ...fault.params, file: join(this.#path, String(fault.params.file)) } },
      });
    if (faults.length > 0) this.#blindUntilMs = this.#world.clock.monotonicMs();
    for (const { step, id, answer, counters } of lines) {
      for (const [key, counter] of Object.entries(counters ?? {})) this.#noteCounter(key, Number(counter));
      if (step === 'begun') this.#begun.add(String(id));
      const parsed = step === 'answered' ? ANSWER_SCHEMA.safeParse(answer) : null;
      if (parsed?.success) this.#keep(parsed.data);
    }
    for (const id of this.#begun) {
      const interrupted: Answer = {
        v: WIRE_VERSION,
        id,
        status: 'unknown',
        fault: { code: 'CV_COMMAND_INTERRUPTED', params: {} },
        at: this.#world.clock.nowMs(),
      };
      await this.recordAnswer(null, interrupted);
    }
  }

  answerTo(id: string): Answer | undefined {
    return this.#answers.get(id);
  }

  /** Of the commands that were admitted by this key; 0: none yet. */
  highestCounter(key: string): number {
    return this.#counters.get(key) ?? 0;
  }

  /** On disk when it resolves. @throws CV_COMMAND_UNRECORDED: then nothing may be done */
  async recordCounter(key: string, { id, counter = 0 }: Command): Promise<void> {
    this.#noteCounter(key, counter);
    await this.#record({ step: 'admitted', id, counter });
  }

  /** A command that is not the gateway's, or an old one: on record, and not as what became of its id. */
  async recordRefusal({ id, counter }: Command, { code }: Fault): Promise<void> {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs - this.#refusals.sinceMs >= MINUTE_MS) Object.assign(this.#refusals, { sinceMs: nowMs, count: 0 });
    this.#refusals.count += 1;
    if (this.#refusals.count > MAX_REFUSALS) return;
    try {
      await this.#append({ step: 'refused', id, ...(counter !== undefined && { counter }), code });
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: this.#unrecorded(error) });
    }
  }

  /** @param aheadMs the gateway's clock minus ours: the command was issued by the gateway's */
  isForgotten(command: Command, aheadMs: number): boolean {
    if (this.#blindUntilMs === null) return false;
    const { clock } = this.#world;
    return command.issuedAt - aheadMs <= clock.nowMs() - (clock.monotonicMs() - this.#blindUntilMs);
  }

  /** On disk when it resolves. @throws CV_COMMAND_UNRECORDED: then it must not be carried out */
  async recordStart(command: Command): Promise<void> {
    await this.#record({ step: 'begun', id: command.id, command });
    this.#begun.add(command.id);
  }

  /** Remembered at once, and on disk when it resolves; where the disk fails, that is told. @param command absent: of a run before */
  async recordAnswer(command: Command | null, answer: Answer): Promise<void> {
    const wasBegun = this.#begun.delete(answer.id);
    this.#keep(answer);
    const { picture, ...rest } = answer;
    const seen = picture
      ? { picture: { bytes: picture.jpegBase64.length, sha256: createHash('sha256').update(picture.jpegBase64).digest('hex') } }
      : {};
    try {
      await this.#append({ step: 'answered', id: answer.id, ...(command && !wasBegun ? { command } : {}), answer: rest, ...seen });
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: this.#unrecorded(error) });
    }
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #keep(answer: Answer): void {
    this.#begun.delete(answer.id);
    this.#answers.set(answer.id, answer);
    if (this.#answers.size > KEPT) this.#answers.delete(this.#answers.keys().next().value as string);
  }

  #noteCounter(key: string, counter: number): void {
    if (!Number.isSafeInteger(counter)) return;
    const highest = Math.max(counter, this.highestCounter(key));
    // The newest comes last, and the oldest goes first.
    this.#counters.delete(key);
    this.#counters.set(key, highest);
    if (this.#counters.size > KEYS_KEPT) this.#counters.delete(this.#counters.keys().next().value as string);
  }

  /** On disk when it resolves. @throws CV_COMMAND_UNRECORDED */
  async #record(line: Record<string, unknown>): Promise<void> {
    try {
      if (!this.#journal) throw new Error('it could not be opened');
      await this.#append(line);
    } catch (error) {
      const fault = this.#unrecorded(error);
      throw new FaultError(fault.code, fault.params, { cause: error });
    }
  }

  async #append(line: Record<string, unknown>): Promise<void> {
    const counters = this.#counters.size > 0 ? { counters: Object.fromEntries(this.#counters) } : {};
    await this.#journal?.append({ at: this.#world.clock.nowMs(), ...line, ...counters });
  }

  #unrecorded(error: unknown) {
    return faultOf(error, 'CV_COMMAND_UNRECORDED', { path: this.#path });
  }
}
