import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { UnconfiguredDevices } from '../../drivers/listening/unconfigured-devices.ts';
import { MAX_UNKNOWN_UP } from '../../core/wire/limits.ts';
import { STATE_SCHEMA } from '../../core/wire/schemas.ts';
import '../../drivers/faults.ts';
import { UnknownDeviceList } from './unknown-devices.ts';

function rig() {
  let now = 1000;
  const told: TelemetryEvent[] = [];
  const list = new UnknownDeviceList(() => now);
  const unconfigured = new UnconfiguredDevices('hj212', '0.0.0.0:8212', list.wrapTell((event) => { told.push(event); }));
  const report = (id: string, said = Buffer.from('##0010')) => {
    now += 1;
    unconfigured.report(
      { id, peer: '10.0.0.9:40000', firstBytes: said, settings: { listen: '0.0.0.0:8212', mn: id } },
      { code: 'CV_HJ212_UNKNOWN', params: { mn: id, address: '0.0.0.0:8212', peer: '10.0.0.9:40000' } },
    );
  };
  return { list, unconfigured, told, report };
}

test('it is listed once with how often and when, and is a fault once, until it is taken in', () => {
  const { list, unconfigured, told, report } = rig();
  report('A1');
  report('B2', Buffer.from([0, 1, 0x41]));
  report('A1');
  assert.deepEqual(
    list.list().map(({ id, count, firstAt, lastAt }) => [id, count, firstAt, lastAt]),
    [
      ['A1', 2, 1001, 1003],
      ['B2', 1, 1002, 1002],
    ],
  );
  assert.deepEqual(list.list()[1]?.said, { hex: '000141', text: '..A' });
  assert.equal(told.filter(({ kind }) => kind === 'fault').length, 2);
  unconfigured.markConfigured('A1');
  assert.deepEqual(list.list().map(({ id }) => id), ['B2']);
  report('A1');
  assert.equal(told.filter(({ kind }) => kind === 'fault').length, 3, 'not configured any more: said anew');
});

test('the lines to paste are YAML of a device', () => {
  const { list, report } = rig();
  for (const id of ['88888880000001', 'a: {b', '中文', '#', '']) {
    report(id);
    const [device] = parse(list.list()[0]?.yaml ?? '') as { id: string; driver: string; settings: unknown }[];
    assert.match(device?.id ?? '', /^hj212[A-Za-z0-9._-]{0,59}$/);
    assert.deepEqual([device?.driver, device?.settings], ['hj212', { listen: '0.0.0.0:8212', mn: id }]);
  }
});

test('whatever comes, the list and what goes up stay bounded and within the schema', () => {
  const { list, report } = rig();
  for (let turn = 0; turn < 1000; turn += 1) report(`${turn}${'\x00"\\'.repeat(2000)}`, Buffer.alloc(5000, turn));
  assert.equal(list.list().length, 100);
  assert.equal(list.newest().length, MAX_UNKNOWN_UP);
  const state = { v: 1, edge: 'e', centre: '500112001', online: true, unknown: list.newest() };
  assert.deepEqual(STATE_SCHEMA.safeParse(state).error?.issues, undefined);
  assert.ok(JSON.stringify(state).length < 100_000);
});
