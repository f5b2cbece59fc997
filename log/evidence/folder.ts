/**
 * Files named by what they hold, within days and bytes. Those that wait to be sent lie apart: they give way last, and each
 * that does is counted. Of several senders, the one that has most makes room, and when its files came decides, not what it
 * states. A file is there whole or not at all; what a crash left half done is removed at the next start.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import { turns } from '../../core/turns.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { EVIDENCE_KINDS, type EvidenceMime } from '../../core/wire/mime.ts';
import './faults.ts';

export interface EvidenceFile {
  /** Hexadecimal, of the bytes. */
  sha256: string;
  mime: EvidenceMime;
  /** ms UTC of what it shows. */
  at: number;
  bytes: number;
  /** Who sent it; absent where all are our own. */
  from?: string;
}

export interface EvidenceFolderOptions {
  dir: string;
  maxBytes: number;
  keepMs: number;
  /** Nobody else on this machine may look into it. */
  isPrivate?: boolean;
  /** Files that were never sent had to go. */
  onLost?(count: number): void;
}

type Place = 'waiting' | 'kept';
const PLACES: readonly Place[] = ['waiting', 'kept'];
const NAME = /^(\d{1,16})-([0-9a-f]{64})(?:\.(\d{1,16})\.([a-z0-9-]{1,64}))?\.(jpg|webp|mp4|mkv)$/;
const MIME_OF = new Map(Object.entries(EVIDENCE_KINDS).map(([mime, extension]) => [extension as string, mime as EvidenceMime]));
const TIDY_EVERY_MS = 600_000;

/** `receivedAt`: ms UTC of our own clock. */
type Entry = EvidenceFile & { place: Place; receivedAt: number };

export class EvidenceFolder {
  readonly #options: EvidenceFolderOptions;
  readonly #clock: World['clock'];
  readonly #entries = new Map<string, Entry>();
  /** One change at a time. */
  readonly #inTurn = turns();
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

  /** Resolves when it is on disk; what is there already is not written again. @throws FaultError CV_EVIDENCE_DISK */
  put(file: Omit<EvidenceFile, 'bytes'>, content: Uint8Array, place: Place): Promise<void> {
    return this.#inTurn(() => this.#guard(async () => {
      if (this.#entries.has(file.sha256)) return;
      const entry: Entry = { ...file, at: Math.round(file.at), bytes: content.length, place, receivedAt: Math.round(this.#clock.nowMs()) };
      await writeWhole(this.#pathOf(entry), content).catch(async (error: NodeJS.ErrnoException) => {
        // What was sent already makes room for what was not.
        if (error.code !== 'ENOSPC' || place === 'kept' || !(await this.#makeRoom(content.length))) throw error;
        await writeWhole(this.#pathOf(entry), content);
      });
      this.#add(entry);
      await this.#tidy();
    }));
  }

  /** Takes in a file that lies in `dir` already, as it is: it is gone from its place when this resolves. @throws FaultError CV_EVIDENCE_DISK */
  adopt(path: string, { mime, at }: Pick<EvidenceFile, 'mime' | 'at'>, place: Place): Promise<EvidenceFile> {
    return this.#inTurn(() => this.#guard(async () => {
      const entry: Entry = { sha256: await hashOf(path), mime, at: Math.round(at), bytes: (await stat(path)).size, place, receivedAt: this.#clock.nowMs() };
      if (this.#entries.has(entry.sha256)) await rm(path, { force: true });
      else {
        await rename(path, this.#pathOf(entry));
        await forceFolder(dirname(this.#pathOf(entry)));
        this.#add(entry);
        await this.#tidy();
      }
      const { place: _place, receivedAt: _receivedAt, ...file } = entry;
      return file;
    }));
  }

  pathOf(sha256: string): string | null {
    const entry = this.#entries.get(sha256);
    return entry ? this.#pathOf(entry) : null;
  }

  /** Null when it is not there, or not any more. */
  async get(sha256: string): Promise<{ mime: EvidenceMime; content: Uint8Array } | null> {
    const entry = this.#entries.get(sha256);
    const content = entry && await readFile(this.#pathOf(entry)).catch(() => null);
    return entry && content ? { mime: entry.mime, content } : null;
  }

  /** Of those that wait and may go, the newest. */
  next(mayGo: (file: EvidenceFile) => boolean = () => true): EvidenceFile | null {
    let newest: Entry | null = null;
    for (const entry of this.#entries.values()) if (entry.place === 'waiting' && entry.at >= (newest?.at ?? -Infinity) && mayGo(entry)) newest = entry;
    return newest;
  }

  /** It waits no longer. @throws FaultError CV_EVIDENCE_DISK */
  settle(sha256: string): Promise<void> {
    return this.#inTurn(() => this.#guard(async () => {
      const entry = this.#entries.get(sha256);
      if (entry?.place !== 'waiting') return;
      const kept: Entry = { ...entry, place: 'kept' };
      await rename(this.#pathOf(entry), this.#pathOf(kept));
      this.#entries.set(sha256, kept);
    }));
  }

  async close(): Promise<void> {
    this.#tidying?.cancel();
    await this.#inTurn(() => Promise.resolve());
  }

  async #load(): Promise<void> {
    for (const place of PLACES) {
      const dir = join(this.#options.dir, place);
      await makeFolder(dir);
      if (this.#options.isPrivate) await chmod(this.#options.dir, 0o700);
      for (const name of await readdir(dir)) {
        const file = await fileOf(dir, name);
        if (!file) await rm(join(dir, name), { force: true, recursive: true });
        else this.#add({ ...file, place });
      }
    }
    await this.#tidy();
  }

  /** What is too old goes; then, while there is too much, the oldest: first of those that were sent, and of whoever has most. */
  async #tidy(): Promise<void> {
    const { maxBytes, keepMs, onLost } = this.#options;
    const before = this.#clock.nowMs() - keepMs;
    let lost = 0;
    const remove = async (entry: Entry): Promise<void> => {
      await this.#remove(entry);
      if (entry.place === 'waiting') lost += 1;
    };
    for (const entry of this.#entries.values()) if (Math.min(entry.at, entry.receivedAt) < before) await remove(entry);
    for (const place of PLACES.toReversed()) {
      if (this.#bytes <= maxBytes) break;
      const senders = [...Map.groupBy([...this.#entries.values()].filter((entry) => entry.place === place), ({ from }) => from).values()].map((entries) => new Held(entries));
      for (let most = mostOf(senders); most && this.#bytes > maxBytes; most = mostOf(senders)) await remove(most.takeOldest());
    }
    if (lost > 0) onLost?.(lost);
  }

  /** On a full disk. @returns whether so much of what was sent has gone */
  async #makeRoom(bytes: number): Promise<boolean> {
    let freed = 0;
    for (const entry of [...this.#entries.values()].filter(({ place }) => place === 'kept').toSorted(inOrder)) {
      if (freed >= 2 * bytes) break;
      await this.#remove(entry);
      freed += entry.bytes;
    }
    return freed >= bytes;
  }

  async #remove(entry: Entry): Promise<void> {
    await rm(this.#pathOf(entry), { force: true });
    this.#entries.delete(entry.sha256);
    this.#bytes -= entry.bytes;
  }

  #add(entry: Entry): void {
    const before = this.#entries.get(entry.sha256);
    if (before) this.#bytes -= before.bytes;
    this.#entries.set(entry.sha256, entry);
    this.#bytes += entry.bytes;
  }

  #pathOf({ place, at, sha256, mime, from, receivedAt }: Omit<Entry, 'bytes'>): string {
    return join(this.#options.dir, place, `${at}-${sha256}${from === undefined ? '' : `.${receivedAt}.${from}`}.${EVIDENCE_KINDS[mime]}`);
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw new FaultError('CV_EVIDENCE_DISK', { dir: this.#options.dir, detail: (error as Error).message }, { cause: error });
    }
  }
}

/** What goes first: of others when it came, of our own what it shows, but no clock of ours that was ahead counts. */
const inOrder = (a: Entry, b: Entry): number => orderOf(a) - orderOf(b);
const orderOf = ({ at, from, receivedAt }: Entry): number => (from === undefined ? Math.min(at, receivedAt) : receivedAt);

/** What one sender has. */
class Held {
  /** The oldest last. */
  readonly #entries: Entry[];
  bytes: number;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries.toSorted((a, b) => inOrder(b, a));
    this.bytes = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  takeOldest(): Entry {
    const entry = this.#entries.pop() as Entry;
    this.bytes -= entry.bytes;
    return entry;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }
}

function mostOf(senders: readonly Held[]): Held | null {
  let most: Held | null = null;
  for (const one of senders) if (!one.isEmpty && one.bytes >= (most?.bytes ?? 0)) most = one;
  return most;
}

/** What is kept in such a folder, the newest first, for whoever only looks: whoever writes it may be running. @throws the system's error */
export async function keptIn(dir: string): Promise<(EvidenceFile & { path: string })[]> {
  const place = join(dir, 'kept' satisfies Place);
  const files = await Promise.all((await readdir(place)).map(async (name) => {
    const found = await fileOf(place, name).catch(() => null);
    if (!found) return [];
    const { receivedAt: _receivedAt, ...file } = found;
    return [{ ...file, path: join(place, name) }];
  }));
  return files.flat().toSorted((a, b) => b.at - a.at);
}

/** null: a file of this name is none of ours, or not whole. */
async function fileOf(dir: string, name: string): Promise<Omit<Entry, 'place'> | null> {
  const [, at, sha256, receivedAt, from, extension = ''] = NAME.exec(name) ?? [];
  const mime = MIME_OF.get(extension);
  if (!sha256 || !mime) return null;
  const { size, mtimeMs } = await stat(join(dir, name));
  return { sha256, at: Number(at), mime, bytes: size, receivedAt: Number(receivedAt ?? mtimeMs), ...(from !== undefined && { from }) };
}

/** On disk, and what it holds. */
async function hashOf(path: string): Promise<string> {
  const file = await open(path, 'r+');
  await file.datasync().finally(() => file.close());
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Under another name until it is on disk. */
async function writeWhole(path: string, content: Uint8Array): Promise<void> {
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
    await rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
}
