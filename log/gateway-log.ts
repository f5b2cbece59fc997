/**
 * A gateway's log: one ordered stream of all accepted groups. Each row carries its sender and numbers, so the row is also
 * the mark, in one transaction without an extra write. Each new file starts with a snapshot of all marks.
 */
import { FaultError } from '../core/faults.ts';
import type { Stream } from '../core/event.ts';
import { everyMs, type Timer, type World } from '../core/world.ts';
import { FileChain } from './file-chain.ts';
import { toLogFault, isDiskFull, isRetryableInNewFile, openStorage } from './storage-faults.ts';
import { GatewayLosses } from './gateway-losses.ts';
import { SenderMarks } from './sender-marks.ts';
import { Retention, type TrimState } from './gateway-retention.ts';
import {
  StorageError,
  type ChainReport,
  type CommitRequest,
  type LogGroup,
  type StorageOpenReport,
  type ReplayReply,
  type SalvageReport,
  type LogStorage,
} from './storage.ts';
import { DiskHealth } from './disk-health.ts';
import {
  type AcceptedGroup,
  type Cursor,
  type GatewayLog,
  type GatewayLogOptions,
  type LogSize,
  type SettledMark,
  type ReadLimit,
  type SettledRange,
  type StoredGroup,
} from './types.ts';
import { workerStorage } from './worker-storage.ts';
import './faults.ts';

const CHAIN = 'log';
/** Calls share a commit up to this size. */
const MAX_COMMIT_BYTES = 8 << 20;
/** Pages that every commit writes. */
const COMMIT_BYTES = 32 << 10;
/** Without ballast, space for this many commits is kept free. */
const SPARE_COMMITS = 8;
const TRIM_EVERY_MS = 60_000;
/** Messages of one socket buffer arrive a tick or two apart; after this many idle ticks the commit starts. */
const QUIET_TICKS = 4;

interface AcceptCall {
  groups: readonly AcceptedGroup[];
  settled: readonly SettledRange[];
  bytes: number;
  resolve: (cursors: Cursor[]) => void;
  reject: (error: Error) => void;
}

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openGatewayLog(options: GatewayLogOptions, world: World, storage: LogStorage = workerStorage()): Promise<GatewayLog> {
  const { dir, maxBytes, maxFileBytes, ballastBytes } = options;
  const report = await openStorage(storage, dir, {
    chains: [CHAIN],
    origins: true,
    maxBytes,
    maxFileBytes,
    ballastBytes,
    nowMs: world.clock.nowMs(),
  });
  const found = report.chains[CHAIN] as ChainReport;
  const chain = new FileChain(CHAIN, report.maxFileBytes, found.files);
  // Marks after the newest readable snapshot are in the rows that follow it.
  const since = chain.files.slice(Math.max(0, chain.files.findIndex((file) => file.name === found.stateFile)));
  const replayed: ReplayReply[] = [];
  for (const file of since) replayed.push(await storage.replay({ file, last: chain.lastSeqOf(file) }));
  return new FileGatewayLog(options, chain, report, found, replayed, storage, world);
}

class FileGatewayLog implements GatewayLog {
  readonly epoch: number;
  readonly #storage: LogStorage;
  readonly #world: World;
  readonly #chain: FileChain;
  readonly #marks: SenderMarks;
  readonly #retention: Retention;
  readonly #losses: GatewayLosses;
  readonly #listeners = new Set<() => void>();
  readonly #trimming: Timer;
  #waiting: AcceptCall[] = [];
  #lastSeq = 0;
  #trimDue = false;
  /** Files were removed before the trim state was written. */
  #trimUnsaved = false;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  readonly #trouble: DiskHealth;

  constructor(
    options: GatewayLogOptions,
    chain: FileChain,
    report: StorageOpenReport,
    found: ChainReport,
    replayed: readonly ReplayReply[],
    storage: LogStorage,
    world: World,
  ) {
    this.epoch = report.epoch;
    this.#storage = storage;
    this.#world = world;
    this.#chain = chain;
    this.#marks = SenderMarks.parse(found.state);
    for (const { origins, settled } of replayed) {
      for (const origin of origins) this.#marks.recordAccepted(origin);
      for (const text of settled) for (const range of JSON.parse(text) as SettledRange[]) this.#marks.settle(range, world.clock.nowMs());
    }
    this.#retention = new Retention(options, chain, found.trimmed, world);
    this.#trouble = new DiskHealth(world, report.disk);
    this.#losses = new GatewayLosses(options.gateway, this.epoch, chain, this.#marks, world);
    this.#appendLosses(this.#losses.recover(found, this.#retention.trimmed));
    this.#recordDamage([...found.salvages, ...replayed.flatMap(({ salvages }) => salvages)], []);
    this.#trimming = everyMs(world.clock, TRIM_EVERY_MS, () => this.#trimSoon());
  }

  accept(groups: readonly AcceptedGroup[], settled: readonly SettledRange[] = []): Promise<Cursor[]> {
    if (this.#closing) return Promise.reject(new FaultError('CV_LOG_CLOSED'));
    const bytes = groups.reduce((sum, group) => sum + group.payload.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ groups, settled, bytes, resolve, reject });
      this.#kick();
    });
  }

  mark(sender: string, stream: Stream, epoch: number): SettledMark {
    return this.#marks.mark(sender, stream, epoch);
  }

  async read(after: Cursor, limit: ReadLimit): Promise<StoredGroup[]> {
    if (this.#closing) throw new FaultError('CV_LOG_CLOSED');
    const parts = this.#chain.partsAfter(after);
    if (parts.length === 0) return [];
    try {
      const reply = await this.#storage.read({ chain: CHAIN, parts, ...limit });
      this.#recordDamage(reply.salvages, reply.missing);
      return reply.groups;
    } catch (error) {
      throw toLogFault(error);
    }
  }

  head(): Cursor {
    return this.#chain.head() ?? this.tail();
  }

  tail(): Cursor {
    const { epoch, seq } = this.#retention.trimmed;
    return { epoch, seq };
  }

  countTrimmed(after: Cursor, upTo: Cursor): number {
    return this.#retention.countTrimmed(after, upTo);
  }

  setConsumer(consumer: string, cursor: Cursor, required: boolean): void {
    this.#losses.checkConsumer(consumer, cursor, this.head());
    this.#retention.hold(consumer, cursor, required);
  }

  removeConsumer(consumer: string): void {
    this.#retention.removeConsumer(consumer);
  }

  size(): LogSize {
    const events = this.#chain.files.reduce((sum, file) => sum + Math.max(0, this.#chain.lastSeqOf(file) - file.first + 1), 0);
    return { events, bytes: this.#chain.bytes };
  }

  onAppended(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.resolve();
    this.#trimming.cancel();
    this.#kick();
    await this.#running;
    await this.#storage.close();
  }

  #trimSoon(): void {
    this.#trimDue = true;
    this.#kick();
  }

  #kick(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Calls of one burst share a commit; all but the first would otherwise wait for two.
    for (let before = -1; this.#waiting.length > before;) {
      before = this.#waiting.length;
      for (let tick = 0; tick < QUIET_TICKS; tick += 1) await new Promise<void>((resolve) => { process.nextTick(resolve); });
    }
    while (this.#waiting.length > 0 || this.#trimDue) {
      if (this.#trimDue) await this.#trim(0);
      if (this.#waiting.length > 0) await this.#round(this.#take());
    }
    this.#running = null;
  }

  #take(): AcceptCall[] {
    let bytes = 0;
    const fits = this.#waiting.findIndex((call, index) => {
      bytes += call.bytes;
      return index > 0 && bytes > MAX_COMMIT_BYTES;
    });
    return this.#waiting.splice(0, fits < 0 ? this.#waiting.length : fits);
  }

  async #round(calls: AcceptCall[]): Promise<void> {
    const bytes = calls.reduce((sum, call) => sum + call.bytes, 0);
    if (this.#trouble.isDiskShort) this.#trouble.disk = await this.#storage.disk().catch(() => this.#trouble.disk);
    const hasSpace = bytes === 0 || (await this.#trim(bytes + COMMIT_BYTES));
    if (!hasSpace) {
      const full = this.#retention.fullFault();
      for (const call of calls) call.reject(new FaultError(full.code, full.params));
      return;
    }
    const groups: LogGroup[] = [];
    const cursors: Cursor[][] = [];
    let seq = this.#lastSeq + 1;
    for (const call of calls) {
      cursors.push(call.groups.map(({ origin, count, payload }) => {
        const cursor = { epoch: this.epoch, seq };
        groups.push({ seq, count, payload, origin });
        seq += count;
        return cursor;
      }));
    }
    const settled = calls.flatMap((call) => call.settled);
    try {
      await this.#commit(groups, settled).catch(async (error: unknown) => {
        // Remove all that consumers have passed, whatever its age, and retry.
        if (!isDiskFull(error) || !(await this.#trim(bytes + COMMIT_BYTES, true))) throw error;
        await this.#commit(groups, settled);
      });
    } catch (error) {
      this.#trouble.recordFailure(error);
      for (const call of calls) call.reject(toLogFault(error));
      return;
    }
    calls.forEach((call, index) => call.resolve(cursors[index] ?? []));
    if (groups.length > 0) this.#publish();
  }

  async #commit(groups: readonly LogGroup[], settled: readonly SettledRange[], trimmed?: TrimState): Promise<void> {
    try {
      await this.#write(groups, settled, trimmed);
    } catch (error) {
      if (!isRetryableInNewFile(error)) throw error;
      await this.#write(groups, settled, trimmed);
      this.#trouble.recordFileReplaced(error);
    }
  }

  async #write(groups: readonly LogGroup[], settled: readonly SettledRange[], trimmed?: TrimState): Promise<void> {
    const target = this.#chain.fileForCommit(this.epoch, this.#lastSeq + 1);
    const request: CommitRequest = { chain: CHAIN, file: target, groups, monotonicMs: this.#world.clock.monotonicMs() };
    if (this.#chain.startsFile(target)) {
      this.#marks.pruneDrained(this.#world.clock.nowMs());
      request.state = this.#marks.format();
      request.trimmed = this.#retention.format();
    }
    if (trimmed || this.#trimUnsaved) request.trimmed = this.#retention.format(trimmed);
    if (settled.length > 0) request.settled = JSON.stringify(settled);
    const reply = await this.#storage.commit(request).catch((error: unknown) => {
      if (error instanceof StorageError) this.#chain.recordFailure(error.failure);
      throw error;
    });
    this.#trimUnsaved = false;
    const last = groups.at(-1);
    if (last) this.#lastSeq = last.seq + last.count - 1;
    this.#chain.recordCommit(target, this.#lastSeq, last?.origin?.receivedAt ?? 0, reply.bytes);
    for (const { origin } of groups) if (origin) this.#marks.recordAccepted(origin);
    for (const range of settled) this.#marks.settle(range, this.#world.clock.nowMs());
    this.#trouble.disk = reply.disk;
    this.#trouble.recordSuccess();
  }

  /**
   * Removes files: by age, and for `needed` bytes when maxBytes or the disk would be exceeded.
   *
   * @param full the disk has just refused a commit
   * @returns whether they fit now; with `full`, whether anything was removed
   */
  async #trim(needed: number, full = false): Promise<boolean> {
    this.#trimDue = false;
    const { freeBytes, wantedBytes } = this.#trouble.disk;
    const spare = needed + SPARE_COMMITS * COMMIT_BYTES - (full ? 0 : freeBytes);
    const plan = this.#retention.plan(needed, this.#trouble.isDiskShort || full ? { spare, ease: wantedBytes - freeBytes } : undefined);
    if (plan.names.length === 0) return plan.fits && !full;
    try {
      await this.#commit([], [], plan.trimmed).catch((error: unknown) => {
        // On a full disk only removing files frees space; the trim state is written with the next commit.
        if (!isDiskFull(error)) throw error;
        this.#trimUnsaved = true;
      });
      this.#retention.setTrimmed(plan.trimmed);
      this.#trouble.disk = await this.#storage.remove({ names: plan.names });
      this.#chain.remove(plan.names);
    } catch (error) {
      this.#trouble.recordFailure(error);
    }
    return plan.fits;
  }

  #recordDamage(salvages: readonly SalvageReport[], missing: Parameters<GatewayLosses['recordMissingRanges']>[0]): void {
    this.#trouble.reportSalvages(salvages);
    for (const { name, bytes } of salvages) this.#chain.markDamaged(name, bytes);
    this.#appendLosses(this.#losses.recordMissingRanges([...missing, ...this.#chain.missingRanges(salvages)]));
  }

  #appendLosses({ groups, settled }: { groups: AcceptedGroup[]; settled: SettledRange[] }): void {
    if (groups.length === 0) return;
    this.accept(groups, settled).catch((error: unknown) => this.#trouble.recordFailure(error));
  }

  #publish(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        // A listener's exception is not a disk failure: rethrown outside the commit.
        queueMicrotask(() => { throw error; });
      }
    }
  }
}

