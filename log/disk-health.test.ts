import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { StorageError, type DiskReport } from './storage.ts';
import { DiskHealth } from './disk-health.ts';

const WELL: DiskReport = { freeBytes: 100, ballast: true, wantedBytes: 0 };
const failure = (code: number) => new StorageError({ code, detail: `refused (SQLite ${code})`, needsNewFile: true, locked: false });

function bench(disk = WELL, edge?: string) {
  const world = testWorld();
  const trouble = new DiskHealth(world, disk, edge);
  const told = () =>
    world.told
      .splice(0)
      .map((event) => (event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' ? `cleared ${event.code}` : event.kind));
  return { world, trouble, told };
}

test('a disk that refuses is told of once, and once when a commit succeeds again', () => {
  const { trouble, told } = bench();
  trouble.recordSuccess();
  trouble.recordFailure(failure(10));
  trouble.recordFailure(failure(10));
  assert.deepEqual(told(), ['CV_LOG_FAILED']);
  trouble.recordFailure(failure(8));
  assert.deepEqual(told(), ['CV_LOG_READ_ONLY']);
  trouble.recordSuccess();
  trouble.recordSuccess();
  assert.deepEqual(told(), ['cleared CV_LOG_FAILED', 'cleared CV_LOG_READ_ONLY']);
  trouble.recordFileReplaced(failure(10));
  assert.deepEqual(told(), ['CV_LOG_FAILED', 'cleared CV_LOG_FAILED']);
});

test('a full disk is over when its ballast is made again, not with the next commit', () => {
  const { trouble, told, world } = bench({ ...WELL, ballast: false }, 'pump-07');
  assert.deepEqual(world.told.splice(0), [
    {
      kind: 'fault',
      fault: { code: 'CV_LOG_DISK_FULL', params: { detail: '100 bytes free', detailZh: '剩余 100 字节' } },
      edge: 'pump-07',
    },
  ]);
  assert.equal(trouble.isDiskShort, true);
  trouble.recordFailure(failure(13));
  trouble.recordSuccess();
  assert.deepEqual(told(), []);
  trouble.disk = WELL;
  assert.deepEqual([trouble.isDiskShort, trouble.disk, told()], [false, WELL, []]);
  trouble.recordSuccess();
  assert.deepEqual(world.told.splice(0), [{ kind: 'fault_cleared', code: 'CV_LOG_DISK_FULL', edge: 'pump-07' }]);
});

test('a head file that cannot be written is said once, and again when it had been well', () => {
  const { trouble, told, world } = bench();
  trouble.disk = { ...WELL, headFailure: 'EACCES' };
  assert.deepEqual(world.told.splice(0), [
    { kind: 'notice', level: 'warn', en: 'cannot write the head file of the log: EACCES', zh: '事件日志的 head 文件无法写入：EACCES' },
  ]);
  trouble.disk = { ...WELL, headFailure: 'EROFS' };
  assert.deepEqual(told(), []);
  trouble.disk = WELL;
  trouble.disk = { ...WELL, headFailure: 'EACCES' };
  assert.deepEqual(told(), ['notice']);
});

test('a salvaged file is told with where the damaged one lies and how many numbers it still holds', () => {
  const { trouble, world } = bench();
  trouble.reportSalvages([
    {
      name: 'a.db',
      damagedName: 'a.db.damaged-1',
      detail: 'wrong checksum',
      present: [
        [1, 5],
        [9, 9],
      ],
      bytes: 1,
    },
    { name: 'b.db', damagedName: null, detail: 'x', present: [], bytes: 1 },
  ]);
  assert.deepEqual(
    world.told.map((event) => event.kind === 'fault' && event.fault),
    [
      { code: 'CV_LOG_SALVAGED', params: { file: 'a.db', aside: 'a.db.damaged-1', count: 6, detail: 'wrong checksum' } },
      { code: 'CV_LOG_SALVAGED', params: { file: 'b.db', aside: 'b.db', count: 0, detail: 'x' } },
    ],
  );
});
