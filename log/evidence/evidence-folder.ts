/**
 * A content-addressed folder of evidence files, limited in age and bytes. Files waiting to be sent are removed last, and
 * each such loss is counted. With several senders, the one using most space loses its oldest files, by our arrival time
 * and not by the time it claims. Files are written atomically; leftovers of a crash are removed at the next start. Where
 * there is a key, new files are encrypted; what cannot be read for want of a key stays, and waits.
 */
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { FaultError, type Fault } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { EvidenceMime } from '../../core/wire/mime.ts';
import { encryptedBytes } from '../at-rest/encrypted-format.ts';
import { AtRestKeys, missingKey } from '../at-rest/keys.ts';
import { contentStream, hashOf, readContent, writeContentAtomically } from './evidence-content.ts';
import {
  EVIDENCE_SHELVES, evidenceFileName, parseEvidenceFile, type EvidenceFile, type EvidenceShelf, type StoredEvidence,
} from './evidence-file.ts';
import { compareAge, largestSender, SenderFiles } from './sender-files.ts';
import './faults.ts';

export interface EvidenceFolderOptions {
  dir: string;
  maxBytes: number;
  keepMs: number;
  /** Mode 0700. */
  isPrivate?: boolean;
  /** Absent: nothing is encrypted, and nothing encrypted can be read. */
  keys?: AtRestKeys;
  /** Called when files were removed before they were sent. */
  onDropped?(count: number): void;
  /** Told at the start of each key that files need and that is not there. */
  onUnreadable?(fault: Fault): void;
}

const TIDY_EVERY_MS = 600_000;

export interface EvidenceContent extends Pick<EvidenceFile, 'mime' | 'bytes' | 'from'> {
  isEncrypted: boolean;
  read(from?: number, to?: number): Promise<Uint8Array | null>;
  stream(): Readable;
}

export class EvidenceFolder {
  readonly #options: EvidenceFolderOptions;
  readonly #keys: AtRestKeys;
  readonly #clock: World['clock'];
  readonly #entries = new Map<string, StoredEvidence>();
  /** Serializes changes. */
  readonly #inTurn = serialQueue();
  #tidying: Timer | null = null;
  #bytes = 0;

  private constructor(options: EvidenceFolderOptions, clock: World['clock']) {
    this.#options = options;
    this.#keys = options.keys ?? new AtRestKeys(null);
    this.#clock = clock;
  }

  /** @throws FaultError CV_EVIDENCE_DISK */
  static async open(options: EvidenceFolderOptions, clock: World['clock']): Promise<EvidenceFolder> {
    const folder = new EvidenceFolder(options, clock);
    await folder.#guard(() => folder.#load());
    folder.#tidying = everyMs(clock, TIDY_EVERY_MS, () => { void folder.#inTurn(() => folder.#tidy()).catch(() => {}); });
    return folder;
  }

  /** On disk. */
  get bytes(): number {
    return this.#bytes;
  }

  has(sha256: string): boolean {
    return this.#entries.has(sha256);
  }

  /** Resolves when it is on disk; a known file is not written again. @throws FaultError CV_EVIDENCE_DISK */
  put(of: Omit<EvidenceFile, 'bytes'>, content: Uint8Array, place: EvidenceShelf): Promise<void> {
    const file = { ...of, bytes: content.length };
    return this.#inTurn(() =>
      this.#guard(async () => {
        if (this.#entries.has(file.sha256)) return;
        const entry = this.#newEntry(file, place);
        const write = () => writeContentAtomically(this.#pathOf(entry), content, entry.sha256, this.#keys.current);
        await write().catch(async (error: NodeJS.ErrnoException) => {
          // Sent files make space for unsent ones.
          if (error.code !== 'ENOSPC' || place === 'kept' || !(await this.#makeRoom(entry.diskBytes))) throw error;
          await write();
        });
        this.#add(entry);
        await this.#tidy();
      }),
    );
  }

  /** Takes a file in: by another name where it is in `dir` and not to be encrypted. @throws FaultError CV_EVIDENCE_DISK */
  addFile(path: string, { mime, atMs }: Pick<EvidenceFile, 'mime' | 'atMs'>, place: EvidenceShelf): Promise<EvidenceFile> {
    return this.#inTurn(() =>
      this.#guard(async () => {
        const file: EvidenceFile = { sha256: await hashOf(path), mime, atMs: Math.round(atMs), bytes: (await stat(path)).size };
        if (this.#entries.has(file.sha256)) await rm(path);
        else {
          const entry = this.#newEntry(file, place);
          await this.#takeFile(path, entry);
          this.#add(entry);
          await this.#tidy();
        }
        return file;
      }),
    );
  }

  pathOf(sha256: string): string | null {
    const entry = this.#entries.get(sha256);
    return entry ? this.#pathOf(entry) : null;
  }

  /** null when absent. `from`: as of a file. @throws FaultError CV_AT_REST_KEY, CV_AT_REST_DAMAGED */
  async get(sha256: string): Promise<{ mime: EvidenceMime; content: Uint8Array; from?: string } | null> {
    const found = this.find(sha256);
    const content = await found?.read();
    return found && content ? { mime: found.mime, content, ...(found.from !== undefined && { from: found.from }) } : null;
  }

  /**
   * null when absent. `read` gives a part of the content (`to` exclusive), or all; null when it has gone meanwhile; it throws
   * CV_AT_REST_KEY and CV_AT_REST_DAMAGED. `stream` fails likewise. `isEncrypted`: its path is of use to nobody else.
   */
  find(sha256: string): EvidenceContent | null {
    const entry = this.#entries.get(sha256);
    if (!entry) return null;
    const { mime, bytes, from, encryption } = entry;
    const file = () => ({ ...entry, path: this.#pathOf(entry) });
    return {
      mime, bytes, ...(from !== undefined && { from }), isEncrypted: encryption !== null,
      read: (first, to) => readContent(file(), this.#keys, first, to).catch((error: unknown) => {
        if (error instanceof FaultError) throw error;
        return null;
      }),
      stream: () => contentStream(file(), this.#keys),
    };
  }

  /** The newest waiting file that can be read and that `mayGo` accepts. */
  newestWaiting(mayGo: (file: EvidenceFile) => boolean = () => true): EvidenceFile | null {
    let newest: StoredEvidence | null = null;
    for (const entry of this.#entries.values())
      if (entry.shelf === 'waiting' && entry.atMs >= (newest?.atMs ?? -Infinity) && this.#isReadable(entry) && mayGo(entry)) newest = entry;
    return newest;
  }

  /** Moves a waiting file to the kept ones. @throws FaultError CV_EVIDENCE_DISK */
  markSent(sha256: string): Promise<void> {
    return this.#inTurn(() => this.#guard(async () => {
      const entry = this.#entries.get(sha256);
      if (entry?.shelf !== 'waiting') return;
      const kept: StoredEvidence = { ...entry, shelf: 'kept' };
      await rename(this.#pathOf(entry), this.#pathOf(kept));
      this.#entries.set(sha256, kept);
    }));
  }

  async close(): Promise<void> {
    this.#tidying?.cancel();
    await this.#inTurn(() => Promise.resolve());
  }

  async #load(): Promise<void> {
    for (const place of EVIDENCE_SHELVES) {
      const dir = join(this.#options.dir, place);
      await makeFolder(dir);
      if (this.#options.isPrivate) await chmod(this.#options.dir, 0o700);
      for (const name of await readdir(dir)) {
        const file = await parseEvidenceFile(dir, name);
        if (!file) await rm(join(dir, name), { force: true, recursive: true });
        else this.#add({ ...file, shelf: place });
      }
    }
    await this.#tidy();
    const unreadable = [...this.#entries.values()].filter((entry) => !this.#isReadable(entry));
    for (const [id = '', entries] of Map.groupBy(unreadable, ({ encryption }) => encryption?.id))
      this.#options.onUnreadable?.(missingKey(id, this.#options.dir, entries.length).fault);
  }

  #isReadable({ encryption }: StoredEvidence): boolean {
    return !encryption || this.#keys.has(encryption.id);
  }

  #newEntry(file: EvidenceFile, shelf: EvidenceShelf): StoredEvidence {
    const { current } = this.#keys;
    return {
      ...file,
      atMs: Math.round(file.atMs),
      shelf,
      receivedAt: Math.round(this.#clock.nowMs()),
      diskBytes: current ? encryptedBytes(file.bytes, current.algorithm) : file.bytes,
      encryption: current && { id: current.id, algorithm: current.algorithm },
    };
  }

  async #takeFile(path: string, entry: StoredEvidence): Promise<void> {
    if (entry.encryption) {
      await writeContentAtomically(this.#pathOf(entry), path, entry.sha256, this.#keys.current);
      return rm(path);
    }
    await rename(path, this.#pathOf(entry));
    await forceFolder(dirname(this.#pathOf(entry)));
  }

  /** Removes files older than `keepMs`; then, over `maxBytes`, the oldest: sent files first, of the sender with most bytes. */
  async #tidy(): Promise<void> {
    const { maxBytes, keepMs, onDropped } = this.#options;
    const before = this.#clock.nowMs() - keepMs;
    let lost = 0;
    const remove = async (entry: StoredEvidence): Promise<void> => {
      await this.#remove(entry);
      if (entry.shelf === 'waiting') lost += 1;
    };
    for (const entry of this.#entries.values()) if (Math.min(entry.atMs, entry.receivedAt) < before) await remove(entry);
    for (const place of EVIDENCE_SHELVES.toReversed()) {
      if (this.#bytes <= maxBytes) break;
      const senders = [
        ...Map.groupBy(
          [...this.#entries.values()].filter((entry) => entry.shelf === place),
          ({ from }) => from,
        ).values(),
      ].map((entries) => new SenderFiles(entries));
      for (let most = largestSender(senders); most && this.#bytes > maxBytes; most = largestSender(senders))
        await remove(most.takeOldest());
    }
    if (lost > 0) onDropped?.(lost);
  }

  /** For a full disk: removes sent files. @returns whether that freed `bytes` */
  async #makeRoom(bytes: number): Promise<boolean> {
    let freed = 0;
    for (const entry of [...this.#entries.values()].filter(({ shelf }) => shelf === 'kept').toSorted(compareAge)) {
      if (freed >= 2 * bytes) break;
      await this.#remove(entry);
      freed += entry.diskBytes;
    }
    return freed >= bytes;
  }

  async #remove(entry: StoredEvidence): Promise<void> {
    await rm(this.#pathOf(entry), { force: true });
    this.#entries.delete(entry.sha256);
    this.#bytes -= entry.diskBytes;
  }

  #add(entry: StoredEvidence): void {
    const before = this.#entries.get(entry.sha256);
    if (before) this.#bytes -= before.diskBytes;
    this.#entries.set(entry.sha256, entry);
    this.#bytes += entry.diskBytes;
  }

  #pathOf(entry: StoredEvidence): string {
    return join(this.#options.dir, entry.shelf, evidenceFileName(entry));
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw new FaultError('CV_EVIDENCE_DISK', { dir: this.#options.dir, detail: (error as Error).message }, { cause: error });
    }
  }
}
