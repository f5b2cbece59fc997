/**
 * Removes files that are older than the record is kept, whole ones alone, and leaves a signed note of where the chain now
 * begins. The note is on disk first: a power cut in between leaves files that are no longer needed, never a hole.
 */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/world.ts';
import { listAuditFiles, readAuditLine, splitLines } from './audit-line.ts';
import type { AuditWriter } from './writer.ts';

const DAY_MS = 86_400_000;
/** A clock that was set in between may be wrong by years: such an hour removes nothing. */
const MAX_STEP_MS = 60_000;

export class AuditRetention {
  readonly #keepMs: () => number;
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  #offsetMs: number;

  constructor(keepMs: () => number, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#keepMs = keepMs;
    this.#clock = clock;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** @returns what was removed; null: nothing. @throws the system's error */
  async remove(dir: string, writer: Pick<AuditWriter, 'writeBegin'>): Promise<{ files: number; from: number; to: number } | null> {
    const nowMs = this.#clock.nowMs();
    const offsetMs = nowMs - this.#clock.monotonicMs();
    const isStepped = Math.abs(offsetMs - this.#offsetMs) > MAX_STEP_MS;
    this.#offsetMs = offsetMs;
    if (isStepped) return null;
    const files = await listAuditFiles(dir);
    const kept = files.findIndex(({ day }) => Date.parse(day) + DAY_MS > nowMs - this.#keepMs());
    // The newest stays in any case: the chain goes on from it.
    const expired = files.slice(0, kept < 0 ? -1 : kept);
    const [first, next] = [expired[0], files[expired.length]];
    if (!first || !next) return null;
    const { lines: [line] } = splitLines(await readFile(join(dir, next.name)));
    const read = line && readAuditLine(Buffer.from(line).toString());
    if (!read || read.entry.seq !== next.firstSeq) return null;
    await writer.writeBegin({ seq: next.firstSeq - 1, hash: read.prev, at: nowMs });
    for (const { name } of expired) await unlink(join(dir, name));
    return { files: expired.length, from: first.firstSeq, to: next.firstSeq - 1 };
  }
}
