import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  storageFailureOf,
  isCorruption,
  isDiskFullFailure,
  isIoError,
  isNotDatabaseError,
  isReadOnlyFailure,
  isSqliteError,
  StorageError,
} from './storage.ts';

const sqlite = (errcode: number) => Object.assign(new Error('message'), { code: 'ERR_SQLITE_ERROR', errcode, errstr: 'text' });
const system = (code: string) => Object.assign(new Error('message'), { code, syscall: 'write' });

/** SQLite's own numbers, the extended ones among them: what each comes to. */
const MEANINGS: [number, string, string][] = [
  [1, 'error', 'damage again roll'],
  [5, 'busy', 'locked roll'],
  [8, 'read-only', 'readonly roll'],
  [10, 'I/O error', 'damage again io roll'],
  [266, 'read error', 'damage again io roll'],
  [1034, 'fsync failed', 'damage again io roll'],
  [3850, 'lock on a read-only mount', 'damage io readonly roll'],
  [11, 'corrupt', 'damage again roll'],
  [267, 'corrupt table', 'damage again roll'],
  [13, 'full', 'full'],
  [14, 'cannot open', 'readonly roll'],
  [26, 'no database', 'damage again notdb roll'],
  [2, 'internal', 'roll'],
  [15, 'protocol', 'roll'],
];

function meaning(error: Error): string {
  const { needsNewFile, locked, retryable } = storageFailureOf(error);
  const failure = storageFailureOf(error);
  return Object.entries({
    again: retryable,
    damage: isCorruption(error),
    full: isDiskFullFailure(failure),
    io: isIoError(error),
    locked,
    notdb: isNotDatabaseError(error),
    readonly: isReadOnlyFailure(failure),
    roll: needsNewFile,
  })
    .filter(([, is]) => is)
    .map(([name]) => name)
    .toSorted()
    .join(' ');
}

for (const [code, what, expected] of MEANINGS) {
  test(`SQLite ${code}, ${what}: ${expected}`, () => {
    assert.equal(meaning(sqlite(code)), expected.split(' ').toSorted().join(' '));
    assert.equal(isSqliteError(sqlite(code)), true);
    assert.deepEqual([storageFailureOf(sqlite(code)).code, storageFailureOf(sqlite(code)).detail], [code, `text (SQLite ${code})`]);
  });
}

test('errors of the system, and those that are no failure of a disk', () => {
  assert.deepEqual(
    ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'ERR_OUT_OF_RANGE'].map((code) => meaning(system(code))),
    ['full', 'again roll', 'readonly roll', 'roll', 'again damage roll'],
  );
  assert.deepEqual(
    [storageFailureOf(system('EIO')).code, storageFailureOf(system('EIO')).detail, isSqliteError(system('EIO'))],
    ['EIO', 'message', false],
  );
  assert.deepEqual(storageFailureOf(new TypeError('wrong')), {
    code: 'UNKNOWN',
    detail: 'wrong',
    needsNewFile: true,
    locked: false,
    retryable: false,
  });
  assert.equal(storageFailureOf(Object.assign(new Error('only this'), { errcode: 1 })).detail, 'only this (SQLite 1)');
  const failure = storageFailureOf(sqlite(13));
  assert.equal(storageFailureOf(new StorageError(failure)), failure);
  assert.deepEqual([new StorageError(failure).message, new StorageError(failure).name], [failure.detail, 'StorageError']);
});
