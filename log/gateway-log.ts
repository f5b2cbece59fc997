/**
 * A gateway's log: one ordered stream of all that it accepted. A group carries who sent it beside it, so the row itself
 * is the mark, in the same transaction and without a write of its own; each new file begins with a snapshot of all marks.
 */
import { FaultError } from '../core/faults.ts';
import type { Stream } from '../core/event.ts';
import { everyMs, type Timer, type World } from '../core/world.ts';
import { Chain } from './chain.ts';
import { failedWith, isDiskFull, isWorthAnotherFile, openStorage } from './failing.ts';
import { GatewayLosses } from './gateway-losses.ts';
import { Marks } from './marks.ts';
import { Retention, type Trimmed } from './retention.ts';
import { StorageError, type CommitRequest, type Group, type OpenReport, type ReplayReply, type Salvage, type Storage } from './storage.ts';
import { Trouble } from './trouble.ts';
import { type AcceptedGroup, type Cursor, type GatewayLog, type GatewayLogOptions, type LogSize, type Mark, type ReadLimit, type SettledRange, type StoredGroup } from './types.ts';
import { workerStorage } from './worker-storage.ts';
import './faults.ts';

const CHAIN = 'log';
/** Several calls share a commit, up to this much. */
const MAX_COMMIT_BYTES = 8 << 20;
/** Pages that a commit writes whatever is in it. */
const COMMIT_BYTES = 32 << 10;
/** While the ballast is given up, so many commits of room are kept. */
const SPARE_COMMITS = 8;
const TRIM_EVERY_MS = 60_000;
/** Messages that lie in one buffer are read with a tick or two between them; after so many without one it is over. */
const QUIET_TICKS = 4;

interface Waiting {
  groups: readonly AcceptedGroup[];
  settled: readonly SettledRange[];
  bytes: number;
  resolve: (places: Cursor[]) => void;
  reject: (error: Error) => void;
}

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE */
export async function openGatewayLog(options: GatewayLogOptions, world: World, storage: Storage = workerStorage()): Promise<GatewayLog> {
  const { dir, maxBytes, maxFileBytes, ballastBytes } = options;
  const report = await openStorage(storage, dir, { chains: [CHAIN], origins: true, maxBytes, maxFileBytes, ballastBytes, nowMs: world.clock.nowMs() });
  const found = report.chains[CHAIN];
  const chain = new Chain(CHAIN, report.maxFileBytes, found?.files ?? []);
  // Marks since the newest readable snapshot are the rows that came after it.
  const since = chain.files.slice(Math.max(0, chain.files.findIndex((file) => file.name === found?.stateFile)));
  const replayed: ReplayReply[] = [];
  for (const file of since) replayed.push(await storage.replay({ file, last: chain.lastOf(file) }));
  return new OpenedGatewayLog(options, chain, report, replayed, storage, world);
}

class OpenedGatewayLog implements GatewayLog {
  readonly epoch: number;
  readonly #storage: Storage;
  readonly #world: World;
  readonly #chain: Chain;
  readonly #marks: Marks;
  readonly #retention: Retention;
  readonly #losses: GatewayLosses;
  readonly #listeners = new Set<() => void>();
  readonly #trimming: Timer;
  #waiting: Waiting[] = [];
  #lastSeq = 0;
  #trimDue = false;
  /** Files went before that could be written. */
  #trimOwed = false;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  readonly #trouble: Trouble;

  constructor(options: GatewayLogOptions, chain: Chain, report: OpenReport, replayed: readonly ReplayReply[], storage: Storage, world: World) {
    const found = report.chains[CHAIN] ?? { files: [], state: null, stateFile: null, trimmed: null, stateDamaged: false, head: null, salvages: [] };
    this.epoch = report.epoch;
    this.#storage = storage;
    this.#world = world;
    this.#chain = chain;
    this.#marks = Marks.parse(found.state);
    for (const { origins, settled } of replayed) {
      for (const origin of origins) this.#marks.accepted(origin);
      for (const text of settled) for (const range of JSON.parse(text) as SettledRange[]) this.#marks.settle(range, world.clock.nowMs());
    }
    this.#retention = new Retention(options, chain, found.trimmed, world);
    this.#trouble = new Trouble(world, report.disk);
    this.#losses = new GatewayLosses(options.gateway, this.epoch, chain, this.#marks, world);
    this.#appendLosses(this.#losses.recover(found, this.#retention.trimmed));
    this.#nameDamage([...found.salvages, ...replayed.flatMap(({ salvages }) => salvages)], []);
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

  mark(sender: string, stream: Stream, epoch: number): Mark {
    return this.#marks.mark(sender, stream, epoch);
  }

  async read(after: Cursor, limit: ReadLimit): Promise<StoredGroup[]> {
    if (this.#closing) throw new FaultError('CV_LOG_CLOSED');
    const parts = this.#chain.partsAfter(after);
    if (parts.length === 0) return [];
    try {
      const reply = await this.#storage.read({ chain: CHAIN, parts, ...limit });
      this.#nameDamage(reply.salvages, reply.holes);
      return reply.groups;
    } catch (error) {
      throw failedWith(error);
    }
  }

  head(): Cursor {
    return this.#chain.head() ?? this.tail();
  }

  tail(): Cursor {
    const { epoch, seq } = this.#retention.trimmed;
    return { epoch, seq };
  }

  gone(after: Cursor, upTo: Cursor): number {
    return this.#retention.gone(after, upTo);
  }

  hold(consumer: string, cursor: Cursor, required: boolean): void {
    this.#losses.witness(consumer, cursor, this.head());
    this.#retention.hold(consumer, cursor, required);
  }

  letGo(consumer: string): void {
    this.#retention.letGo(consumer);
  }

  size(): LogSize {
    const events = this.#chain.files.reduce((sum, file) => sum + Math.max(0, this.#chain.lastOf(file) - file.first + 1), 0);
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
    // What comes in one go shares a commit: all but the first would otherwise wait for two.
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

  #take(): Waiting[] {
    let bytes = 0;
    const fits = this.#waiting.findIndex((call, at) => {
      bytes += call.bytes;
      return at > 0 && bytes > MAX_COMMIT_BYTES;
    });
    return this.#waiting.splice(0, fits < 0 ? this.#waiting.length : fits);
  }

  async #round(calls: Waiting[]): Promise<void> {
    const bytes = calls.reduce((sum, call) => sum + call.bytes, 0);
    if (this.#trouble.isShort) this.#trouble.disk = await this.#storage.disk().catch(() => this.#trouble.disk);
    const room = bytes === 0 || (await this.#trim(bytes + COMMIT_BYTES));
    if (!room) {
      const full = this.#retention.fullFault();
      for (const call of calls) call.reject(new FaultError(full.code, full.params));
      return;
    }
    const groups: Group[] = [];
    const places: Cursor[][] = [];
    let seq = this.#lastSeq + 1;
    for (const call of calls) {
      places.push(call.groups.map(({ origin, count, payload }) => {
        const place = { epoch: this.epoch, seq };
        groups.push({ seq, count, payload, origin });
        seq += count;
        return place;
      }));
    }
    const settled = calls.flatMap((call) => call.settled);
    try {
      await this.#commit(groups, settled).catch(async (error: unknown) => {
        // What every consumer has passed goes at once, whatever its age; if that makes room, it is kept after all.
        if (!isDiskFull(error) || !(await this.#trim(bytes + COMMIT_BYTES, true))) throw error;
        await this.#commit(groups, settled);
      });
    } catch (error) {
      this.#trouble.failed(error);
      for (const call of calls) call.reject(failedWith(error));
      return;
    }
    calls.forEach((call, at) => call.resolve(places[at] ?? []));
    if (groups.length > 0) this.#publish();
  }

  async #commit(groups: readonly Group[], settled: readonly SettledRange[], trimmed?: Trimmed): Promise<void> {
    try {
      await this.#write(groups, settled, trimmed);
    } catch (error) {
      if (!isWorthAnotherFile(error)) throw error;
      await this.#write(groups, settled, trimmed);
      this.#trouble.steppedOver(error);
    }
  }

  async #write(groups: readonly Group[], settled: readonly SettledRange[], trimmed?: Trimmed): Promise<void> {
    const target = this.#chain.target(this.epoch, this.#lastSeq + 1);
    const request: CommitRequest = { chain: CHAIN, file: target, groups, monotonicMs: this.#world.clock.monotonicMs() };
    if (this.#chain.isNew(target)) {
      this.#marks.forgetDrained(this.#world.clock.nowMs());
      request.state = this.#marks.format();
      request.trimmed = this.#retention.format();
    }
    if (trimmed || this.#trimOwed) request.trimmed = this.#retention.format(trimmed);
    if (settled.length > 0) request.settled = JSON.stringify(settled);
    const reply = await this.#storage.commit(request).catch((error: unknown) => {
      if (error instanceof StorageError) this.#chain.failed(error.failure);
      throw error;
    });
    this.#trimOwed = false;
    const last = groups.at(-1);
    if (last) this.#lastSeq = last.seq + last.count - 1;
    this.#chain.committed(target, this.#lastSeq, last?.origin?.receivedAt ?? 0, reply.bytes);
    for (const { origin } of groups) if (origin) this.#marks.accepted(origin);
    for (const range of settled) this.#marks.settle(range, this.#world.clock.nowMs());
    this.#trouble.disk = reply.disk;
    this.#trouble.wellAgain();
  }

  /**
   * Lets files go: by age, and for `needed` bytes if the log would outgrow its bound or its disk.
   *
   * @param full the disk has just refused a commit
   * @returns whether they fit now; with `full`, whether anything went
   */
  async #trim(needed: number, full = false): Promise<boolean> {
    this.#trimDue = false;
    const { freeBytes, wantedBytes } = this.#trouble.disk;
    const spare = needed + SPARE_COMMITS * COMMIT_BYTES - (full ? 0 : freeBytes);
    const plan = this.#retention.plan(needed, this.#trouble.isShort || full ? { spare, ease: wantedBytes - freeBytes } : undefined);
    if (plan.names.length === 0) return plan.fits && !full;
    try {
      await this.#commit([], [], plan.trimmed).catch((error: unknown) => {
        // Only removing files makes room on a full disk; the tail is written with the next commit that succeeds.
        if (!isDiskFull(error)) throw error;
        this.#trimOwed = true;
      });
      this.#retention.trimmedTo(plan.trimmed);
      this.#trouble.disk = await this.#storage.remove({ names: plan.names });
      this.#chain.remove(plan.names);
    } catch (error) {
      this.#trouble.failed(error);
    }
    return plan.fits;
  }

  #nameDamage(salvages: readonly Salvage[], holes: Parameters<GatewayLosses['holes']>[0]): void {
    this.#trouble.salvaged(salvages);
    for (const { name, bytes } of salvages) this.#chain.distrust(name, bytes);
    this.#appendLosses(this.#losses.holes([...holes, ...this.#chain.holesOf(salvages)]));
  }

  #appendLosses({ groups, settled }: { groups: AcceptedGroup[]; settled: SettledRange[] }): void {
    if (groups.length === 0) return;
    this.accept(groups, settled).catch((error: unknown) => this.#trouble.failed(error));
  }

  #publish(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        // A listener's failure is no failure of the disk; it ends where nobody catches it.
        queueMicrotask(() => { throw error; });
      }
    }
  }
}

