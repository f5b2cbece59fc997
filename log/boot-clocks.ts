/**
 * Boot clocks of an edge's log: which openings wrote events while the clock was not set, and how far it was off. The
 * record is on disk before such events are, and corrects their times once the clock is known. It is one small file
 * beside the log, written once per boot and once more when the clock is known; without unset clocks there is no file.
 */
import type { BootClock } from './boot.ts';
import { STREAMS, type Draft, type Event, type Stream } from '../core/event.ts';
import { serialQueue } from '../core/task-queue.ts';
import type { Batch } from '../core/wire/batch.ts';
import {
  findBoot,
  correctBoots,
  correctionOf,
  pruneBoots,
  withoutCorrections,
  formatBootHistory,
  isExactCorrection,
  EMPTY_BOOT_HISTORY,
  recordBootEpoch,
  recordBootUptime,
  parseBootHistory,
  type BootHistory,
  type BootRecord,
} from './boot-history.ts';
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
  readonly #options: BootClocksOptions;
  readonly #epoch: number;
  /** Newest unsynced number of this opening, by stream. */
  readonly #unsyncedUpTo = new Map<Stream, number>();
  #history: BootHistory;
  /** Boots whose correction may not be saved yet: what names it is not on disk. */
  readonly #unnamed = new Set<string>();
  #saved: string | null;
  #trueAt: number | null = null;
  /** Serializes writes. */
  readonly #inTurn = serialQueue();

  private constructor(options: BootClocksOptions, epoch: number, memory: BootHistory, saved: string | null) {
    this.#options = options;
    this.#epoch = epoch;
    this.#history = memory;
    this.#saved = saved;
  }

  /** Reads the boot history and starts the clock from it. */
  static async load(report: StorageOpenReport, options: BootClocksOptions): Promise<BootClocks> {
    const { clock, storage } = options;
    const saved = await readClockFile(options.dir);
    const chains = STREAMS.map((stream) => new FileChain(stream, Infinity, report.chains[stream]?.files ?? []));
    const epochs = new Set(chains.flatMap((chain) => chain.files.map((file) => file.epoch)));
    const last = new NewestBatches(chains, storage);
    let memory =
      saved === null
        ? await rebuildHistory(last, epochs)
        : pruneBoots(parseBootHistory(saved), clock.boot.id, (epoch) => epochs.has(epoch));
    let { believedAt: shownAt, believedAt } = memory;
    for (const boot of memory.boots) {
      const batches = boot.decided ? [] : await last.unsyncedOfEpochs(boot.epochs);
      const newestAt = Math.max(...batches.flatMap(({ events }) => events.filter(isUnsynced)).map((event) => event.observedAt));
      memory = recordBootUptime(memory, boot.id, newestAt - boot.assumedAt);
    }
    for (const { epoch, events } of await last.ofAll()) {
      const decided = correctionOf(memory, epoch);
      for (const event of events) {
        const atMs = event.observedAt + (isUnsynced(event) ? (decided?.shiftMs ?? 0) : 0);
        shownAt = Math.max(shownAt, atMs);
        if (!isUnsynced(event) || (decided && isExactCorrection(decided))) believedAt = Math.max(believedAt, atMs);
      }
    }
    // It bounds the uncorrected boots, so it must predate the first of them.
    if (memory.boots.every((boot) => boot.decided)) memory = { ...memory, believedAt };
    const present = findBoot(memory, clock.boot.id);
    clock.begin({
      newestAt: shownAt,
      assumedAt: present?.assumedAt ?? null,
      trueAt: present?.decided ? present.assumedAt + present.decided.shiftMs : null,
    });
    return new BootClocks(options, report.epoch, memory, saved);
  }

  /** Boot field of a batch with these drafts; empty when all are synced. */
  readonly batchBoot = (drafts: readonly Draft[]): Pick<Batch, 'boot'> => {
    const { boot, assumedAt } = this.#options.clock;
    const first = drafts.find(isUnsynced);
    return first ? { boot: { id: boot.id, startMs: first.observedAt - assumedAt } } : {};
  };

  /** Call before a group is written: its boot must be on disk first, since its times may be corrected later. @throws file system errors */
  async recordUnsynced(stream: Stream, firstSeq: number, drafts: readonly Draft[]): Promise<void> {
    const index = drafts.findLastIndex(isUnsynced);
    if (index < 0) return;
    this.#unsyncedUpTo.set(stream, firstSeq + index);
    const { boot, assumedAt } = this.#options.clock;
    this.#history = recordBootEpoch(this.#history, boot.id, assumedAt, this.#epoch);
    // Appended before the clock was known, written after.
    if (this.#trueAt !== null) this.#decide(this.#trueAt);
    await this.#write();
  }

  /**
   * Corrects all open boots: the current boot's clock reads `trueAt` at uptime 0. Only the first call counts. The
   * corrections hold from now on, and are on disk after `saveCorrections`.
   *
   * @returns the corrected boots
   */
  correct(trueAt: number): readonly BootRecord[] {
    this.#trueAt ??= trueAt;
    const decided = this.#decide(this.#trueAt);
    for (const { id } of decided) this.#unnamed.add(id);
    return decided;
  }

  #decide(trueAt: number): readonly BootRecord[] {
    const before = this.#history;
    // A correction is final, whatever the clock does later.
    const open = before.boots.filter((boot) => !boot.decided).map(({ id }) => id);
    if (open.length === 0) return [];
    this.#history = correctBoots(before, { id: this.#options.clock.boot.id, trueAt, epoch: this.#epoch });
    return this.#history.boots.filter(({ id }) => open.includes(id));
  }

  /** Writes the corrections; call it when the events that name them are on disk. @throws file system errors */
  saveCorrections(): Promise<void> {
    this.#unnamed.clear();
    return this.#write();
  }

  #write(): Promise<void> {
    return this.#inTurn(async () => {
      const history = withoutCorrections(this.#history, this.#unnamed);
      const text = formatBootHistory(history);
      if (text === this.#saved || (this.#saved === null && history.boots.length === 0)) return;
      await writeClockFile(this.#options.dir, text);
      this.#saved = text;
    });
  }

  /** occurredAt of an event, corrected as far as known. */
  timeOf(event: Event): number {
    return event.occurredAt + (isUnsynced(event) ? (correctionOf(this.#history, event.epoch)?.shiftMs ?? 0) : 0);
  }

  restamp(stream: Stream, group: StoredGroup): StoredGroup {
    if (this.#history.boots.length === 0) return group;
    if (group.epoch === this.#epoch && group.seq > (this.#unsyncedUpTo.get(stream) ?? 0)) return group;
    return restampGroup(stream, group, {
      edge: this.#options.edge,
      correctionOf: (epoch) => correctionOf(this.#history, epoch),
      onKnown: this.#options.onKnown,
    });
  }
}

const isUnsynced = ({ clock }: Pick<Draft, 'clock'>): boolean => clock === 'unsynced';

/** The newest readable group of each opening and stream. */
class NewestBatches {
  readonly #chains: readonly FileChain[];
  readonly #storage: LogStorage;

  constructor(chains: readonly FileChain[], storage: LogStorage) {
    this.#chains = chains;
    this.#storage = storage;
  }

  /** The newest with unsynced events. An opening that came to know the time wrote synced ones after it. */
  async unsyncedOfEpochs(epochs: readonly number[]): Promise<Batch[]> {
    const batches: Batch[] = [];
    for (const chain of this.#chains) {
      for (const epoch of epochs) batches.push(...(await this.#newestUnsynced(chain, epoch)));
    }
    return batches;
  }

  /** By halves: in an opening, the unsynced events come first. */
  async #newestUnsynced(chain: FileChain, epoch: number): Promise<Batch[]> {
    let from = chain.files.find((file) => file.epoch === epoch)?.first ?? Infinity;
    let to = chain.lastSeqOfEpoch(epoch) ?? -Infinity;
    let newest: Batch[] = [];
    for (let seq = to; from <= to; seq = Math.floor((from + to) / 2)) {
      const batches = await this.#readAt(chain, epoch, seq);
      if (batches.some(({ events }) => events.some(isUnsynced))) newest = batches;
      if (batches.length === 0 || newest === batches) from = seq + 1;
      else to = seq - 1;
    }
    return newest;
  }

  async ofAll(): Promise<Batch[]> {
    const batches: Batch[] = [];
    for (const chain of this.#chains) {
      const head = chain.head();
      if (head) batches.push(...(await this.#readAt(chain, head.epoch, head.seq)));
    }
    return batches;
  }

  async #readAt(chain: FileChain, epoch: number, seq: number | null): Promise<Batch[]> {
    if (seq === null) return [];
    const part = chain.partsAfter({ epoch, seq: seq - 1 }).find((one) => one.epoch === epoch && one.from === seq);
    if (!part) return [];
    const reply = await this.#storage
      .read({ chain: chain.name, parts: [{ ...part, to: seq }], maxGroups: 1, maxBytes: Infinity })
      .catch((error: unknown) => {
        // Reported when it is read for sending.
        if (!(error instanceof StorageError)) throw error;
        return { groups: [] };
      });
    return reply.groups.flatMap(({ payload }) => tryDecodeBatch(payload) ?? []);
  }
}

/** No history file: rebuilt from the boot fields of the rows. */
async function rebuildHistory(last: NewestBatches, epochs: ReadonlySet<number>): Promise<BootHistory> {
  let memory = EMPTY_BOOT_HISTORY;
  for (const epoch of [...epochs].toSorted((a, b) => a - b)) {
    for (const { boot, events } of await last.unsyncedOfEpochs([epoch])) {
      const first = events.find(isUnsynced);
      if (boot && first) memory = recordBootEpoch(memory, boot.id, first.observedAt - boot.startMs, epoch);
    }
  }
  return memory;
}
