import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from '../../core/world.ts';
import { systemClockProbe, type RunProgram } from './clock-probe.ts';

const filesOf = (files: Record<string, string>): Files => ({
  exists: async (path) => path in files,
  readText: async (path) => {
    if (files[path] === 'EIO') throw Object.assign(new Error('i/o error'), { code: 'EIO' });
    return files[path] ?? '';
  },
  read: async () => new Uint8Array(),
});
const answers = (said: Record<string, string>): RunProgram => async (command) => said[command] ?? null;

test('synchronised: by the file of systemd-timesyncd, else by what the system says of its kernel, else not', async () => {
  const ask = async (files: Record<string, string>, said: Record<string, string>) =>
    systemClockProbe(filesOf(files), answers(said)).isSynchronised();
  assert.equal(await ask({ '/run/systemd/timesync/synchronized': '' }, {}), true);
  assert.equal(await ask({}, { timedatectl: 'yes\n' }), true);
  assert.equal(
    await ask({}, { timedatectl: 'no\n', chronyc: 'Leap status     : Normal\n' }),
    false,
    'the first that answers speaks for all',
  );
  assert.equal(await ask({}, { chronyc: 'Stratum : 3\nLeap status     : Normal\n' }), true);
  assert.equal(await ask({}, { chronyc: 'Stratum : 0\nLeap status     : Not synchronised\n' }), false);
  assert.equal(await ask({}, {}), false);
});

test('a hardware clock counts where the system was set from it at boot', async () => {
  const hardwareAt = (files: Record<string, string>) => systemClockProbe(filesOf(files), answers({})).hardwareAt();
  const rtc = (name: string, hctosys: string, seconds: string) => ({
    [`/sys/class/rtc/${name}/hctosys`]: hctosys,
    [`/sys/class/rtc/${name}/since_epoch`]: seconds,
  });
  assert.equal(await hardwareAt(rtc('rtc0', '1\n', '1790000000\n')), 1_790_000_000_000);
  assert.equal(await hardwareAt({ ...rtc('rtc0', '0\n', '5'), ...rtc('rtc1', '1\n', '1790000000\n') }), 1_790_000_000_000);
  assert.equal(await hardwareAt(rtc('rtc0', '0\n', '1790000000\n')), null);
  assert.equal(await hardwareAt(rtc('rtc0', '1\n', 'EIO')), null);
  assert.equal(await hardwareAt({}), null);
});

test('a program that is not there, or does not answer, says nothing', async () => {
  assert.equal(typeof (await systemClockProbe(filesOf({})).isSynchronised()), 'boolean');
});
