import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { EdgeAuditEntry, WrittenEdgeEntry } from '../../log/audit/edge-entry.ts';
import { EdgeAudit } from './edge-audit.ts';

function rig(waiting = () => 0) {
  const world = testWorld();
  const drafts: Draft[] = [];
  const audit = new EdgeAudit(
    { edge: 'pump-07', centre: '500112001', record: (draft) => void drafts.push(draft), whenKept: () => Promise.resolve(true), waiting },
    world,
  );
  const told = () => drafts.map(({ value }) => JSON.parse(String(value)) as WrittenEdgeEntry);
  return { world, drafts, audit, told };
}

const refusal = (from: string): EdgeAuditEntry => ({ kind: 'refusal', who: '', from, what: 'read', outcome: 'refused' });

test('an entry is a diagnostic event of the edge itself', () => {
  const { audit, drafts, world } = rig();
  audit.started();
  const { value, ...draft } = drafts[0] as Draft;
  assert.match(String(value), /^\{"kind":"start","outcome":"done","who":"edge","from":"local","what":"edge pump-07 \d/);
  assert.deepEqual(draft, {
    device: 'pump-07', point: 'audit', indicator: 'CV-AUDIT', centre: '500112001', kind: 'diagnostic', unit: '',
    occurredAt: world.clock.nowMs(), clock: 'edge', observedAt: world.clock.nowMs(), quality: 'good', origin: 'live',
  });
});

test('a flood of refusals is a few entries a minute and a count, and the minute after begins anew', async () => {
  const { audit, told, world } = rig();
  for (let count = 0; count < 1000; count += 1) audit.append(refusal(`10.0.${count % 100}.7`));
  const before = told().length;
  assert.ok(before <= 60, String(before));
  await world.clock.advanceMs(60_000);
  const sums = told().slice(before);
  const counted = sums.reduce((sum, { details }) => sum + Number(details?.find(({ key }) => key === 'repeated')?.value), 0);
  assert.equal(before + counted, 1000);
  assert.ok(sums.length <= 101, String(sums.length));
  audit.append(refusal('10.0.0.7'));
  assert.equal(told().length, before + sums.length + 1);
});

test('the stop comes last, with what was still to be counted; it waits a moment for the gateway, and no longer', async () => {
  let waiting = 3;
  const { audit, told, world } = rig(() => waiting);
  for (let count = 0; count < 7; count += 1) audit.append(refusal('10.0.0.7'));
  let isOver = false;
  const stopped = audit.stopped().then(() => { isOver = true; });
  await world.clock.advanceMs(100);
  assert.equal(isOver, false);
  waiting = 0;
  await world.clock.advanceMs(20);
  await stopped;
  assert.deepEqual(told().slice(-2).map(({ kind, what }) => [kind, what]), [['refusal', 'repeated'], ['stop', 'edge pump-07']]);
  audit.append(refusal('10.0.0.7'));
  await audit.stopped();
  assert.equal(told().at(-1)?.kind, 'stop');
  const away = rig(() => 1);
  const ended = away.audit.stopped().then(() => 'ended');
  await settle();
  await away.world.clock.advanceMs(600);
  assert.equal(await ended, 'ended');
});

test('a reload is told by names of settings, a refused one by its code', async () => {
  const { audit, told } = rig();
  await audit.reload(() => Promise.resolve({ added: ['plc-2'], changed: ['gateway.token'], removed: [], restartNeeded: [], kept: 0 }));
  await assert.rejects(audit.reload(() => Promise.reject(new FaultError('CV_DRIVER_UNKNOWN', { driver: 'x' }))));
  assert.deepEqual(told().map(({ kind, outcome, details }) => [kind, outcome, details]), [
    ['config_change', 'done', [{ key: 'added', value: 'plc-2' }, { key: 'changed', value: 'gateway.token' }]],
    ['config_change', 'refused', [{ key: 'code', value: 'CV_DRIVER_UNKNOWN' }]],
  ]);
});
