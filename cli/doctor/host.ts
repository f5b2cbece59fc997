/** Checks of the machine: free space, clock, limits, temperature and power. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatBytes } from '../../core/quantity.ts';
import { passed, failed, type CheckResult } from './check-result.ts';
import type { HostMachine } from './machine.ts';
import './faults.ts';

const WANTED_FILES = 4096;
const WANTED_WATCHES = 1024;
const HOT_CELSIUS = 80;
/** Free space needed beside the log. */
const SPARE_BYTES = 256 << 20;

/** The folder, or its nearest existing parent. */
export function nearestExistingFolder(dir: string): string {
  let folder = dir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** @param usedBytes what the log has taken already */
export function checkFreeSpace(machine: HostMachine, dir: string, maxBytes: number, usedBytes: number): CheckResult[] {
  const folder = nearestExistingFolder(dir);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    return [failed('space', { code: 'CV_DOCTOR_FOLDER', params: { dir: folder, detail: (error as NodeJS.ErrnoException).code ?? '' } })];
  }
  const freeBytes = machine.freeBytes(folder);
  const needBytes = Math.max(0, maxBytes - usedBytes) + SPARE_BYTES;
  const [free, need] = [formatBytes(freeBytes), formatBytes(needBytes)];
  return [freeBytes < needBytes
    ? failed('space', { code: 'CV_DOCTOR_SPACE', params: { dir: folder, free, need } }, 1, { freeBytes, needBytes })
    : passed('space', `${free} free for ${dir}, up to ${need} needed`, `${dir} 所在磁盘剩余 ${free}，可能需要 ${need}`, { freeBytes, needBytes })];
}

export async function checkClock(machine: HostMachine): Promise<CheckResult[]> {
  const hasHardware = machine.list('sys/class/rtc').length > 0;
  const hardware = hasHardware
    ? { en: 'hardware clock present', zh: '有硬件时钟，断电后保持' }
    : { en: 'no hardware clock: time is lost at power off', zh: '没有硬件时钟，每次启动后需重新校准' };
  const said = await machine.run('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  const isSynchronized =
    said === 'yes' ||
    machine.read('run/systemd/timesync/synchronized') !== null ||
    /^Leap status\s*:\s*Normal/m.test((await machine.run('chronyc', ['tracking'])) ?? '');
  if (isSynchronized) return [passed('clock', `synchronized; ${hardware.en}`, `已同步；${hardware.zh}`)];
  return [failed('clock', { code: 'CV_DOCTOR_CLOCK', params: { detail: `; ${hardware.en}`, detailZh: `；${hardware.zh}` } })];
}

export function checkLimits(machine: HostMachine): CheckResult[] {
  const findings: CheckResult[] = [];
  const files = /^Max open files\s+(\d+|unlimited)/m.exec(machine.read('proc/self/limits') ?? '')?.[1];
  if (files !== undefined && Number(files) < WANTED_FILES)
    findings.push(failed('limits', { code: 'CV_DOCTOR_FILES', params: { limit: files, need: WANTED_FILES } }));
  const watches = machine.read('proc/sys/fs/inotify/max_user_watches');
  if (watches !== null && Number(watches) < WANTED_WATCHES)
    findings.push(failed('limits', { code: 'CV_DOCTOR_WATCHES', params: { limit: watches, need: WANTED_WATCHES } }));
  return findings.length > 0
    ? findings
    : [
        passed(
          'limits',
          `${files ?? '?'} open files, ${watches ?? '?'} watches`,
          `可打开 ${files ?? '?'} 个文件，可监视 ${watches ?? '?'} 个文件`,
        ),
      ];
}

/** What `vcgencmd get_throttled` of a Raspberry Pi says: now, and since it started. */
const POWER_BITS = [
  { bit: 0, en: 'undervoltage now', zh: '当前电压不足' },
  { bit: 1, en: 'CPU frequency capped now', zh: '处理器当前降频' },
  { bit: 2, en: 'throttling now', zh: '当前限速' },
  { bit: 16, en: 'undervoltage since boot', zh: '启动以来出现过电压不足' },
  { bit: 18, en: 'throttling since boot', zh: '启动以来出现过限速' },
];

export async function checkTemperatureAndPower(machine: HostMachine): Promise<CheckResult[]> {
  const findings: CheckResult[] = [];
  const throttled = Number(/throttled=(0x[0-9a-f]+)/i.exec((await machine.run('vcgencmd', ['get_throttled'])) ?? '')?.[1] ?? 0);
  const power = POWER_BITS.filter(({ bit }) => (throttled >>> bit) & 1);
  if (power.length > 0)
    findings.push(
      failed('power', {
        code: 'CV_DOCTOR_POWER',
        params: { what: power.map(({ en }) => en).join(', '), whatZh: power.map(({ zh }) => zh).join('、') },
      }),
    );
  const zones = machine.list('sys/class/thermal').filter((name) => name.startsWith('thermal_zone'));
  const degrees = zones
    .map((zone) => Number(machine.read(`sys/class/thermal/${zone}/temp`) ?? NaN) / 1000)
    .filter((celsius) => celsius > -40 && celsius < 200);
  if (degrees.length === 0) return [...findings, passed('heat', 'no temperature sensor', '没有温度传感器')];
  const celsius = Math.round(Math.max(...degrees));
  return [
    ...findings,
    celsius >= HOT_CELSIUS
      ? failed('heat', { code: 'CV_DOCTOR_HEAT', params: { celsius } }, 1, { celsius })
      : passed('heat', `${celsius} °C`, `${celsius} °C`, { celsius }),
  ];
}
