/** Opens the files of a chain: seals what a crash left, salvages damaged files and reads the newest metadata. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { databaseFileBytes, isSealedFile, removeDatabaseFile, sealAfterCrash } from './database-file.ts';
import { LogFile } from './log-file.ts';
import { PAGE_BYTES } from './sqlite-page.ts';
import { readRawFile } from './recover-rows.ts';
import {
  storageFailureOf,
  isCorruption,
  isDiskFullFailure,
  isSqliteError,
  type ChainReport,
  type LogFileName,
  type FileReport,
  type SalvageReport,
} from './storage.ts';
import { readWal } from './wal.ts';

export interface ChainContext {
  dir: string;
  /** Closed files that still have a write-ahead log. */
  unsealed: Set<string>;
  read(file: LogFileName): LogFile | null;
  /** @param least the recovered rows must reach this number, else the file is left as it is and null returned */
  salvage(file: LogFileName, detail: string, least?: number): SalvageReport | null;
  /** Frees space on a full disk. @returns whether it did */
  freeSpace(): boolean;
}

export function openChain(context: ChainContext, names: readonly LogFileName[], head: ChainReport['head']): ChainReport {
  const report: ChainReport = { files: [], state: null, stateFile: null, trimmed: null, stateDamaged: false, head, salvages: [] };
  for (const file of names) {
    const found = inspect(context, file, report);
    if (found) report.files.push(found);
  }
  // There may be rows that the B-tree no longer reaches.
  for (const [index, file] of report.files.entries()) {
    const next = report.files[index + 1];
    const end = next?.epoch === file.epoch ? next.first - 1 : head?.epoch === file.epoch ? head.seq : 0;
    if (file.last < end && !file.damaged) salvage(context, file, report, 'ends before its known last number', file.last + 1);
  }
  return report;
}

/** Reads a file's report; null when the file never had a commit and was removed. */
function inspect(context: ChainContext, file: LogFileName, report: ChainReport): FileReport | null {
  const path = join(context.dir, file.name);
  const found: FileReport = { ...file, last: file.first - 1, lastAt: 0, bytes: databaseFileBytes(path), damaged: false };
  const uncommitted = hasNoCommit(path);
  let damage = sealAtOpening(context, file.name);
  if (damage === null) {
    // Never committed to. First case: older versions wrote even the tables to the write-ahead log.
    if (statSync(path).size < 2 * PAGE_BYTES || (uncommitted && isEmptyFile(context, file))) {
      removeDatabaseFile(path);
      context.unsealed.delete(file.name);
      return null;
    }
    damage = readFileMetadata(context, found, report);
  }
  if (damage !== null) salvage(context, found, report, damage);
  return { ...found, bytes: databaseFileBytes(path) };
}

/** Whether a file never had a commit. Only for files that are not open. */
export function hasNoCommit(path: string): boolean {
  return !isSealedFile(path) && (!existsSync(`${path}-wal`) || readWal(readRawFile(`${path}-wal`)).frames.length === 0);
}

function isEmptyFile({ dir, unsealed }: ChainContext, { name, epoch }: LogFileName): boolean {
  const file = LogFile.openForReading(join(dir, name), epoch, false, !unsealed.has(name));
  try {
    return file.isEmpty;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return false;
  } finally {
    file.close();
  }
}

function salvage(context: ChainContext, found: FileReport, report: ChainReport, detail: string, least?: number): void {
  const done = context.salvage(found, detail, least);
  if (!done) return;
  report.salvages.push(done);
  found.damaged = true;
  found.bytes = done.bytes;
  readFileMetadata(context, found, report);
}

/** Reads a file's metadata into the reports. @returns damage found, or null */
function readFileMetadata(context: ChainContext, found: FileReport, report: ChainReport): string | null {
  try {
    const file = context.read(found);
    const extent = file?.newestNumber();
    if (extent) Object.assign(found, extent);
    const state = file?.metadata('state').text ?? null;
    // Every file begins with its state.
    report.stateDamaged = state === null;
    if (state !== null) Object.assign(report, { state, stateFile: found.name });
    report.trimmed = file?.metadata('trimmed').text ?? report.trimmed;
    return null;
  } catch (error) {
    // A number beyond JavaScript's range is not a SQLite error.
    if (!isSqliteError(error) && !isCorruption(error)) throw error;
    report.stateDamaged = true;
    found.damaged = true;
    return isCorruption(error) ? storageFailureOf(error).detail : null;
  }
}

/** Seals a file left by a killed process; if that fails it is read as it is. @returns damage found, or null */
function sealAtOpening({ dir, unsealed, freeSpace }: ChainContext, name: string): string | null {
  const path = join(dir, name);
  if (isSealedFile(path)) return null;
  unsealed.add(name);
  // SQLite would drop everything after a damaged frame.
  if (existsSync(`${path}-wal`) && readWal(readRawFile(`${path}-wal`)).damaged) return 'write-ahead log is damaged';
  const seal = (): string | null => {
    try {
      sealAfterCrash(path);
      unsealed.delete(name);
      return null;
    } catch (error) {
      if (!isSqliteError(error)) throw error;
      if (isDiskFullFailure(storageFailureOf(error)) && freeSpace()) return seal();
      return isCorruption(error) ? storageFailureOf(error).detail : null;
    }
  };
  return seal();
}
