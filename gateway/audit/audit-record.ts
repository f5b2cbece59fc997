/**
 * The audit record of a gateway. Entries wait in a queue of bounded length and are written many at a time, so that nobody
 * ever waits for it; where it cannot be written the gateway goes on, and what did not fit is counted in the record itself.
 */
import { faultOf } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { Cursor } from '../../log/types.ts';
import { RepeatedEntries } from '../../log/audit/repeats.ts';
import type { Audit, AuditEntry } from '../people/audit.ts';
import { boundEntry, type QueuedEntry, type ShippedEntry } from './audit-line.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { openAuditKey, saveAuditKey } from './key.ts';
import { writeLandmark } from './landmarks.ts';
import { newestLogPlace, readEntries, type AuditPage, type AuditQuery } from './read-entries.ts';
import { DAMAGE_ZH, recordNote, recoverChain } from './recovery.ts';
import { AuditRetention } from './retention.ts';
import { AuditWriter } from './writer.ts';
import './faults.ts';

const MAX_QUEUE = 10_000;
/** From the first entry to the write that takes it and those that came meanwhile. */
const COMMIT_MS = 200;
const RETRY_MS = 5000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface AuditRecordOptions {
  /** Of the record. */
  dir: string;
  /** Of its key. */
  keyDir: string;
  gateway: string;
  /** Asked each time: a changed configuration counts at once. */
  keepMs(): number;
  maxFileBytes?: number;
  /** By which its key is encrypted on disk. */
  keys?: AtRestKeys;
}

interface Loss {
  count: number;
  fromMs: number;
  toMs: number;
}

export class AuditRecord implements Audit {
  readonly #options: AuditRecordOptions;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #queue: QueuedEntry[] = [];
  readonly #repeats = new RepeatedEntries<AuditEntry['kind']>();
  readonly #retention: AuditRetention;
  #writer: AuditWriter | null = null;
  #secret: string | null = null;
  #lost: Loss | null = null;
  #isFailing = false;
  #commitTimer: Timer | null = null;
  #sumTimer: Timer | null = null;
  #retentionTimer: Timer | null = null;
  /** One write at a time. */
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: AuditRecordOptions, world: Pick<World, 'clock' | 'tell'>) {
    this.#options = options;
    this.#world = world;
    this.#retention = new AuditRetention(options.keepMs, world.clock);
  }

  /** For digests that nobody else can make: from the private key. null: there is none yet. */
  get secret(): string | null {
    return this.#secret;
  }

  /** Where it cannot be opened that is told, and tried again with each write. */
  async open(): Promise<void> {
    this.#retentionTimer = everyMs(this.#world.clock, HOUR_MS, () => {
      void this.#inTurn(() => this.#removeExpired());
    });
    await this.flush();
  }

  append(entry: AuditEntry): void {
    if (this.#isClosed || !this.#repeats.take(entry)) return this.#sumSoon();
    this.#sumSoon();
    this.#put(entry);
  }

  /** Resolves when what was appended so far is on disk, or could not be written. */
  flush(): Promise<void> {
    this.#commitTimer?.cancel();
    this.#commitTimer = null;
    return this.#inTurn(() => this.#commit(false));
  }

  /** The newest line on disk; 0 before there is one, or before it could be opened. */
  get endSeq(): number {
    return this.#writer?.end.seq ?? 0;
  }

  /** What edges told: on disk when it resolves. Entries are taken out of the list as they are written. @throws the system's error */
  async ship(entries: ShippedEntry[]): Promise<void> {
    let failed: unknown = null;
    await this.#inTurn(async () => {
      await this.#commit(false);
      try {
        // What waits came before, and whoever may wait does so without being told twice.
        if (this.#isFailing || !this.#writer) throw new Error('the record cannot be written');
        await this.#writer.write(entries, this.#world.clock.nowMs());
      } catch (error) {
        failed = error;
      }
    });
    if (failed) throw failed as Error;
  }

  /** Of the newest entry of an edge behind a line; null: there is none. @throws the system's error */
  async newestLogPlace(behindSeq: number): Promise<Cursor | null> {
    await this.flush();
    return newestLogPlace(this.#options.dir, behindSeq);
  }

  /** Newest first. @throws the system's error */
  async list(query: AuditQuery): Promise<AuditPage> {
    await this.flush();
    return readEntries(this.#options.dir, query, this.#writer?.current ?? null);
  }

  /** Signs the end. Twice is fine. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.#turn;
    this.#putSums();
    this.#isClosed = true;
    for (const timer of [this.#commitTimer, this.#sumTimer, this.#retentionTimer]) timer?.cancel();
    await this.#inTurn(async () => {
      await this.#commit(true);
      await this.#writer?.close();
    });
  }

  #put(entry: AuditEntry): void {
    const atMs = this.#world.clock.nowMs();
    if (this.#queue.length >= MAX_QUEUE) {
      this.#lost = { count: (this.#lost?.count ?? 0) + 1, fromMs: this.#lost?.fromMs ?? atMs, toMs: atMs };
      return;
    }
    this.#queue.push(boundEntry(entry, atMs));
    this.#commitIn(this.#isFailing ? RETRY_MS : COMMIT_MS);
  }

  #commitIn(delayMs: number): void {
    if (this.#isClosed) return;
    this.#commitTimer ??= this.#world.clock.after(delayMs, () => {
      void this.flush();
    });
  }

  #sumSoon(): void {
    if (this.#isClosed || this.#repeats.isEmpty) return;
    this.#sumTimer ??= this.#world.clock.after(MINUTE_MS, () => this.#putSums());
  }

  #putSums(): void {
    this.#sumTimer?.cancel();
    this.#sumTimer = null;
    for (const sum of this.#repeats.takeSums()) this.#put(sum);
  }

  /** @param run never rejects */
  #inTurn(run: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(run);
    return this.#turn;
  }

  async #commit(isLast: boolean): Promise<void> {
    const { clock, tell } = this.#world;
    try {
      const writer = (this.#writer ??= await this.#openWriter());
      await writer.write(this.#queue, clock.nowMs(), isLast);
      if (this.#lost) await this.#writeLoss(writer, this.#lost);
      if (this.#isFailing) tell({ kind: 'fault_cleared', code: 'CV_AUDIT_UNWRITTEN' });
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        tell({ kind: 'fault', fault: faultOf(error, 'CV_AUDIT_UNWRITTEN', { dir: this.#options.dir, max: MAX_QUEUE }) });
      this.#isFailing = true;
      this.#commitIn(RETRY_MS);
    }
  }

  /** Behind what was kept, since that came before. */
  async #writeLoss(writer: AuditWriter, loss: Loss): Promise<void> {
    const nowMs = this.#world.clock.nowMs();
    const { count, fromMs, toMs } = loss;
    await writer.write([boundEntry(recordNote('entries lost while it could not be written', { count, fromMs, toMs }), nowMs)], nowMs);
    // More may have been lost meanwhile.
    this.#lost = this.#lost && this.#lost.count > count ? { count: this.#lost.count - count, fromMs: toMs, toMs: this.#lost.toMs } : null;
  }

  async #openWriter(): Promise<AuditWriter> {
    const { dir, keyDir, gateway, maxFileBytes, keys = new AtRestKeys(null) } = this.#options;
    const nowMs = this.#world.clock.nowMs();
    await makeFolder(dir, 0o700);
    const key = await openAuditKey(keyDir, nowMs, keys);
    const { end, file, notes } = await recoverChain(dir, key.publicKeys, !key.isNew);
    // A head before there is a key: a power cut at the first start leaves nothing that looks like a loss.
    if (key.isNew) await writeLandmark(dir, 'head', { mark: { ...end, at: nowMs }, gateway, key }, true);
    await saveAuditKey(keyDir, key, keys);
    this.#secret = key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    if (key.isNew) notes.push(recordNote('signed by a new key from here on', { key: key.id }));
    for (const { kind, what, details } of notes)
      if (kind === 'damage') {
        const detailZh = DAMAGE_ZH[String(details?.part)] ?? what;
        this.#world.tell({ kind: 'fault', fault: { code: 'CV_AUDIT_DAMAGED', params: { detail: what, detailZh } } });
      }
    this.#queue.unshift(...notes.map((note) => boundEntry(note, nowMs)));
    return new AuditWriter({ dir, gateway, key, ...(maxFileBytes !== undefined && { maxFileBytes }) }, { end, file });
  }

  async #removeExpired(): Promise<void> {
    const { dir } = this.#options;
    const writer = this.#writer;
    if (!writer) return;
    try {
      const removed = await this.#retention.remove(dir, writer);
      if (removed) this.#put(recordNote('files older than they are kept were removed', removed));
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_AUDIT_UNWRITTEN', { dir, max: MAX_QUEUE }) });
    }
  }
}
