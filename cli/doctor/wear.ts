/** Disk wear: write rates of the edge and in total, and the projected lifetime. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../../core/quantity.ts';
import { findDisk, lockHolderPid, bytesWrittenBy, type DiskInfo, type DiskKind } from './disk.ts';
import { passed, failed, type CheckResult } from './check-result.ts';
import type { HostMachine } from './machine.ts';
import './faults.ts';

export interface WearOptions {
  /** Folder of the log. */
  dir: string;
  /** How long to watch. */
  watchMs: number;
  /** Bytes that may be written to the disk in its life; null: by kind and capacity. */
  enduranceBytes: number | null;
  /** Write amplification: small writes cost whole blocks. */
  amplification: number;
}

/** Assumed write cycles per cell: conservative values. */
const CYCLES: Record<DiskKind, number> = { sd: 500, emmc: 1000, nvme: 600, disk: 600 };
const WANTED_YEARS = 5;
const WORN_PERCENT = 80;
const DAY_MS = 86_400_000;
const STEP_MS = 1000;

/** @param progress told once a second: share of the watch that is over */
export async function measureWear(machine: HostMachine, options: WearOptions, progress: (share: number) => void): Promise<CheckResult[]> {
  const disk = findDisk(machine, options.dir);
  if (!disk)
    return [
      passed(
        'disk',
        `${options.dir} is not on a local disk (memory, overlay or network): wear unknown`,
        `${options.dir} 不在独立磁盘上（内存、overlay 或网络），无法观察其磨损`,
      ),
    ];
  const findings = diskLife(disk);
  const pid = holderPid(machine, options.dir);
  const before = { disk: disk.writtenBytes(), ours: bytesWrittenBy(machine, pid) };
  const startedMs = machine.monotonicMs();
  for (let spentMs = 0; spentMs < options.watchMs; spentMs = machine.monotonicMs() - startedMs) {
    await machine.pause(Math.min(STEP_MS, options.watchMs - spentMs));
    progress(Math.min(1, (machine.monotonicMs() - startedMs) / options.watchMs));
  }
  const elapsedMs = Math.max(1, machine.monotonicMs() - startedMs);
  const aDay = (bytes: number) => (bytes * DAY_MS) / elapsedMs;
  const after = bytesWrittenBy(machine, pid);
  const oursADay = before.ours === null || after === null ? null : aDay(after - before.ours);
  return [...findings, projectLifetime(disk, aDay(disk.writtenBytes() - before.disk), oursADay, options)];
}

function diskLife(disk: DiskInfo): CheckResult[] {
  const { name, usedPercent, isEndOfLife, bytes } = disk;
  if (isEndOfLife || (usedPercent ?? 0) >= WORN_PERCENT)
    return [
      failed('disk', { code: 'CV_DOCTOR_LIFE', params: { disk: name, used: Math.max(usedPercent ?? 0, WORN_PERCENT) } }, 1, {
        disk: name,
        usedPercent,
      }),
    ];
  const said =
    usedPercent === null
      ? { en: 'wear not reported', zh: '该磁盘不报告磨损程度' }
      : { en: `${usedPercent} to ${usedPercent + 10} % of its life used`, zh: `其报告寿命已使用 ${usedPercent}–${usedPercent + 10} %` };
  return [
    passed('disk', `${name}, ${disk.kind}, ${formatBytes(bytes)}; ${said.en}`, `${name}，${disk.kind}，${formatBytes(bytes)}；${said.zh}`, {
      disk: name,
      kind: disk.kind,
      bytes,
      usedPercent,
    }),
  ];
}

/** Years from bytes written per day and the endurance of the disk. */
export function projectLifetime(
  disk: Pick<DiskInfo, 'name' | 'kind' | 'bytes'>,
  diskADay: number,
  oursADay: number | null,
  options: Pick<WearOptions, 'enduranceBytes' | 'amplification'>,
): CheckResult {
  const endurance = options.enduranceBytes ?? disk.bytes * CYCLES[disk.kind];
  const years = endurance / (Math.max(1, diskADay) * options.amplification * 365);
  const assumed =
    options.enduranceBytes === null
      ? {
          en: `assumed: ${CYCLES[disk.kind]} cycles per cell, write amplification ${options.amplification}`,
          zh: `假定：每个单元可写 ${CYCLES[disk.kind]} 次，内部写放大 ${options.amplification} 倍`,
        }
      : {
          en: `rated: ${formatBytes(endurance)} in total, write amplification ${options.amplification}`,
          zh: `按给定：总写入 ${formatBytes(endurance)}，内部写放大 ${options.amplification} 倍`,
        };
  const shown = years >= 100 ? '>100' : years.toFixed(1);
  const data = {
    disk: disk.name,
    bytesADay: Math.round(diskADay),
    oursADay: oursADay === null ? null : Math.round(oursADay),
    enduranceBytes: endurance,
    amplification: options.amplification,
    years: Math.round(years * 10) / 10,
  };
  if (years < WANTED_YEARS)
    return failed(
      'wear',
      { code: 'CV_DOCTOR_WEAR', params: { disk: disk.name, years: shown, assumed: assumed.en, assumedZh: assumed.zh } },
      1,
      data,
    );
  const ours =
    oursADay === null
      ? { en: 'edge not running, or run by another user', zh: '边缘节点未运行或属于其他用户' }
      : { en: `${gigabytes(oursADay)} by the edge`, zh: `其中边缘节点 ${gigabytes(oursADay)}` };
  return passed(
    'wear',
    `${gigabytes(diskADay)} per day written to ${disk.name} (${ours.en}): ${shown} years (${assumed.en})`,
    `${disk.name} 每天写入 ${gigabytes(diskADay)}（${ours.zh}）：可用 ${shown} 年（${assumed.zh}）`,
    data,
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

function holderPid(machine: HostMachine, dir: string): number | null {
  const lock = join(dir, 'lock.db');
  return existsSync(lock) ? lockHolderPid(machine, statSync(lock).ino) : null;
}
