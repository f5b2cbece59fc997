/**
 * What becomes of a damaged file: it is put aside as it is, and all rows that still can be read stand under its name in
 * a new one, which nobody appends to. docs/decisions/0010-log-layout.md.
 */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { forceFolderSync } from '../core/folder.ts';
import { fileBytes, moveFile, removeFile } from './file-on-disk.ts';
import { LogFile, type FileForm, type NoteKind } from './log-file.ts';
import type { Range } from './ranges.ts';
import { rawRows, readRaw, type RawRows } from './raw-rows.ts';
import { failureOf, isFull, isReadOnly, type FileName, type Group, type Salvage } from './storage.ts';

/** Evidence for whoever looks into it; more of it would only be the same card again. */
const MAX_ASIDE = 3;
const UNFINISHED = '.salvage';
const ASIDE = /\.db\.damaged-(\d+)$/;
const GROUPS_A_COMMIT = 200;

/** Walks a file that nobody has open, and its write-ahead log. */
export function walk(path: string, form: { epoch: number; origins: boolean }): RawRows {
  const log = `${path}-wal`;
  return rawRows(existsSync(path) ? readRaw(path) : Buffer.alloc(0), existsSync(log) ? readRaw(log) : Buffer.alloc(0), form);
}

/**
 * Puts what was found in the file's place.
 *
 * @returns what became of it; where the disk takes nothing now, `aside` is null, and `inMemory` stands for the file until it does
 */
export function replace(dir: string, file: FileName, rows: RawRows, form: FileForm, detail: string): Salvage & { inMemory: LogFile | null } {
  const path = join(dir, file.name);
  const aside = nextAside(dir, file.name);
  const found = { name: file.name, detail, present: presentOf(rows.groups) };
  const notes = { ...rows.notes, salvaged: JSON.stringify({ v: 1, aside, detail }) };
  try {
    LogFile.prepare(path + UNFINISHED, form);
    writeRows(LogFile.start(path + UNFINISHED, file.epoch, form), rows, notes).seal();
  } catch (error) {
    removeFile(path + UNFINISHED);
    const failure = failureOf(error);
    if (!isFull(failure) && !isReadOnly(failure)) throw error;
    return { ...found, aside: null, bytes: fileBytes(path), inMemory: writeRows(LogFile.inMemory(file.epoch, form), rows, notes) };
  }
  moveFile(path, join(dir, aside));
  renameSync(path + UNFINISHED, path);
  forceFolderSync(dir);
  for (const old of asideFiles(dir).slice(0, -MAX_ASIDE)) removeFile(join(dir, old));
  return { ...found, aside, bytes: fileBytes(path), inMemory: null };
}

/** Ends what a process was killed at: the damaged file is moved away only when the new one is whole. */
export function finishSalvages(dir: string): void {
  for (const name of readdirSync(dir).filter((one) => one.endsWith(UNFINISHED))) {
    const path = join(dir, name.slice(0, -UNFINISHED.length));
    if (existsSync(path)) removeFile(join(dir, name));
    else renameSync(join(dir, name), path);
  }
}

/** Damaged files that were put aside, oldest first. */
export function asideFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => ASIDE.test(name))
    .map((name) => ({ name, at: statSync(join(dir, name)).ctimeMs }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

function nextAside(dir: string, name: string): string {
  const taken = asideFiles(dir).map((one) => Number(ASIDE.exec(one)?.[1]));
  return `${name}.damaged-${Math.max(0, ...taken) + 1}`;
}

/** @returns the file */
function writeRows(file: LogFile, rows: RawRows, notes: Partial<Record<NoteKind, string>>): LogFile {
  try {
    file.write([], notes);
    for (let at = 0; at < rows.groups.length; at += GROUPS_A_COMMIT) file.write(rows.groups.slice(at, at + GROUPS_A_COMMIT), {});
    if (rows.settled.length > 0) file.write([], {}, rows.settled);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function presentOf(groups: readonly Group[]): Range[] {
  const ranges: Range[] = [];
  for (const { seq, count } of groups) {
    const last = ranges.at(-1);
    if (last && seq <= last[1] + 1) last[1] = Math.max(last[1], seq + count - 1);
    else ranges.push([seq, seq + count - 1]);
  }
  return ranges;
}
