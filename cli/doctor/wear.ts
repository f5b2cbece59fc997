/** How fast the disk is written, by us and in all, and how many years it lasts at that. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../../core/quantity.ts';
import { diskOf, holderOf, writtenByHolder, type Disk, type DiskKind } from './disk.ts';
import { well, wrong, type Finding } from './finding.ts';
import type { Machine } from './machine.ts';
import './faults.ts';

export interface WearOptions {
  /** Folder of the log. */
  dir: string;
  /** How long to watch. */
  watchMs: number;
  /** Bytes that may be written to the disk in its life; null: by kind and capacity. */
  enduranceBytes: number | null;
  /** How much more the card writes inside than it is given: small writes cost it whole blocks. */
  amplification: number;
}

/** How often each cell may be written, where nothing is stated: cautious figures of ordinary parts. */
const CYCLES: Record<DiskKind, number> = { sd: 500, emmc: 1000, nvme: 600, disk: 600 };
const WANTED_YEARS = 5;
const WORN_PERCENT = 80;
const DAY_MS = 86_400_000;
const STEP_MS = 1000;

/** @param progress told once a second: share of the watch that is over */
export async function lookAtWear(machine: Machine, options: WearOptions, progress: (share: number) => void): Promise<Finding[]> {
  const disk = diskOf(machine, options.dir);
  if (!disk) return [well('disk', `${options.dir} lies on no disk of its own (memory, overlay or network): its wear is not seen from here`, `${options.dir} 不在独立磁盘上（内存、overlay 或网络），无法观察其磨损`)];
  const findings = lifeOf(disk);
  const pid = holderPid(machine, options.dir);
  const before = { disk: disk.written(), ours: writtenByHolder(machine, pid) };
  const startedMs = machine.monotonicMs();
  for (let spentMs = 0; spentMs < options.watchMs; spentMs = machine.monotonicMs() - startedMs) {
    await machine.pause(Math.min(STEP_MS, options.watchMs - spentMs));
    progress(Math.min(1, (machine.monotonicMs() - startedMs) / options.watchMs));
  }
  const elapsedMs = Math.max(1, machine.monotonicMs() - startedMs);
  const aDay = (bytes: number) => (bytes * DAY_MS) / elapsedMs;
  const after = writtenByHolder(machine, pid);
  const oursADay = before.ours === null || after === null ? null : aDay(after - before.ours);
  return [...findings, projection(disk, aDay(disk.written() - before.disk), oursADay, options)];
}

function lifeOf(disk: Disk): Finding[] {
  const { name, usedPercent, isDying, bytes } = disk;
  if (isDying || (usedPercent ?? 0) >= WORN_PERCENT) return [wrong('disk', { code: 'CV_DOCTOR_LIFE', params: { disk: name, used: Math.max(usedPercent ?? 0, WORN_PERCENT) } }, 1, { disk: name, usedPercent })];
  const said = usedPercent === null ? { en: 'it does not say how worn it is', zh: '该磁盘不报告磨损程度' } : { en: `it says that ${usedPercent} to ${usedPercent + 10} % of its life is used`, zh: `其报告寿命已使用 ${usedPercent}–${usedPercent + 10} %` };
  return [well('disk', `${name}, ${disk.kind}, ${formatBytes(bytes)}; ${said.en}`, `${name}，${disk.kind}，${formatBytes(bytes)}；${said.zh}`, { disk: name, kind: disk.kind, bytes, usedPercent })];
}

/** Pure but for the words: years from what is written a day and what the disk can take. */
export function projection(disk: Pick<Disk, 'name' | 'kind' | 'bytes'>, diskADay: number, oursADay: number | null, options: Pick<WearOptions, 'enduranceBytes' | 'amplification'>): Finding {
  const endurance = options.enduranceBytes ?? disk.bytes * CYCLES[disk.kind];
  const years = endurance / (Math.max(1, diskADay) * options.amplification * 365);
  const assumed = options.enduranceBytes === null
    ? { en: `assumed: each cell ${CYCLES[disk.kind]} times, writes cost ${options.amplification}-fold inside`, zh: `假定：每个单元可写 ${CYCLES[disk.kind]} 次，内部写放大 ${options.amplification} 倍` }
    : { en: `stated: ${formatBytes(endurance)} in all, writes cost ${options.amplification}-fold inside`, zh: `按给定：总写入 ${formatBytes(endurance)}，内部写放大 ${options.amplification} 倍` };
  const shown = years >= 100 ? '>100' : years.toFixed(1);
  const data = { disk: disk.name, bytesADay: Math.round(diskADay), oursADay: oursADay === null ? null : Math.round(oursADay), enduranceBytes: endurance, amplification: options.amplification, years: Math.round(years * 10) / 10 };
  if (years < WANTED_YEARS) return wrong('wear', { code: 'CV_DOCTOR_WEAR', params: { disk: disk.name, years: shown, assumed: assumed.en, assumedZh: assumed.zh } }, 1, data);
  const ours = oursADay === null ? { en: 'the edge is not running, or is another user\'s', zh: '边缘节点未运行或属于其他用户' } : { en: `${gigabytes(oursADay)} of it the edge`, zh: `其中边缘节点 ${gigabytes(oursADay)}` };
  return well('wear', `${gigabytes(diskADay)} a day are written to ${disk.name} (${ours.en}): ${shown} years (${assumed.en})`, `${disk.name} 每天写入 ${gigabytes(diskADay)}（${ours.zh}）：可用 ${shown} 年（${assumed.zh}）`, data);
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

function holderPid(machine: Machine, dir: string): number | null {
  const lock = join(dir, 'lock.db');
  return existsSync(lock) ? holderOf(machine, statSync(lock).ino) : null;
}
