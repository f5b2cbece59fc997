/**
 * A content-addressed folder of evidence files, limited in age and bytes. Files waiting to be sent are removed last, and
 * each such loss is counted. With several senders, the one using most space loses its oldest files, by our arrival time
 * and not by the time it claims. Files are written atomically; leftovers of a crash are removed at the next start.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { EVIDENCE_KINDS, type EvidenceMime } from '../../core/wire/mime.ts';
import './faults.ts';

export interface EvidenceFile {
  /** Hexadecimal. */
  sha256: string;
  mime: EvidenceMime;
  /** ms UTC of the content. */
  atMs: number;
  bytes: number;
  /** Sender; absent for our own files. */
  from?: string;
}

export interface EvidenceFolderOptions {
  dir: string;
  maxBytes: number;
  keepMs: number;
  /** Mode 0700. */
  isPrivate?: boolean;
  /** Called when files were removed before they were sent. */
  onDropped?(count: number): void;
}

type EvidenceShelf = 'waiting' | 'kept';
const EVIDENCE_SHELVES: readonly EvidenceShelf[] = ['waiting', 'kept'];
const NAME = /^(\d{1,16})-([0-9a-f]{64})(?:\.(\d{1,16})\.([a-z0-9-]{1,64}))?\.(jpg|webp|mp4|mkv)$/;
const MIME_OF = new Map(Object.entries(EVIDENCE_KINDS).map(([mime, extension]) => [extension as string, mime as EvidenceMime]));
const TIDY_EVERY_MS = 600_000;

/** `receivedAt`: ms UTC, our clock. */
type StoredEvidence = EvidenceFile & { shelf: EvidenceShelf; receivedAt: number };

export class EvidenceFolder {
  readonly #options: EvidenceFolderOptions;
  readonly #clock: World['clock'];
  readonly #entries = new Map<string, StoredEvidence>();
  /** Serializes changes. */
  readonly #inTurn = serialQueue();
  #tidying: Timer | null = null;
  #bytes = 0;

  private constructor(options: EvidenceFolderOptions, clock: World['clock']) {
    this.#options = options;
    this.#clock = clock;
  }

  /** @throws FaultError CV_EVIDENCE_DISK */
  static async open(options: EvidenceFolderOptions, clock: World['clock']): Promise<EvidenceFolder> {
    const folder = new EvidenceFolder(options, clock);
    await folder.#guard(() => folder.#load());
    folder.#tidying = everyMs(clock, TIDY_EVERY_MS, () => { void folder.#inTurn(() => folder.#tidy()).catch(() => {}); });
    return folder;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(sha256: string): boolean {
    return this.#entries.has(sha256);
  }

  /** Resolves when it is on disk; a known file is not written again. @throws FaultError CV_EVIDENCE_DISK */
  put(file: Omit<EvidenceFile, 'bytes'>, content: Uint8Array, place: EvidenceShelf): Promise<void> {
    return this.#inTurn(() =>
      this.#guard(async () => {
        if (this.#entries.has(file.sha256)) return;
        const entry: StoredEvidence = {
          ...file,
          atMs: Math.round(file.atMs),
          bytes: content.length,
          shelf: place,
          receivedAt: Math.round(this.#clock.nowMs()),
        };
        await writeContentAtomically(this.#pathOf(entry), content).catch(async (error: NodeJS.ErrnoException) => {
          // Sent files make space for unsent ones.
          if (error.code !== 'ENOSPC' || place === 'kept' || !(await this.#makeRoom(content.length))) throw error;
          await writeContentAtomically(this.#pathOf(entry), content);
        });
        this.#add(entry);
        await this.#tidy();
      }),
    );
  }

  /** Moves a file that is already in `dir` into the folder. @throws FaultError CV_EVIDENCE_DISK */
  addFile(path: string, { mime, atMs }: Pick<EvidenceFile, 'mime' | 'atMs'>, place: EvidenceShelf): Promise<EvidenceFile> {
    return this.#inTurn(() =>
      this.#guard(async () => {
        const entry: StoredEvidence = {
          sha256: await hashOf(path),
          mime,
          atMs: Math.round(atMs),
          bytes: (await stat(path)).size,
          shelf: place,
          receivedAt: this.#clock.nowMs(),
        };
        if (this.#entries.has(entry.sha256)) await rm(path);
        else {
          await rename(path, this.#pathOf(entry));
          await forceFolder(dirname(this.#pathOf(entry)));
          this.#add(entry);
          await this.#tidy();
        }
        const { shelf: _place, receivedAt: _receivedAt, ...file } = entry;
        return file;
      }),
    );
  }

  pathOf(sha256: string): string | null {
    const entry = this.#entries.get(sha256);
    return entry ? this.#pathOf(entry) : null;
  }

  /** null when absent. `from`: as of a file. */
  async get(sha256: string): Promise<{ mime: EvidenceMime; content: Uint8Array; from?: string } | null> {
    const entry = this.#entries.get(sha256);
    const content = entry && await readFile(this.#pathOf(entry)).catch(() => null);
    return entry && content ? { mime: entry.mime, content, ...(entry.from !== undefined && { from: entry.from }) } : null;
  }

  /** The newest waiting file that `mayGo` accepts. */
  newestWaiting(mayGo: (file: EvidenceFile) => boolean = () => true): EvidenceFile | null {
    let newest: StoredEvidence | null = null;
    for (const entry of this.#entries.values())
      if (entry.shelf === 'waiting' && entry.atMs >= (newest?.atMs ?? -Infinity) && mayGo(entry)) newest = entry;
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
      freed += entry.bytes;
    }
    return freed >= bytes;
  }

  async #remove(entry: StoredEvidence): Promise<void> {
    await rm(this.#pathOf(entry), { force: true });
    this.#entries.delete(entry.sha256);
    this.#bytes -= entry.bytes;
  }

  #add(entry: StoredEvidence): void {
    const before = this.#entries.get(entry.sha256);
    if (before) this.#bytes -= before.bytes;
    this.#entries.set(entry.sha256, entry);
    this.#bytes += entry.bytes;
  }

  #pathOf({ shelf, atMs, sha256, mime, from, receivedAt }: Omit<StoredEvidence, 'bytes'>): string {
    return join(this.#options.dir, shelf, `${atMs}-${sha256}${from === undefined ? '' : `.${receivedAt}.${from}`}.${EVIDENCE_KINDS[mime]}`);
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw new FaultError('CV_EVIDENCE_DISK', { dir: this.#options.dir, detail: (error as Error).message }, { cause: error });
    }
  }
}

/** Removal order: files of others by arrival, our own by content time, but never later than arrival (a clock that was ahead). */
const compareAge = (a: StoredEvidence, b: StoredEvidence): number => ageKeyMs(a) - ageKeyMs(b);
const ageKeyMs = ({ atMs, from, receivedAt }: StoredEvidence): number => (from === undefined ? Math.min(atMs, receivedAt) : receivedAt);

/** The files of one sender. */
class SenderFiles {
  /** Oldest last. */
  readonly #entries: StoredEvidence[];
  bytes: number;

  constructor(entries: readonly StoredEvidence[]) {
    this.#entries = entries.toSorted((a, b) => compareAge(b, a));
    this.bytes = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  takeOldest(): StoredEvidence {
    const entry = this.#entries.pop() as StoredEvidence;
    this.bytes -= entry.bytes;
    return entry;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }
}

function largestSender(senders: readonly SenderFiles[]): SenderFiles | null {
  let most: SenderFiles | null = null;
  for (const one of senders) if (!one.isEmpty && (!most || one.bytes >= most.bytes)) most = one;
  return most;
}

/** Lists kept files, newest first; safe while another process writes to the folder. @throws file system errors */
export async function listKeptEvidence(dir: string): Promise<(EvidenceFile & { path: string })[]> {
  const place = join(dir, 'kept' satisfies EvidenceShelf);
  const files = await Promise.all((await readdir(place)).map(async (name) => {
    const found = await parseEvidenceFile(place, name).catch(() => null);
    if (!found) return [];
    const { receivedAt: _receivedAt, ...file } = found;
    return [{ ...file, path: join(place, name) }];
  }));
  return files.flat().toSorted((a, b) => b.atMs - a.atMs);
}

/** null when the name is not one of ours. */
async function parseEvidenceFile(dir: string, name: string): Promise<Omit<StoredEvidence, 'shelf'> | null> {
  const [, atMs, sha256 = '', receivedAt, from, extension = ''] = NAME.exec(name) ?? [];
  const mime = MIME_OF.get(extension);
  if (!mime) return null;
  const { size, mtimeMs } = await stat(join(dir, name));
  return { sha256, atMs: Number(atMs), mime, bytes: size, receivedAt: Number(receivedAt ?? mtimeMs), ...(from !== undefined && { from }) };
}

/** Forces the file to disk and hashes it. */
async function hashOf(path: string): Promise<string> {
  const file = await open(path, 'r+');
  await file.datasync().finally(() => file.close());
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Written under a temporary name, forced to disk, then renamed. */
async function writeContentAtomically(path: string, content: Uint8Array): Promise<void> {
  const unfinished = `${path}.part`;
  try {
    const file = await open(unfinished, 'w');
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await forceFolder(dirname(path));
  } catch (error) {
    await rm(unfinished).catch(() => {});
    throw error;
  }
}
