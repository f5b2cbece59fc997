/** The written form of the record: a JSON line an entry, each with the SHA-256 of the line before it, and the names of files. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { AuditEntryView } from '../../api/audit.ts';
import type { AuditEntry } from '../people/audit.ts';
import { jsonObject, signText, type SigningKey } from './signed-text.ts';

/** What the first line of all follows. */
export const CHAIN_START = '0'.repeat(64);
export const HEAD_FILE = 'head.json';
export const BEGIN_FILE = 'begin.json';

const MAX_NAME = 128;
const MAX_FROM = 64;
const MAX_TEXT = 200;
const MAX_DETAILS = 12;
const NEWLINE = 10;

/** An entry as it waits to be written. */
export type QueuedEntry = AuditEntry & { at: number };

/** One that an edge told. */
export interface ShippedEntry extends QueuedEntry {
  /** `edge:NAME`, by the topic it came in on and never by what it says. */
  origin: string;
  occurredAt: number;
  /** Its place in the gateway's log: what stands in the record is not written again. */
  log: string;
}

export const auditOrigin = (edge: string): string => `edge:${edge}`;

/** A place in the chain: the last line that there is, and its hash. */
export interface ChainEnd {
  seq: number;
  hash: string;
}

export const hashOfLine = (line: string | Uint8Array): string => createHash('sha256').update(line).digest('hex');

/** Cut to what a line may hold; a half character at the cut is made whole. */
export function boundEntry({ kind, who, from, what, outcome, centre, details }: AuditEntry, atMs: number): QueuedEntry {
  const short = (text: string, max: number): string => String(text).slice(0, max).toWellFormed();
  const kept = Object.entries(details ?? {}).slice(0, MAX_DETAILS);
  return {
    at: atMs,
    kind,
    who: short(who, MAX_NAME),
    from: short(from, MAX_FROM),
    what: short(what, MAX_TEXT),
    outcome,
    ...(centre !== undefined && { centre: short(centre, MAX_FROM) }),
    ...(kept.length > 0 && {
      details: Object.fromEntries(
        kept.map(([key, value]) => [short(key, MAX_FROM), typeof value === 'number' ? value : short(value, MAX_TEXT)]),
      ),
    }),
  };
}

/** The next line, without its newline, and the chain's end behind it. */
export function lineAfter({ seq, hash }: ChainEnd, { at, ...entry }: QueuedEntry): { line: string; end: ChainEnd } {
  const line = JSON.stringify({ seq: seq + 1, at, ...entry, prev: hash });
  return { line, end: { seq: seq + 1, hash: hashOfLine(line) } };
}

/** A line that signs all lines before it. */
export function checkpointAfter({ seq, hash }: ChainEnd, atMs: number, key: SigningKey): { line: string; end: ChainEnd } {
  const own = { kind: 'checkpoint', who: '', from: '', what: '', outcome: 'done', details: { key: key.id } };
  const body = { seq: seq + 1, at: atMs, ...own, prev: hash };
  const line = signText('checkpoint', body, key);
  return { line, end: { seq: seq + 1, hash: hashOfLine(line) } };
}

/** A line as it was read. */
export interface ReadLine {
  entry: AuditEntryView;
  prev: string;
}

/** null: no line of a record. */
export function readAuditLine(text: string): ReadLine | null {
  const value = jsonObject(text);
  const entry = AuditEntryView.safeParse(value);
  return entry.success && typeof value?.prev === 'string' ? { entry: entry.data, prev: value.prev } : null;
}

/** Whole lines of a file, as bytes; what stands behind the last newline comes beside them. */
export function splitLines(bytes: Uint8Array): { lines: Uint8Array[]; rest: Uint8Array } {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, rest: bytes.subarray(start) };
}

/** Part of the record: named by the number of its first line, and by the day (UTC) of all its lines. */
export interface AuditFile {
  name: string;
  firstSeq: number;
  day: string;
}

const FILE_NAME = /^(\d{12})-(\d{4}-\d{2}-\d{2})\.jsonl$/;
export const utcDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
export const auditFileName = (firstSeq: number, day: string): string => `${String(firstSeq).padStart(12, '0')}-${day}.jsonl`;

/** In order. @throws the system's error where the folder cannot be read */
export async function listAuditFiles(dir: string): Promise<AuditFile[]> {
  const names = (await readdir(dir)).toSorted();
  return names.flatMap((name) => {
    const [, seq, day = ''] = FILE_NAME.exec(name) ?? [];
    return seq === undefined ? [] : { name, firstSeq: Number(seq), day };
  });
}
