/** What a stand-in says by itself: in its name, at the time it is now, and again until it is answered. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { deviceScript } from '../../cases/device-script.ts';
import frame from '../../drivers/frame/driver.ts';
import hj212 from '../../drivers/hj212/driver.ts';
import { terminalFrame } from '../../drivers/frame/testing/terminal.ts';
import { hj212PacketBytes } from '../../drivers/hj212/testing/data-logger.ts';
import { loadCase } from './cases.ts';
import { DeviceReports } from './reports.ts';

const LATER_MS = 3_600_000;
const LOOP_MS = 60_000;

async function reportsOf(number: number, name: string, isLoop = true): Promise<DeviceReports> {
  const { loaded } = await loadCase(join(import.meta.dirname, '../../drivers/hj212/recorded', name));
  assert.ok(loaded);
  const reading = { recording: bytesRecordingOf(hj212), settings: hj212.settings.parse(loaded.recorded.devices[0].settings) };
  return new DeviceReports(
    { script: deviceScript(loaded.recorded.traffic, () => reading), reading, number },
    { laterMs: LATER_MS, loopMs: isLoop ? LOOP_MS : null },
  );
}

const field = (bytes: Buffer, name: string) => new RegExp(`${name}=([^;&]*)`).exec(bytes.toString('latin1'))?.[1] ?? '';
const answer = (qn: string, mn: string) => hj212PacketBytes(`QN=${qn};ST=91;CN=9014;PW=123456;MN=${mn};Flag=4;CP=&&&&`);

test('a report is kept until its own answer comes, and one answer settles one', async () => {
  const reports = await reportsOf(7, 'air-realtime-and-marks');
  for (let turn = 0; turn < 3; turn += 1) reports.wentOut();
  const [first, second, again] = reports.kept();
  assert.ok(first && second && again);
  assert.equal(field(first.bytes, 'MN').length, 24);
  assert.ok(second.bytes.equals(again.bytes), 'the recorded station said it twice');
  const [qn, mn] = [field(second.bytes, 'QN'), field(second.bytes, 'MN')];
  assert.equal(reports.settle(answer(qn, `${mn.slice(0, -1)}X`)), null, 'of another station');
  assert.equal(reports.settle(answer('20260101000000000', mn)), null, 'of another report');
  assert.equal(reports.settle(first.bytes), null, 'no answer at all');
  assert.deepEqual([reports.settle(answer(qn, mn)), reports.settle(answer(qn, mn)), reports.settle(answer(qn, mn))], [second, again, null]);
  assert.deepEqual([reports.kept(), reports.said, reports.acknowledged], [[first], 3, 2]);
});

test('its times are of now, statistics on the grid of their period; a recording that is over begins again later still', async () => {
  const reports = await reportsOf(0, 'air-realtime-and-marks');
  const times: string[][] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const report = reports.next();
    assert.ok(report);
    times.push([field(report.bytes, 'QN'), field(report.bytes, 'DataTime'), String(report.afterMs)]);
    reports.wentOut();
  }
  assert.deepEqual(times[0], ['20260101090000500', '20260101090000', '1000']);
  assert.deepEqual(times[4], ['20260101090100500', '20260101090100', String(1000 + LOOP_MS)]);
  const history = await reportsOf(0, 'history-after-an-outage', false);
  assert.equal(field(history.next()?.bytes as Buffer, 'DataTime'), '20260101080000', 'minute data of 07:00, an hour later');
  let said = 0;
  for (; history.next(); history.wentOut()) said += 1;
  assert.equal(history.next(), null);
  assert.equal(said, 9);
});

test('a full memory lets go of the oldest, and says so', async () => {
  const reports = await reportsOf(0, 'air-realtime-and-marks');
  const first = reports.next();
  for (let turn = 0; turn < 1003; turn += 1) reports.wentOut();
  assert.equal(reports.kept().length, 1000);
  assert.equal(reports.forgotten, 3);
  assert.ok(first && !reports.isKept(first));
});

test('a described device keeps what its description answers, by its number', async () => {
  const { loaded } = await loadCase(join(import.meta.dirname, '../../drivers/frame/recorded/terminal-reports'));
  assert.ok(loaded);
  const reading = { recording: bytesRecordingOf(frame), settings: frame.settings.parse(loaded.recorded.devices[0].settings) };
  const script = deviceScript(loaded.recorded.traffic, () => reading);
  const reports = new DeviceReports({ script, reading, number: 3 }, { laterMs: 0, loopMs: null });
  for (; reports.next(); reports.wentOut());
  const [heartbeat, tags] = reports.kept();
  assert.ok(heartbeat && tags);
  const answer = (terminal: string, number: number) => terminalFrame(terminal, number, 0x82, Buffer.of(0));
  assert.equal(reports.settle(answer('500112000017', 2)), null, 'to the recorded one, not to this');
  assert.equal(reports.settle(answer('500112000020', 2)), tags);
  assert.equal(reports.settle(answer('500112000020', 2)), null);
  assert.ok(reports.isKept(heartbeat));
});
