/** Appends lines to the record's files: many lines with one fsync, a new file each day and at a size, a signed head behind. */
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { forceFolder } from '../../core/folder.ts';
import { auditFileName, checkpointAfter, lineAfter, utcDay, type AuditFile, type ChainEnd, type QueuedEntry } from './audit-line.ts';
import { writeLandmark, type Landmark } from './landmarks.ts';
import type { RecoveredChain } from './recovery.ts';
import type { SigningKey } from './signed-text.ts';

/** Small enough to be read at once. */
const MAX_FILE_BYTES = 2 << 20;
/** Lines between two signatures inside the chain. */
const CHECKPOINT_LINES = 500;

export interface AuditWriterOptions {
  dir: string;
  gateway: string;
  key: SigningKey;
  maxFileBytes?: number;
}

/** Lines of one file that are put down together. */
interface Part {
  text: string;
  count: number;
  end: ChainEnd;
  sinceCheckpoint: number;
}

export class AuditWriter {
  readonly #options: AuditWriterOptions;
  readonly #maxFileBytes: number;
  /** On disk. */
  #end: ChainEnd;
  #file: AuditFile | null;
  #bytes: number;
  #sinceCheckpoint = 0;
  /** Of the newest line: a signature belongs to the day of its file. */
  #lastAtMs = 0;
  #handle: FileHandle | null = null;
  #headSeq = -1;

  constructor(options: AuditWriterOptions, { end, file }: Pick<RecoveredChain, 'end' | 'file'>) {
    this.#options = options;
    this.#maxFileBytes = options.maxFileBytes ?? MAX_FILE_BYTES;
    this.#end = end;
    this.#file = file;
    this.#bytes = file?.bytes ?? 0;
  }

  /** The newest line on disk. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** The file that is being written, and how much of it is on disk. */
  get current(): { name: string; bytes: number } | null {
    return this.#file && { name: this.#file.name, bytes: this.#bytes };
  }

  /**
   * Writes entries and takes them out of the queue as they are on disk; rejects with the system's error, and what is left
   * in the queue is then not written.
   *
   * @param seals with a signature at the end
   */
  async write(queue: QueuedEntry[], nowMs: number, seals = false): Promise<void> {
    while (queue.length > 0) {
      const first = queue[0] as QueuedEntry;
      if (!this.#fits(first)) await this.#roll(utcDay(first.at));
      const part = this.#partOf(queue);
      if (seals && part.count === queue.length) this.#sign(part, nowMs);
      await this.#append(part);
      queue.splice(0, part.count);
    }
    await this.writeHead(nowMs);
  }

  /** Behind the lines: a head is never ahead of what is on disk. */
  async writeHead(nowMs: number, forcesName = false): Promise<void> {
    if (this.#headSeq === this.#end.seq) return;
    const { dir, gateway, key } = this.#options;
    await writeLandmark(dir, 'head', { mark: { ...this.#end, at: nowMs }, gateway, key }, forcesName);
    this.#headSeq = this.#end.seq;
  }

  /** Where the chain begins, since what was before it goes. */
  writeBegin(mark: Landmark): Promise<void> {
    const { dir, gateway, key } = this.#options;
    return writeLandmark(dir, 'begin', { mark, gateway, key }, true);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  #fits({ at }: QueuedEntry): boolean {
    return this.#file !== null && this.#file.day === utcDay(at) && this.#bytes < this.#maxFileBytes;
  }

  /** The file before is signed at its end, where that can still be done: a roll that failed has done it. */
  async #roll(day: string): Promise<void> {
    const { dir } = this.#options;
    if (this.#file && this.#bytes > 0 && this.#sinceCheckpoint > 0) {
      const part = this.#emptyPart();
      this.#sign(part, this.#lastAtMs);
      await this.#append(part);
    }
    await this.close();
    // Begun and left without a line.
    if (this.#file && this.#bytes === 0) await unlink(join(dir, this.#file.name)).catch(ignoreMissing);
    const firstSeq = this.#end.seq + 1;
    this.#file = { name: auditFileName(firstSeq, day), firstSeq, day };
    this.#bytes = 0;
  }

  #partOf(queue: readonly QueuedEntry[]): Part {
    const part = this.#emptyPart();
    const day = this.#file?.day;
    if (this.#bytes === 0) this.#sign(part, (queue[0] as QueuedEntry).at);
    for (const entry of queue) {
      if (part.count > 0 && (utcDay(entry.at) !== day || this.#bytes + part.text.length >= this.#maxFileBytes)) break;
      const { line, end } = lineAfter(part.end, entry);
      part.text += `${line}\n`;
      part.end = end;
      part.count += 1;
      part.sinceCheckpoint += 1;
      this.#lastAtMs = entry.at;
      if (part.sinceCheckpoint >= CHECKPOINT_LINES) this.#sign(part, entry.at);
    }
    return part;
  }

  #emptyPart(): Part {
    return { text: '', count: 0, end: this.#end, sinceCheckpoint: this.#sinceCheckpoint };
  }

  #sign(part: Part, atMs: number): void {
    const { line, end } = checkpointAfter(part.end, atMs, this.#options.key);
    part.text += `${line}\n`;
    part.end = end;
    part.sinceCheckpoint = 0;
  }

  async #append(part: Part): Promise<void> {
    const { dir } = this.#options;
    const { name } = this.#file as AuditFile;
    try {
      if (!this.#handle) {
        this.#handle = await open(join(dir, name), 'a', 0o600);
        // What a failed write has left behind what is on disk.
        await this.#handle.truncate(this.#bytes);
        if (this.#bytes === 0) await forceFolder(dir);
      }
      await this.#handle.appendFile(part.text);
      await this.#handle.datasync();
    } catch (error) {
      // A handle cannot be trusted after a failed fsync.
      await this.close().catch(() => undefined);
      throw error;
    }
    this.#bytes += Buffer.byteLength(part.text);
    this.#end = part.end;
    this.#sinceCheckpoint = part.sinceCheckpoint;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
