/**
 * The clocks of an edge's log: recalls at opening what was written when the clock was not set, sees that it is on disk
 * before events of unknown time are, and gives them their time once that is known. The memory is one small file beside
 * the log's, written once a boot and once more when its clock is known; a log whose clock is set from the start has none.
 */
import type { BootClock } from './boot.ts';
import { STREAMS, type Draft, type Event, type Stream } from '../core/event.ts';
import { turns } from '../core/turns.ts';
import type { Batch } from '../core/wire/batch.ts';
import { findBoot, correctBoots, correctionOf, pruneBoots, formatBootHistory, isExactCorrection, EMPTY_BOOT_HISTORY, recordBootEpoch, recordBootUptime, parseBootHistory, type BootHistory, type BootRecord } from './boot-history.ts';
import { FileChain } from './file-chain.ts';
import { readClockFile, writeClockFile } from './clock-file.ts';
import { tryDecodeBatch, restampGroup } from './restamp.ts';
import { StorageError, type StorageOpenReport, type LogStorage } from './storage.ts';
import type { StoredGroup } from './types.ts';

interface BootClocksOptions {
  edge: string;
  /** Folder of the log. */
  dir: string;
  clock: BootClock;
  storage: LogStorage;
  onKnown?: ((draft: Draft) => Draft) | undefined;
}

export class BootClocks {
  readonly #facts: BootClocksOptions;
  readonly #epoch: number;
  /** The last number of unknown time in this opening, by stream. */
  readonly #unsyncedUpTo = new Map<Stream, number>();
  #memory: BootHistory;
  #saved: string | null;
  #trueAt: number | null = null;
  /** One at a time, whoever asks. */
  readonly #inTurn = turns();

  private constructor(facts: BootClocksOptions, epoch: number, memory: BootHistory, saved: string | null) {
    this.#facts = facts;
    this.#epoch = epoch;
    this.#memory = memory;
    this.#saved = saved;
  }

  /** Reads what the log remembers, and starts the clock with it. */
  static async load(report: StorageOpenReport, facts: BootClocksOptions): Promise<BootClocks> {
    const { clock, storage } = facts;
    const saved = await readClockFile(facts.dir);
    const chains = STREAMS.map((stream) => new FileChain(stream, Infinity, report.chains[stream]?.files ?? []));
    const epochs = new Set(chains.flatMap((chain) => chain.files.map((file) => file.epoch)));
    const last = new NewestBatches(chains, storage);
    let memory = saved === null ? await rebuildHistory(last, epochs) : pruneBoots(parseBootHistory(saved), clock.boot.id, (epoch) => epochs.has(epoch));
    let { believedAt: shownAt, believedAt } = memory;
    for (const boot of memory.boots) {
      const batches = boot.decided ? [] : await last.ofEpochs(boot.epochs);
      const newestAt = Math.max(0, ...batches.flatMap(({ events }) => events.filter(isUnsynced)).map((event) => event.observedAt));
      if (newestAt > boot.assumedAt) memory = recordBootUptime(memory, boot.id, newestAt - boot.assumedAt);
    }
    for (const { epoch, events } of await last.ofAll()) {
      const decided = correctionOf(memory, epoch);
      for (const event of events) {
        const at = event.observedAt + (isUnsynced(event) ? (decided?.shiftMs ?? 0) : 0);
        shownAt = Math.max(shownAt, at);
        if (!isUnsynced(event) || (decided && isExactCorrection(decided))) believedAt = Math.max(believedAt, at);
      }
    }
    // It bounds the boots that are not decided, so it is what was believed before the first of them.
    if (memory.boots.every((boot) => boot.decided)) memory = { ...memory, believedAt };
    const present = findBoot(memory, clock.boot.id);
    clock.begin({ newestAt: shownAt, assumedAt: present?.assumedAt ?? null, trueAt: present?.decided ? present.assumedAt + present.decided.shiftMs : null });
    return new BootClocks(facts, report.epoch, memory, saved);
  }

  /** What a group of these says of its boot. */
  readonly batchBoot = (drafts: readonly Draft[]): Pick<Batch, 'boot'> => {
    const { boot, assumedAt } = this.#facts.clock;
    const first = drafts.find(isUnsynced);
    return first ? { boot: { id: boot.id, startMs: first.observedAt - assumedAt } } : {};
  };

  /** Before a group is written: that its times may have to be moved is on disk first. @throws what the file system throws */
  async recordUnsynced(stream: Stream, firstSeq: number, drafts: readonly Draft[]): Promise<void> {
    const at = drafts.findLastIndex(isUnsynced);
    if (at < 0) return;
    this.#unsyncedUpTo.set(stream, firstSeq + at);
    const { boot, assumedAt } = this.#facts.clock;
    this.#memory = recordBootEpoch(this.#memory, boot.id, assumedAt, this.#epoch);
    // They were still in hand when the clock became known.
    if (this.#trueAt !== null) this.#decide(this.#trueAt);
    await this.save();
  }

  /** The present boot's clock shows `trueAt` at uptime 0; only the first word counts. @returns what is decided by it */
  correct(trueAt: number): readonly BootRecord[] {
    this.#trueAt ??= trueAt;
    return this.#decide(this.#trueAt);
  }

  #decide(trueAt: number): readonly BootRecord[] {
    const before = this.#memory;
    // Restamped once: what was decided stays, whatever the clock does later.
    const open = before.boots.filter((boot) => !boot.decided).map(({ id }) => id);
    if (open.length === 0) return [];
    this.#memory = correctBoots(before, { id: this.#facts.clock.boot.id, trueAt, epoch: this.#epoch });
    return this.#memory.boots.filter(({ id }) => open.includes(id));
  }

  /** Writes the memory where it changed. @throws what the file system throws */
  save(): Promise<void> {
    return this.#inTurn(() => this.#write());
  }

  async #write(): Promise<void> {
    const text = formatBootHistory(this.#memory);
    if (text === this.#saved || (this.#saved === null && this.#memory.boots.length === 0)) return;
    await writeClockFile(this.#facts.dir, text);
    this.#saved = text;
  }

  /** When an event of this log happened, as far as is known now. */
  timeOf(event: Event): number {
    return event.occurredAt + (isUnsynced(event) ? (correctionOf(this.#memory, event.epoch)?.shiftMs ?? 0) : 0);
  }

  restamp(stream: Stream, group: StoredGroup): StoredGroup {
    if (this.#memory.boots.length === 0) return group;
    if (group.epoch === this.#epoch && group.seq > (this.#unsyncedUpTo.get(stream) ?? 0)) return group;
    return restampGroup(stream, group, { edge: this.#facts.edge, correctionOf: (epoch) => correctionOf(this.#memory, epoch), onKnown: this.#facts.onKnown });
  }

  shiftMsOf(epoch: number): number {
    return correctionOf(this.#memory, epoch)?.shiftMs ?? 0;
  }
}

const isUnsynced = ({ clock }: Pick<Draft, 'clock'>): boolean => clock === 'unsynced';

/** The last group of each opening and stream that can be read. */
class NewestBatches {
  readonly #chains: readonly FileChain[];
  readonly #storage: LogStorage;

  constructor(chains: readonly FileChain[], storage: LogStorage) {
    this.#chains = chains;
    this.#storage = storage;
  }

  async ofEpochs(epochs: readonly number[]): Promise<Batch[]> {
    const batches: Batch[] = [];
    for (const chain of this.#chains) {
      for (const epoch of epochs) batches.push(...(await this.#at(chain, epoch, chain.lastSeqOfEpoch(epoch))));
    }
    return batches;
  }

  async ofAll(): Promise<Batch[]> {
    const batches: Batch[] = [];
    for (const chain of this.#chains) {
      const head = chain.head();
      if (head) batches.push(...(await this.#at(chain, head.epoch, head.seq)));
    }
    return batches;
  }

  async #at(chain: FileChain, epoch: number, seq: number | null): Promise<Batch[]> {
    const part = seq === null ? undefined : chain.partsAfter({ epoch, seq: seq - 1 }).find((one) => one.epoch === epoch && one.from === seq);
    if (!part || seq === null) return [];
    const reply = await this.#storage.read({ chain: chain.name, parts: [{ ...part, to: seq }], maxGroups: 1, maxBytes: Infinity }).catch((error: unknown) => {
      // What cannot be read now is found, and told, when it is to be sent.
      if (!(error instanceof StorageError)) throw error;
      return { groups: [] };
    });
    return reply.groups.flatMap(({ payload }) => tryDecodeBatch(payload) ?? []);
  }
}

/** What cannot be read is found, and told, when it is to be sent. */
/** The memory was lost, or there never was one: the rows themselves say in which boot their clock was not set. */
async function rebuildHistory(last: NewestBatches, epochs: ReadonlySet<number>): Promise<BootHistory> {
  let memory = EMPTY_BOOT_HISTORY;
  for (const epoch of [...epochs].toSorted((a, b) => a - b)) {
    for (const { boot, events } of await last.ofEpochs([epoch])) {
      const first = events.find(isUnsynced);
      if (boot && first) memory = recordBootEpoch(memory, boot.id, first.observedAt - boot.startMs, epoch);
    }
  }
  return memory;
}
