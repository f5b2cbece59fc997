/** The services of edge and gateway are shut in as far as systemd can tell, and can still do what they are for. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Exposure by `systemd-analyze security`: 0 is shut, 10 is open. */
const MOST_EXPOSURE = 2.0;
/** The option came with systemd 250. */
const NO_ANALYSIS = /--offline/.test(spawnSync('systemd-analyze', ['--help'], { encoding: 'utf8' }).stdout ?? '')
  ? false
  : 'systemd-analyze with --offline is not installed';

const pathOf = (what: string) => join(import.meta.dirname, 'systemd', `cityvitals-${what}.service`);
/** Key → values, in the order of the file. */
function settingsOf(what: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const lines = readFileSync(pathOf(what), 'utf8').matchAll(/^([A-Z]\w+)=(.*)$/gm);
  for (const [, key = '', value = ''] of lines) (found[key] ??= []).push(value);
  return found;
}

for (const what of ['edge', 'gateway']) {
  test(`the ${what} is exposed to at most ${MOST_EXPOSURE}, as systemd-analyze judges`, { skip: NO_ANALYSIS }, () => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', pathOf(what)], { encoding: 'utf8' });
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    assert.ok(exposure <= MOST_EXPOSURE, `${exposure}\n${said.split('\n').filter((line) => line.startsWith('✗')).join('\n')}`);
  });

  test(`the ${what} has no rights, writes for itself alone, and its secrets come as credentials`, () => {
    const { User, UMask, StateDirectory, NoNewPrivileges, CapabilityBoundingSet, ProtectSystem, Restart, ...more } = settingsOf(what);
    assert.deepEqual([User, UMask, StateDirectory], [['cityvitals'], ['0077'], ['cityvitals']]);
    assert.deepEqual([NoNewPrivileges, CapabilityBoundingSet, ProtectSystem, Restart], [['true'], [''], ['strict'], ['always']]);
    assert.match(readFileSync(pathOf(what), 'utf8'), /^#? ?LoadCredential=[\w-]+:\/etc\/cityvitals\/credentials\//m);
    // Nothing answers a watchdog: with one, systemd would end a sound process.
    assert.deepEqual(Object.keys(more).filter((key) => key === 'WatchdogSec' || key === 'MemoryDenyWriteExecute'), []);
  });
}

test('the edge reaches serial lines and cameras, the gateway no device', () => {
  const edge = settingsOf('edge');
  assert.deepEqual(edge.SupplementaryGroups, ['dialout video']);
  assert.deepEqual(edge.DevicePolicy, ['closed']);
  for (const device of ['ttyS', 'ttyUSB', 'ttyACM', 'video4linux']) assert.ok(edge.DeviceAllow?.includes(`char-${device} rw`), device);
  const gateway = settingsOf('gateway');
  assert.deepEqual([gateway.PrivateDevices, gateway.DeviceAllow], [['true'], undefined]);
});
