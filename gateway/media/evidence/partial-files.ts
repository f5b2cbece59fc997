/**
 * Files of edges that have come in part, each part appended as it comes. Where there is a key each part is encrypted by
 * itself, with its lengths before it: a file that grows has no last chunk, and the same nonce is never used twice.
 */
import { mkdir, open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../../core/faults.ts';
import { decryptContent, encryptContent } from '../../../log/at-rest/encrypt.ts';
import type { AtRestKeys } from '../../../log/at-rest/keys.ts';
import '../../../log/evidence/faults.ts';

/** What was begun longer ago is not gone on with: its edge is gone, or has let go of it. */
const ABANDONED_MS = 7 * 86_400_000;
const ENCRYPTED = '.encrypted';
/** Before each part: its length as it lies here, and without encryption. */
const LENGTHS_BYTES = 8;

interface PartialSize {
  /** Of the content. */
  have: number;
  diskBytes: number;
}

export class PartialFiles {
  readonly #dir: string;
  readonly #keys: AtRestKeys;
  /** By path, of one file an edge: what encrypted parts hold together is not to be seen from their size on disk. */
  readonly #sizes = new Map<string, PartialSize>();

  constructor(dir: string, keys: AtRestKeys) {
    this.#dir = dir;
    this.#keys = keys;
  }

  /** What was kept in the other way, plain or encrypted, is sent again: its edge has it. @throws FaultError CV_EVIDENCE_DISK */
  async open(nowMs: number): Promise<void> {
    await this.#guard(async () => {
      await mkdir(this.#dir, { recursive: true });
      for (const name of await readdir(this.#dir)) {
        const path = join(this.#dir, name);
        const isOther = name.endsWith(ENCRYPTED) !== this.#isEncrypting;
        if (isOther || (await stat(path)).mtimeMs < nowMs - ABANDONED_MS) await rm(path, { force: true });
      }
    });
  }

  /** How much of it is there; null: it was not begun. @throws FaultError CV_EVIDENCE_DISK */
  have(edge: string, sha256: string): Promise<number | null> {
    return this.#guard(async () => {
      const path = this.#pathOf(edge, sha256);
      const diskBytes = await stat(path).then(({ size }) => size, () => null);
      if (diskBytes === null) return null;
      if (!this.#isEncrypting) return diskBytes;
      const known = this.#sizes.get(path);
      const size = known?.diskBytes === diskBytes ? known : await sizeOf(path);
      this.#sizes.set(path, size);
      // A power cut may have left half a part.
      if (size.diskBytes < diskBytes) await truncate(path, size.diskBytes);
      return size.have;
    });
  }

  /** @param have as `have` gave it. @returns how much is there now. @throws FaultError CV_EVIDENCE_DISK */
  append(edge: string, sha256: string, have: number, piece: Uint8Array): Promise<number> {
    return this.#guard(async () => {
      const path = this.#pathOf(edge, sha256);
      const { current } = this.#keys;
      const written = current ? withLengths(encryptContent(piece, current, partName(edge, sha256, have)), piece.length) : piece;
      const file = await open(path, 'a');
      try {
        await file.writeFile(written);
      } finally {
        await file.close();
      }
      const before = this.#sizes.get(path)?.diskBytes ?? 0;
      if (current) this.#sizes.set(path, { have: have + piece.length, diskBytes: before + written.length });
      return have + piece.length;
    });
  }

  /** All that has come of it. @throws FaultError CV_AT_REST_KEY, CV_AT_REST_DAMAGED; file system errors */
  async content(edge: string, sha256: string): Promise<Buffer> {
    const path = this.#pathOf(edge, sha256);
    const kept = await readFile(path);
    if (!this.#isEncrypting) return kept;
    const parts: Uint8Array[] = [];
    let have = 0;
    for (const { from, to } of partsOf(kept)) {
      const part = decryptContent(kept.subarray(from, to), { path, name: partName(edge, sha256, have) }, this.#keys);
      parts.push(part);
      have += part.length;
    }
    return Buffer.concat(parts);
  }

  async remove(edge: string, sha256: string): Promise<void> {
    const path = this.#pathOf(edge, sha256);
    this.#sizes.delete(path);
    await rm(path, { force: true });
  }

  /** All that this edge has begun. @throws FaultError CV_EVIDENCE_DISK */
  forget(edge: string): Promise<void> {
    return this.#guard(async () => {
      for (const name of (await readdir(this.#dir)).filter((one) => one.startsWith(`${edge}.`))) {
        this.#sizes.delete(join(this.#dir, name));
        await rm(join(this.#dir, name), { force: true });
      }
    });
  }

  get #isEncrypting(): boolean {
    return this.#keys.current !== null;
  }

  /** An id of an edge has no dot. */
  #pathOf(edge: string, sha256: string): string {
    return join(this.#dir, `${edge}.${sha256}${this.#isEncrypting ? ENCRYPTED : ''}`);
  }

  async #guard<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw new FaultError('CV_EVIDENCE_DISK', { dir: this.#dir, detail: (error as Error).message }, { cause: error });
    }
  }
}

/** What a part is: one of another file, or of another place in it, cannot be put here. */
const partName = (edge: string, sha256: string, from: number): string => `evidence-part:${edge}:${sha256}:${from}`;

function withLengths(part: Uint8Array, plain: number): Buffer {
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(part.length, 0);
  lengths.writeUInt32BE(plain, LENGTHS_BYTES / 2);
  return Buffer.concat([lengths, part]);
}

/** Where the whole parts lie, without their lengths; what a power cut left behind them is none. */
function* partsOf(kept: Buffer): Generator<{ from: number; to: number; plain: number }, void> {
  for (let from = LENGTHS_BYTES; from <= kept.length;) {
    const to = from + kept.readUInt32BE(from - LENGTHS_BYTES);
    if (to === from || to > kept.length) return;
    yield { from, to, plain: kept.readUInt32BE(from - LENGTHS_BYTES / 2) };
    from = to + LENGTHS_BYTES;
  }
}

async function sizeOf(path: string): Promise<PartialSize> {
  const parts = [...partsOf(await readFile(path))];
  return { have: parts.reduce((sum, { plain }) => sum + plain, 0), diskBytes: parts.at(-1)?.to ?? 0 };
}
