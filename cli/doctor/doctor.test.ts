import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { exitCodeOf } from './check-result.ts';
import { hostMachine, type HostMachine } from './machine.ts';
import { checkPrograms, checkSerialPorts } from './connectivity.ts';
import { checkClock, checkTemperatureAndPower, checkLimits } from './host.ts';
import { measureWear, projectLifetime } from './wear.ts';

const OPTIONS = { watchMs: 2000, enduranceBytes: null, amplification: 4 };
const codes = (findings: readonly { fault?: { code: string } }[]) => findings.map(({ fault }) => fault?.code ?? 'ok');

/** A machine of files; its disk's write counter grows with each second that is waited. */
function machineOf(root: string, files: Record<string, string>, programs: Record<string, string> = {}): HostMachine {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  let nowMs = 0;
  return {
    ...hostMachine(root), deviceOf: () => '179:2', run: async (program) => programs[program] ?? null, monotonicMs: () => nowMs,
    async pause(durationMs) {
      nowMs += durationMs;
      const stat = `1 0 8 0 ${nowMs} 0 ${nowMs * 2} 0 0 0 0\n`; // a kilobyte a ms
      if ('sys/devices/mmc0/mmcblk0/stat' in files) writeFileSync(join(root, 'sys/devices/mmc0/mmcblk0/stat'), stat);
    },
  };
}

const PI = {
  'sys/devices/mmc0/mmcblk0/stat': '1 0 8 0 0 0 0 0 0 0 0\n',
  'sys/devices/mmc0/mmcblk0/size': `${32 * 2 ** 21}\n`,
  'sys/devices/mmc0/mmcblk0/device/type': 'MMC\n',
  'sys/devices/mmc0/mmcblk0/device/life_time': '0x01 0x09\n',
  'sys/devices/mmc0/mmcblk0/device/pre_eol_info': '0x01\n',
  'sys/devices/mmc0/mmcblk0/mmcblk0p2/partition': '2\n',
  'sys/class/thermal/thermal_zone0/temp': '84300\n',
  'proc/self/limits': 'Max open files            1024                 524288               files\n',
  'proc/sys/fs/inotify/max_user_watches': '8192\n',
};

test('a Raspberry Pi with a worn card, too hot, on a weak supply', async () => {
  const { dir, remove } = await tempDir();
  const machine = machineOf(dir, PI, { vcgencmd: 'throttled=0x50001' });
  mkdirSync(join(dir, 'sys/dev/block'), { recursive: true });
  symlinkSync('../../devices/mmc0/mmcblk0/mmcblk0p2', join(dir, 'sys/dev/block/179:2'));
  const wear = await measureWear(machine, { dir, ...OPTIONS }, () => {});
  assert.deepEqual(codes(wear), ['CV_DOCTOR_LIFE', 'CV_DOCTOR_WEAR']);
  assert.deepEqual(wear[1]?.data?.bytesADay, 86_400_000 * 1024);
  assert.deepEqual(codes(await checkTemperatureAndPower(machine)), ['CV_DOCTOR_POWER', 'CV_DOCTOR_HEAT']);
  assert.deepEqual(codes(checkLimits(machine)), ['CV_DOCTOR_FILES']);
  assert.deepEqual(codes(await checkClock(machine)), ['CV_DOCTOR_CLOCK']);
  assert.equal(exitCodeOf(wear), 1);
  await remove();
});

test('a machine that shows nothing is no failure', async () => {
  const { dir, remove } = await tempDir();
  const machine = machineOf(dir, {}, { timedatectl: 'yes' });
  const findings = [
    ...(await measureWear(machine, { dir, ...OPTIONS }, () => {})),
    ...(await checkTemperatureAndPower(machine)),
    ...checkLimits(machine),
    ...(await checkClock(machine)),
  ];
  assert.deepEqual([...new Set(codes(findings))], ['ok']);
  assert.equal(exitCodeOf(findings), 0);
  await remove();
});

test('years are what the disk can take over what it is given, times what it adds inside', () => {
  const finding = projectLifetime({ name: 'mmcblk0', kind: 'sd', bytes: 32e9 }, 1e9, 0.9e9, { enduranceBytes: null, amplification: 4 });
  assert.deepEqual([finding.data?.years, finding.fault], [11, undefined]);
  assert.equal(
    projectLifetime({ name: 'mmcblk0', kind: 'sd', bytes: 32e9 }, 1e9, null, { enduranceBytes: 2e12, amplification: 4 }).fault?.code,
    'CV_DOCTOR_WEAR',
  );
});

test('serial ports that are not there, and cameras without ffmpeg', async () => {
  const { dir, remove } = await tempDir();
  const machine = machineOf(dir, { 'dev/serial/by-id/usb-FTDI-0': '' });
  appendFileSync(join(dir, 'dev/ttyUSB0'), '');
  const setup = {
    devices: [
      { id: 'a', driver: 'modbus', settings: { port: 'ttyUSB0' } },
      { id: 'b', driver: 'modbus', settings: { port: '/dev/ttyUSB7' } },
      { id: 'c', driver: 'camera', settings: {} },
    ],
  } as unknown as EdgeSetup;
  const serial = checkSerialPorts(machine, setup);
  assert.deepEqual(codes(serial), ['ok', 'CV_DOCTOR_SERIAL']);
  assert.match(String(serial[1]?.fault?.params.there), /usb-FTDI-0/);
  const programs = await checkPrograms(machine, setup);
  assert.deepEqual([codes(programs), exitCodeOf(programs)], [['CV_DOCTOR_FFMPEG'], 3]);
  await remove();
});
