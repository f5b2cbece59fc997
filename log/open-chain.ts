/** What an opening finds of a chain: files are brought to rest, damaged ones salvaged, and the newest notes read. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { databaseFileBytes, isSealedFile, removeDatabaseFile, sealAfterCrash } from './database-file.ts';
import { LogFile } from './log-file.ts';
import { PAGE_BYTES } from './sqlite-page.ts';
import { readRawFile } from './recover-rows.ts';
import { storageFailureOf, isCorruption, isDiskFullFailure, isSqliteError, type ChainReport, type LogFileName, type FileReport, type SalvageReport } from './storage.ts';
import { readWal } from './wal.ts';

export interface ChainContext {
  dir: string;
  /** Closed files that still have a write-ahead log. */
  unsealed: Set<string>;
  read(file: LogFileName): LogFile | null;
  /** @param least the last number that what is found has to reach, else the file stays as it is and null comes back */
  salvage(file: LogFileName, detail: string, least?: number): SalvageReport | null;
  /** Makes room on a full disk. @returns whether there was something to give up */
  freeSpace(): boolean;
}

export function openChain(opening: ChainContext, names: readonly LogFileName[], head: ChainReport['head']): ChainReport {
  const report: ChainReport = { files: [], state: null, stateFile: null, trimmed: null, stateDamaged: false, head, salvages: [] };
  for (const file of names) {
    const found = inspect(opening, file, report);
    if (found) report.files.push(found);
  }
  // Rows may be there that the tree of pages no longer leads to.
  for (const [at, file] of report.files.entries()) {
    const next = report.files[at + 1];
    const end = next?.epoch === file.epoch ? next.first - 1 : head?.epoch === file.epoch ? head.seq : 0;
    if (file.last < end && !file.damaged) salvage(opening, file, report, 'it ends before what is known of it', file.last + 1);
  }
  return report;
}

/** What a file holds; null when it never came to hold anything, and is removed. */
function inspect(opening: ChainContext, file: LogFileName, report: ChainReport): FileReport | null {
  const path = join(opening.dir, file.name);
  const found: FileReport = { ...file, last: file.first - 1, lastAt: 0, bytes: 0, damaged: false };
  const neverWritten = hasNoCommit(path);
  let damage = sealAtOpening(opening, file.name);
  if (damage === null) {
    // No group was ever acknowledged from it. The first: older versions wrote even the tables to the write-ahead log.
    if (statSync(path).size < 2 * PAGE_BYTES || (neverWritten && isEmptyFile(opening, file))) {
      removeDatabaseFile(path);
      opening.unsealed.delete(file.name);
      return null;
    }
    damage = readFileMetadata(opening, found, report);
  }
  if (damage !== null) salvage(opening, found, report, damage);
  return { ...found, bytes: databaseFileBytes(path) };
}

/** It has its name, and no commit ever reached it. Only for files nobody has open. */
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

function salvage(opening: ChainContext, found: FileReport, report: ChainReport, detail: string, least?: number): void {
  const done = opening.salvage(found, detail, least);
  if (!done) return;
  report.salvages.push(done);
  found.damaged = true;
  found.bytes = done.bytes;
  readFileMetadata(opening, found, report);
}

/** Reads what a file says of itself into the reports. @returns what damage it met */
function readFileMetadata(opening: ChainContext, found: FileReport, report: ChainReport): string | null {
  try {
    const file = opening.read(found);
    const extent = file?.newestNumber();
    if (extent) Object.assign(found, extent);
    const state = file?.metadata('state').text ?? null;
    // Every file begins with its state.
    report.stateDamaged = state === null;
    if (state !== null) Object.assign(report, { state, stateFile: found.name });
    report.trimmed = file?.metadata('trimmed').text ?? report.trimmed;
    return null;
  } catch (error) {
    // A number beyond what JavaScript holds is no error of SQLite.
    if (!isSqliteError(error) && !isCorruption(error)) throw error;
    report.stateDamaged = true;
    found.damaged = true;
    return isCorruption(error) ? storageFailureOf(error).detail : null;
  }
}

/** Seals what a killed process left; what cannot be sealed now is read as it is. @returns what is damaged */
function sealAtOpening({ dir, unsealed, freeSpace: release }: ChainContext, name: string): string | null {
  const path = join(dir, name);
  if (isSealedFile(path)) return null;
  unsealed.add(name);
  // SQLite would drop what comes after a damaged frame for good.
  if (existsSync(`${path}-wal`) && readWal(readRawFile(`${path}-wal`)).damaged) return 'the write-ahead log is damaged';
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
