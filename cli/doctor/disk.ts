/** The disk of the log, from the kernel. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { HostMachine } from './machine.ts';

export type DiskKind = 'sd' | 'emmc' | 'nvme' | 'disk';

export interface DiskInfo {
  name: string;
  kind: DiskKind;
  bytes: number;
  /** Reported wear, percent used at least; null when the kernel does not report it. */
  usedPercent: number | null;
  /** The disk reports that its spare blocks are nearly used up. */
  isEndOfLife: boolean;
  /** Bytes written to it since the machine started, by anyone. */
  writtenBytes(): number;
}

/** Sectors of /sys/block/…/stat are of 512 bytes whatever the disk's own are. */
const SECTOR_BYTES = 512;
const WRITTEN_SECTORS_FIELD = 6;

/** @returns null for folders without a block device (tmpfs, overlay, network) */
export function findDisk(machine: HostMachine, dir: string): DiskInfo | null {
  const link = machine.path(`sys/dev/block/${machine.deviceOf(dir)}`);
  if (!existsSync(link)) return null;
  const target = realpathSync(link);
  const whole = existsSync(join(target, 'partition')) ? dirname(target) : target;
  const name = basename(whole);
  const root = realpathSync(machine.path('.'));
  const read = (file: string) => machine.read(relative(root, join(whole, file)));
  const lives = (read('device/life_time') ?? '').split(/\s+/).map(Number).filter((life) => life >= 1 && life <= 11);
  return {
    name, kind: kindOf(name, read('device/type')), bytes: Number(read('size') ?? 0) * SECTOR_BYTES,
    // Each of two areas reports its tenth of life: 1 is up to 10 % used, 11 is beyond its life.
    usedPercent: lives.length > 0 ? (Math.max(...lives) - 1) * 10 : null,
    // JEDEC: 1 normal, 2 warning (80 % of the spare used), 3 urgent.
    isEndOfLife: Number(read('device/pre_eol_info') ?? 0) >= 2,
    writtenBytes: () => Number((read('stat') ?? '').split(/\s+/)[WRITTEN_SECTORS_FIELD] ?? 0) * SECTOR_BYTES,
  };
}

function kindOf(name: string, type: string | null): DiskKind {
  if (name.startsWith('mmcblk')) return type === 'SD' ? 'sd' : 'emmc';
  return name.startsWith('nvme') ? 'nvme' : 'disk';
}

/** Bytes that the process which holds the log has written; null when none does, or another user's. */
export function bytesWrittenBy(machine: HostMachine, pid: number | null): number | null {
  const io = pid === null ? null : machine.read(`proc/${pid}/io`);
  return io === null ? null : Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0);
}

/** Who holds a lock on a file, by the kernel's table. */
export function lockHolderPid(machine: HostMachine, inode: number): number | null {
  for (const line of (machine.read('proc/locks') ?? '').split('\n')) {
    const [, pid, held] = /POSIX\s+\S+\s+WRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)/.exec(line) ?? [];
    if (Number(held) === inode && Number(pid) > 0) return Number(pid);
  }
  return null;
}
