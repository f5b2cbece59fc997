/**
 * What becomes of a damaged file: it is put aside as it is, and all rows that still can be read stand under its name in
 * a new one, which nobody appends to. docs/decisions/0010-log-layout.md.
 */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { forceFolderSync } from '../core/folder.ts';
import { databaseFileBytes, renameDatabaseFile, removeDatabaseFile } from './database-file.ts';
import { LogFile, type LogFileFormat, type LogMetadataKind } from './log-file.ts';
import type { SeqRange } from './ranges.ts';
import { recoverRows, readRawFile, type RecoveredRows } from './recover-rows.ts';
import { storageFailureOf, isDiskFullFailure, isReadOnlyFailure, type LogFileName, type LogGroup, type SalvageReport } from './storage.ts';

/** Evidence for whoever looks into it; more of it would only be the same card again. */
const MAX_ASIDE = 3;
const UNFINISHED = '.salvage';
const ASIDE = /\.db\.damaged-(\d+)$/;
const GROUPS_A_COMMIT = 200;

/** Walks a file that nobody has open, and its write-ahead log. */
export function recoverFile(path: string, form: { epoch: number; origins: boolean }): RecoveredRows {
  const log = `${path}-wal`;
  return recoverRows(existsSync(path) ? readRawFile(path) : Buffer.alloc(0), existsSync(log) ? readRawFile(log) : Buffer.alloc(0), form);
}

/**
 * Puts what was found in the file's place.
 *
 * @returns what became of it; where the disk takes nothing now, `aside` is null, and `inMemory` stands for the file until it does
 */
export function replaceDamagedFile(dir: string, file: LogFileName, rows: RecoveredRows, form: LogFileFormat, detail: string): SalvageReport & { inMemory: LogFile | null } {
  const path = join(dir, file.name);
  const aside = nextDamagedName(dir, file.name);
  const found = { name: file.name, detail, present: presentRanges(rows.groups) };
  const notes = { ...rows.notes, salvaged: JSON.stringify({ v: 1, aside, detail }) };
  try {
    LogFile.create(path + UNFINISHED, form);
    writeRows(LogFile.openForWriting(path + UNFINISHED, file.epoch, form), rows, notes).seal();
  } catch (error) {
    removeDatabaseFile(path + UNFINISHED);
    const failure = storageFailureOf(error);
    if (!isDiskFullFailure(failure) && !isReadOnlyFailure(failure)) throw error;
    return { ...found, damagedName: null, bytes: databaseFileBytes(path), inMemory: writeRows(LogFile.inMemory(file.epoch, form), rows, notes) };
  }
  renameDatabaseFile(path, join(dir, aside));
  renameSync(path + UNFINISHED, path);
  forceFolderSync(dir);
  for (const old of damagedFiles(dir).slice(0, -MAX_ASIDE)) removeDatabaseFile(join(dir, old));
  return { ...found, damagedName: aside, bytes: databaseFileBytes(path), inMemory: null };
}

/** Ends what a process was killed at: the damaged file is moved away only when the new one is whole. */
export function finishSalvages(dir: string): void {
  for (const name of readdirSync(dir).filter((one) => one.endsWith(UNFINISHED))) {
    const path = join(dir, name.slice(0, -UNFINISHED.length));
    if (existsSync(path)) removeDatabaseFile(join(dir, name));
    else renameSync(join(dir, name), path);
  }
}

/** Damaged files that were put aside, oldest first. */
export function damagedFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => ASIDE.test(name))
    .map((name) => ({ name, at: statSync(join(dir, name)).ctimeMs }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

function nextDamagedName(dir: string, name: string): string {
  const taken = damagedFiles(dir).map((one) => Number(ASIDE.exec(one)?.[1]));
  return `${name}.damaged-${Math.max(0, ...taken) + 1}`;
}

/** @returns the file */
function writeRows(file: LogFile, rows: RecoveredRows, notes: Partial<Record<LogMetadataKind, string>>): LogFile {
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

function presentRanges(groups: readonly LogGroup[]): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const { seq, count } of groups) {
    const last = ranges.at(-1);
    if (last && seq <= last[1] + 1) last[1] = Math.max(last[1], seq + count - 1);
    else ranges.push([seq, seq + count - 1]);
  }
  return ranges;
}
