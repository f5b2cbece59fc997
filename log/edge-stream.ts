/** One stream of an edge's log: its files, its state, what waits for it, and one commit at a time. */
import type { Draft, Event, Stream } from '../core/event.ts';
import { faultOf } from '../core/faults.ts';
import { decodeBatch, encodeBatch } from '../core/wire/batch.ts';
import { ownClock, type World } from '../core/world.ts';
import type { BootClocks } from './boot-clocks.ts';
import type { Chain } from './chain.ts';
import { isWorthAnotherFile } from './failing.ts';
import { gapDraft, type Lost } from './gap.ts';
import { isFull, StorageError, type CommitRequest, type FileReport, type Group, type Salvage, type Storage } from './storage.ts';
import { addPending, EMPTY, epochOf, forgetDrained, formatState, gapsWritten, owed, reach, takePending, type StreamState, type WrittenGap } from './stream-state.ts';
import type { KeptGroup, StoredGroup } from './types.ts';
import type { Trouble } from './trouble.ts';
import { Waiting, type Call, type EncodedGroup } from './waiting.ts';
import './faults.ts';

const MAX_GAPS_A_COMMIT = 500;

export interface StreamContext {
  edge: string;
  centre: string;
  epoch: number;
  storage: Storage;
  trouble: Trouble;
  world: World;
  /** null where the clock is set from the start. */
  boots: BootClocks | null;
}

export class EdgeStream {
  readonly stream: Stream;
  readonly chain: Chain;
  readonly waiting = new Waiting();
  readonly #context: StreamContext;
  state: StreamState = EMPTY;
  /** The state on disk is older than the one in memory. */
  dirty = false;
  /** Marks alone have moved: worth no page of every commit, since without them the other side only gets something twice. */
  marksMoved = false;
  /** It has its turn in the next round. */
  due = false;
  /** Losses are to be written as gap records now; until a reader comes near they only add up. */
  gapsDue = false;
  /** Gap records are in the commit under way. */
  gapsUnderWay = false;
  /** Calls whose drafts were refused: answered when the loss is on disk. */
  refused: Call[] = [];
  /** Epochs of marks that cannot be this folder's; each is told once. */
  readonly foreignEpochs = new Set<number>();
  /** Who waits for the outcome of the next commit of this stream. */
  watchers: ((done: boolean) => void)[] = [];

  constructor(stream: Stream, chain: Chain, context: StreamContext) {
    this.stream = stream;
    this.chain = chain;
    this.#context = context;
  }

  /** The number that the next event gets. */
  get nextSeq(): number {
    return epochOf(this.state, this.#context.epoch).last + 1;
  }

  /**
   * Writes groups (numbered from `nextSeq` on), the gap records that are due, and the state, in one transaction.
   *
   * @param change what else becomes true with it, applied to the state of that moment
   * @returns what became durable, in order of numbers
   */
  async commit(groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<KeptGroup[]> {
    const { gapsDue } = this;
    try {
      return await this.#commit(groups, change);
    } catch (error) {
      if (!isWorthAnotherFile(error)) throw error;
      this.gapsDue = gapsDue;
      const kept = await this.#commit(groups, change);
      this.#context.trouble.steppedOver(error);
      return kept;
    }
  }

  async #commit(groups: readonly EncodedGroup[], change?: (state: StreamState) => StreamState): Promise<KeptGroup[]> {
    const { epoch, storage, world, boots } = this.#context;
    const startedMs = world.clock.monotonicMs();
    const firstSeq = this.nextSeq;
    const gapSeq = firstSeq + groups.reduce((sum, group) => sum + group.count, 0);
    const losses = this.#takeGaps();
    const [at, clock] = [world.clock.nowMs(), ownClock(world.clock)];
    const gaps = losses.map((lost, index): WrittenGap => ({ epoch, seq: gapSeq + index, lost, at, clock }));
    const gapGroup = gaps.length > 0 ? this.#encodeGaps(gapSeq, gaps) : null;
    const last = gapSeq + gaps.length - 1;
    const became = (state: StreamState) => {
      const appended = reach(gapsWritten(state, gaps), epoch, last);
      return forgetDrained(change ? change(appended) : appended, epoch);
    };

    const target = this.chain.target(epoch, firstSeq);
    const request: CommitRequest = { chain: this.chain.name, file: target, groups: groups.map(({ seq, count, payload }) => ({ seq, count, payload })), monotonicMs: startedMs };
    if (gapGroup) request.groups = [...request.groups, gapGroup.row];
    // The last number alone needs no state: the rows say it. That spares a page in most commits.
    const written = this.dirty || change || gapGroup || this.chain.isNew(target) ? became(this.state) : null;
    if (written) request.state = formatState(written);
    if (written) this.marksMoved = false;
    this.dirty = false;
    this.gapsUnderWay = gaps.length > 0;
    try {
      await boots?.expect(this.stream, firstSeq, [...groups.flatMap((group) => group.entries.map(({ draft }) => draft)), ...(gapGroup?.drafts ?? [])]);
      const reply = await storage.commit(request);
      this.chain.committed(target, last, 0, reply.bytes);
      this.#context.trouble.disk = reply.disk;
    } catch (error) {
      this.dirty = true;
      this.state = addPending(this.state, losses);
      await this.#afterFailure(error);
      throw error;
    } finally {
      this.gapsUnderWay = false;
    }
    this.state = became(this.state);
    const durationMs = world.clock.monotonicMs() - startedMs;
    const keptOf = (drafts: readonly Draft[], { seq, payload }: Pick<Group, 'seq' | 'payload'>): KeptGroup => ({
      stream: this.stream, epoch, firstSeq: seq, drafts, ...(boots?.bootOf(drafts).boot ? {} : { payload }), durationMs,
    });
    const kept = groups.map((group) => keptOf(group.entries.map((entry) => entry.draft), group));
    if (gapGroup) kept.push(keptOf(gapGroup.drafts, gapGroup.row));
    if (written) await this.#removeSettled(written);
    return kept;
  }

  /** Whether a file could go once the state is on disk. */
  get holdsSettledFiles(): boolean {
    return this.chain.removable((file, last) => isSettled(this.state, file, last)).length > 0;
  }

  /** When the events of [from, to] happened, as far as the groups at its ends can still be read. */
  async timesOf(epoch: number, from: number, to: number): Promise<{ fromAt: number; toAt: number }> {
    const now = this.#context.world.clock.nowMs();
    const fromAt = await this.#timeOf(epoch, from);
    const toAt = await this.#timeOf(epoch, to);
    return { fromAt: fromAt ?? toAt ?? now, toAt: toAt ?? fromAt ?? now };
  }

  async #timeOf(epoch: number, seq: number): Promise<number | null> {
    const event = await this.eventAt(epoch, seq);
    return event && (this.#context.boots?.timeOf(event) ?? event.occurredAt);
  }

  async eventAt(epoch: number, seq: number): Promise<Event | null> {
    const [part] = this.chain.partsAfter({ epoch, seq: seq - 1 });
    if (!part || part.epoch !== epoch || part.from !== seq) return null;
    const { groups, salvages } = await this.#context.storage.read({ chain: this.chain.name, parts: [{ ...part, to: seq }], maxGroups: 1, maxBytes: Infinity });
    this.salvaged(salvages);
    const group = groups[0];
    if (!group) return null;
    try {
      return decodeBatch(group.payload).events[seq - group.seq] ?? null;
    } catch (error) {
      // Whole on disk and yet no batch: it can still be set aside and let go, only what it said is unknown.
      this.#context.world.tell({ kind: 'fault', fault: faultOf(error, 'CV_LOG_FAILED'), edge: this.#context.edge });
      return null;
    }
  }

  /** A gap record as its row had it. */
  standing({ epoch, seq, lost, at, clock }: WrittenGap): StoredGroup {
    const { edge, centre } = this.#context;
    return { epoch, seq, count: 1, payload: encodeBatch({ from: edge, stream: this.stream, epoch, seq }, [gapDraft(edge, centre, lost, at, clock)]) };
  }

  /** Damaged files were replaced: nothing is appended to them, and what they lost is named with the next read. */
  salvaged(salvages: readonly Salvage[]): void {
    this.#context.trouble.salvaged(salvages);
    for (const { name, bytes } of salvages) this.chain.distrust(name, bytes);
  }

  /** Written down for whoever looks into it; a disk that does not take it loses no more than this note. */
  async quarantine(what: object): Promise<void> {
    try {
      await this.#context.storage.setAside({ line: JSON.stringify(what) });
    } catch (error) {
      this.#context.trouble.failed(error);
    }
  }

  #takeGaps(): readonly Lost[] {
    if (!this.gapsDue) return [];
    const { state, gaps } = takePending(this.state, MAX_GAPS_A_COMMIT);
    this.state = state;
    this.gapsDue = state.pending.length > 0;
    return gaps;
  }

  #encodeGaps(seq: number, gaps: readonly WrittenGap[]): { row: Group; drafts: Draft[] } {
    const { edge, centre, epoch, boots } = this.#context;
    const drafts = gaps.map(({ lost, at, clock }) => gapDraft(edge, centre, lost, at, clock));
    return { row: { seq, count: drafts.length, payload: encodeBatch({ from: edge, stream: this.stream, epoch, seq, ...boots?.bootOf(drafts) }, drafts) }, drafts };
  }

  /**
   * On a full disk the marks that would free files cannot be written, so what is settled in memory goes at once: the next
   * try has its room. A crash before that would name as lost what the other side has.
   */
  async #afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof StorageError)) return;
    this.chain.failed(error.failure);
    if (isFull(error.failure)) await this.#removeSettled(this.state);
  }

  async removeFiles(files: readonly FileReport[]): Promise<void> {
    const names = files.map((file) => file.name);
    this.#context.trouble.disk = await this.#context.storage.remove({ names });
    this.chain.remove(names);
  }

  /** Removes files of which all is settled by what is on disk. */
  async #removeSettled(written: StreamState): Promise<void> {
    const settled = this.chain.removable((file, last) => isSettled(written, file, last));
    if (settled.length === 0) return;
    try {
      await this.removeFiles(settled);
    } catch (error) {
      // They stay in the chain, and the next commit tries again.
      this.#context.world.tell({ kind: 'fault', fault: faultOf(error, 'CV_LOG_FAILED'), edge: this.#context.edge });
    }
  }
}

function isSettled(state: StreamState, file: FileReport, last: number): boolean {
  return !state.epochs.has(file.epoch) || owed(state, file.epoch, file.first, last).length === 0;
}
