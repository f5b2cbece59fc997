/** A SQLite file as seen from outside: side files, size, and whether it is sealed. */
import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SIDE_FILES = ['-wal', '-journal', '-shm'];
/** Offset of the write and read format versions in the header, one byte each, and their value in a sealed file. */
const VERSIONS_AT = 18;
const SEALED = 1;

/** Whether a file is sealed: no side files, and the header does not say WAL. Only for files that are not open. */
export function isSealedFile(path: string): boolean {
  if (SIDE_FILES.some((side) => existsSync(path + side))) return false;
  const version = Buffer.alloc(1);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, version, { position: VERSIONS_AT });
  } finally {
    closeSync(fd);
  }
  return version.readUInt8() === SEALED;
}

/**
 * Equivalent of `PRAGMA journal_mode=DELETE` for a closed file without side files, with a third of its fsyncs.
 *
 * @see SQLite, Database File Format: File format version numbers
 */
export function clearWalMode(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const versions = Uint8Array.of(SEALED, SEALED);
    writeSync(fd, versions, 0, versions.length, VERSIONS_AT);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Seals a file that a killed process left. @throws SQLite errors when pages are damaged */
export function sealAfterCrash(path: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE');
  } finally {
    db.close();
  }
}

/** Bytes on disk, write-ahead log included; 0 when absent. */
export function databaseFileBytes(path: string): number {
  return [path, ...SIDE_FILES.map((side) => path + side)].reduce(
    (sum, one) => sum + (statSync(one, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

export function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

export function removeDatabaseFile(path: string): void {
  for (const one of [path, ...SIDE_FILES.map((side) => path + side)]) {
    if (existsSync(one)) unlinkSync(one);
  }
}

/** Renames a file and its side files. */
export function renameDatabaseFile(from: string, to: string): void {
  for (const side of ['', ...SIDE_FILES]) {
    if (existsSync(from + side)) renameSync(from + side, to + side);
  }
}
