/** Entries of the record, newest first, by what is asked for; so many bytes a page, however rare what is looked for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEntryView } from '../../api/audit.ts';
import { parseCursor, type Cursor } from '../../log/types.ts';
import { listAuditFiles, auditOrigin, readAuditLine, splitLines, type AuditFile } from './audit-line.ts';

const MAX_BYTES_READ = 16 << 20;
const DAY_MS = 86_400_000;

interface AuditFilter {
  /** From this time on, ms UTC. */
  since?: number | undefined;
  /** Before it. */
  until?: number | undefined;
  who?: string | undefined;
  kind?: string | undefined;
  centre?: string | undefined;
  outcome?: string | undefined;
  /** Told by this one. */
  edge?: string | undefined;
}

export interface AuditQuery {
  filter: AuditFilter;
  limit: number;
  /** Only lines before this one. */
  before: number | null;
  /** Leaves out what is of other centres; absent: shows all. */
  isSeen?(centre: string | undefined): boolean;
}

export interface AuditPage {
  items: AuditEntryView[];
  /** May be there beside few items, or none: then the next page goes on looking. */
  next: number | null;
}

/** @param current the file that is being written, and how much of it is on disk; null: all of it counts */
export async function readEntries(dir: string, query: AuditQuery, current: { name: string; bytes: number } | null): Promise<AuditPage> {
  const { before, limit, filter } = query;
  const files = (await listAuditFiles(dir)).filter((file) => (before === null || file.firstSeq < before) && isOfTime(file, filter));
  const page: AuditPage = { items: [], next: null };
  let bytesLeft = MAX_BYTES_READ;
  for (const file of files.toReversed()) {
    const bytes = await readFile(join(dir, file.name)).catch((error: NodeJS.ErrnoException) => {
      // Removed by its age meanwhile.
      if (error.code === 'ENOENT') return new Uint8Array();
      throw error;
    });
    const { lines } = splitLines(file.name === current?.name ? bytes.subarray(0, current.bytes) : bytes);
    for (const line of lines.toReversed()) {
      const entry = readAuditLine(Buffer.from(line).toString())?.entry;
      if (!entry || (before !== null && entry.seq >= before) || !fitsFilter(entry, query)) continue;
      if (page.items.length >= limit) return { ...page, next: page.items.at(-1)?.seq ?? null };
      page.items.push(entry);
    }
    bytesLeft -= bytes.length;
    if (bytesLeft <= 0 && file !== files[0]) return { ...page, next: file.firstSeq };
  }
  return page;
}

/** All lines of a file are of its day. */
function isOfTime({ day }: AuditFile, { since, until }: AuditFilter): boolean {
  const startMs = Date.parse(day);
  return (since === undefined || startMs + DAY_MS > since) && (until === undefined || startMs < until);
}

function fitsFilter(entry: AuditEntryView, { filter, isSeen }: AuditQuery): boolean {
  const { since, until, who, kind, centre, outcome, edge } = filter;
  return (
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at < until) &&
    (who ?? entry.who) === entry.who &&
    // A signature says nothing to people who did not ask for it.
    (kind === undefined ? entry.kind !== 'checkpoint' : kind === entry.kind) &&
    (centre === undefined || centre === entry.centre) &&
    (outcome ?? entry.outcome) === entry.outcome &&
    (edge === undefined || entry.origin === auditOrigin(edge)) &&
    (isSeen?.(entry.centre) ?? true)
  );
}

/** The place in the gateway's log of the newest entry of an edge behind a line; null: there is none. @throws the system's error */
export async function newestLogPlace(dir: string, behindSeq: number): Promise<Cursor | null> {
  const files = await listAuditFiles(dir);
  for (let at = files.length - 1; at >= 0; at -= 1) {
    const { name } = files[at] as AuditFile;
    for (const line of splitLines(await readFile(join(dir, name))).lines.toReversed()) {
      const entry = readAuditLine(Buffer.from(line).toString())?.entry;
      if (!entry) continue;
      if (entry.seq <= behindSeq) return null;
      const place = entry.log === undefined ? null : parseCursor(entry.log);
      if (place) return place;
    }
  }
  return null;
}
