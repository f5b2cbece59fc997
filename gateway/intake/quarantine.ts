/**
 * Quarantine: what was refused, with its reason, on disk before its sender is told to let go of it. A few files of JSON
 * lines, the oldest given up when they are full; the newest items can be listed, and read back whole while small.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuarantineItem } from '../../api/quarantine.ts';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import type { World } from '../../core/world.ts';

export interface RefusedPayload {
  at: number;
  sender: string;
  code: FaultCode;
  detail: string;
  /** All of it, or its head when digest and length of the whole are given. */
  payload: Uint8Array;
  whole?: { sha256: string; bytes: number };
}

export interface Quarantine {
  /** Resolves when it is on disk. The same payload of the same sender with the same code is kept once. @throws CV_QUARANTINE_FAILED */
  add(refused: readonly RefusedPayload[]): Promise<void>;
  /** Newest first, ids below `before` (null: from the newest). */
  list(before: number | null, limit: number): QuarantineItem[];
  /** The payload, cut at 64 KB; null when it is not kept (any more). */
  payload(id: number): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

export interface QuarantineOptions {
  dir: string;
  maxFileBytes?: number;
  maxFiles?: number;
}

export const MAX_PAYLOAD_BYTES = 64 << 10;
const EXCERPT_BYTES = 200;
const MAX_DETAIL_CHARS = 300;
export const MAX_ITEMS = 10_000;
/** A sender that floods with garbage fills no disk: above this a second, only the excerpt is kept. */
const MAX_PAYLOAD_BYTES_PER_SECOND = 4 << 20;
const NAME = /^quarantine-(\d+)\.jsonl$/;

interface StoredItem {
  item: QuarantineItem;
  file: number;
  offset: number;
  length: number;
}

interface StoredLine extends QuarantineItem {
  payload: string | null;
}

export async function openQuarantine({ dir, maxFileBytes = 16 << 20, maxFiles = 4 }: QuarantineOptions, world: World): Promise<Quarantine> {
  await makeFolder(dir);
  const path = (file: number) => join(dir, `quarantine-${file}.jsonl`);
  let kept: StoredItem[] = [];
  const known = new Set<string>();
  const files: number[] = [];
  for (const file of (await readdir(dir)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number).toSorted((a, b) => a - b)) {
    files.push(file);
    kept.push(...readLines(await readFile(path(file)), file));
  }
  for (const { item } of kept) known.add(keyOf(item));
  let nextId = (kept.at(-1)?.item.id ?? 0) + 1;
  let handle: FileHandle | null = null;
  let size = 0;
  let second = { at: -1, bytes: 0 };
  let last: Promise<void> = Promise.resolve();
  /** What waits for the write that is under way goes to the disk together. */
  let next: { lines: StoredLine[]; written: Promise<void> } | null = null;

  async function append(lines: readonly StoredLine[]): Promise<void> {
    if (!handle || size >= maxFileBytes) await roll();
    const texts = lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
    await (handle as FileHandle).appendFile(Buffer.concat(texts));
    await (handle as FileHandle).datasync();
    const file = files.at(-1) as number;
    lines.forEach(({ payload: _payload, ...item }, at) => {
      const length = (texts[at] as Buffer).length;
      kept.push({ item, file, offset: size, length });
      size += length;
    });
    if (kept.length > MAX_ITEMS * 1.1) forget(kept.slice(0, -MAX_ITEMS));
  }

  function enqueue(lines: readonly StoredLine[]): { written: Promise<void> } {
    if (next) {
      next.lines.push(...lines);
      return next;
    }
    const batch = { lines: [...lines], written: Promise.resolve() };
    batch.written = last.then(() => {
      next = null;
      return append(batch.lines);
    });
    next = batch;
    last = batch.written.catch(() => {});
    return batch;
  }

  /** A new file each time it opens: nothing is ever written behind a torn line. */
  async function roll(): Promise<void> {
    await handle?.close();
    handle = null;
    const file = (files.at(-1) ?? 0) + 1;
    handle = await open(path(file), 'a');
    await forceFolder(dir);
    files.push(file);
    size = 0;
    while (files.length > maxFiles) {
      const oldest = files.shift() as number;
      forget(kept.filter((one) => one.file === oldest));
      await rm(path(oldest), { force: true });
    }
  }

  function forget(gone: readonly StoredItem[]): void {
    const ids = new Set(gone.map(({ item }) => item.id));
    for (const { item } of gone) known.delete(keyOf(item));
    kept = kept.filter(({ item }) => !ids.has(item.id));
  }

  function lineOf({ at, sender, code, detail, payload, whole: given }: RefusedPayload, sha256: string): StoredLine {
    const now = Math.floor(world.clock.monotonicMs() / 1000);
    if (second.at !== now) second = { at: now, bytes: 0 };
    const part = payload.subarray(0, MAX_PAYLOAD_BYTES);
    second.bytes += part.length;
    const whole = second.bytes <= MAX_PAYLOAD_BYTES_PER_SECOND ? Buffer.from(part).toString('base64') : null;
    const id = nextId;
    nextId += 1;
    return {
      id,
      at,
      sender,
      code,
      detail: detail.slice(0, MAX_DETAIL_CHARS),
      sha256,
      bytes: given?.bytes ?? payload.length,
      excerpt: excerptOf(payload),
      payload: whole,
    };
  }

  return {
    async add(refused) {
      const lines: StoredLine[] = [];
      const keys: string[] = [];
      for (const one of refused) {
        const sha256 = one.whole?.sha256 ?? payloadSha256(one.payload);
        const key = keyOf({ sender: one.sender, code: one.code, sha256 });
        if (known.has(key) || keys.includes(key)) continue;
        keys.push(key);
        lines.push(lineOf(one, sha256));
      }
      // What is known may still be on its way to the disk: everyone waits for the writes before.
      const { written } = lines.length > 0 ? enqueue(lines) : { written: last };
      for (const key of keys) known.add(key);
      void written.catch(() => { for (const key of keys) known.delete(key); });
      await written.catch((error: unknown) => {
        throw new FaultError('CV_QUARANTINE_FAILED', { detail: error instanceof Error ? error.message : String(error) }, { cause: error });
      });
    },
    list(before, limit) {
      const items: QuarantineItem[] = [];
      for (let at = kept.length - 1; at >= 0 && items.length < limit; at -= 1) {
        const { item } = kept[at] as StoredItem;
        if (before === null || item.id < before) items.push(item);
      }
      return items;
    },
    async payload(id) {
      const found = kept.find(({ item }) => item.id === id);
      if (!found) return null;
      const file = await open(path(found.file), 'r');
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(found.length), 0, found.length, found.offset);
        const line = parseLine(buffer.subarray(0, bytesRead));
        return line?.payload == null ? null : Buffer.from(line.payload, 'base64');
      } finally {
        await file.close();
      }
    },
    async close() {
      await last;
      await handle?.close();
      handle = null;
    },
  };
}

export const payloadSha256 = (payload: Uint8Array): string => createHash('sha256').update(payload).digest('hex');

const keyOf = ({ sender, code, sha256 }: Pick<QuarantineItem, 'sender' | 'code' | 'sha256'>): string => `${sender}|${code}|${sha256}`;

/** A torn last line (power cut) is passed over: its sender was not answered and sends again. */
function readLines(bytes: Buffer, file: number): StoredItem[] {
  const found: StoredItem[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const end = bytes.indexOf(10, offset);
    if (end < 0) break;
    const line = parseLine(bytes.subarray(offset, end));
    if (line) {
      const { payload: _payload, ...item } = line;
      found.push({ item, file, offset, length: end - offset + 1 });
    }
    offset = end + 1;
  }
  return found.slice(-MAX_ITEMS);
}

function parseLine(bytes: Buffer): StoredLine | null {
  try {
    const line = JSON.parse(bytes.toString('utf8')) as StoredLine;
    return Number.isSafeInteger(line.id) ? line : null;
  } catch {
    return null;
  }
}

/** Text as it is; other bytes in hex. */
function excerptOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.subarray(0, EXCERPT_BYTES));
  const text = bytes.toString('utf8');
  const readable = [...text].every((character) => character >= ' ' && character !== '\uFFFD' || character === '\n' || character === '\t');
  return readable ? text : bytes.toString('hex').slice(0, EXCERPT_BYTES);
}
