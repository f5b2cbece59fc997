import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBatchStations, type BatchStation, type BatchTask } from './batch-task.ts';

const task = (): BatchTask => ({
  address: { centre: '500112001', edge: 'e1', leaf: 'up' }, payload: new Uint8Array(), receivedAt: 0, separate: () => {},
  checked: null, bindingsWritten: null, outcome: null,
});

test('a batch goes through its stations in order, and no further than the one that ends it', async () => {
  const passed: string[] = [];
  const station = (name: string, goesOn: boolean, isAsync = false): BatchStation => () => {
    passed.push(name);
    return isAsync ? Promise.resolve(goesOn) : goesOn;
  };
  await runBatchStations([station('accept', true), station('keep', true, true), station('acknowledge', true)], task());
  await runBatchStations([station('accept', true), station('keep', false, true), station('acknowledge', true)], task());
  await runBatchStations([station('accept', false), station('keep', true)], task());
  assert.deepEqual(passed, ['accept', 'keep', 'acknowledge', 'accept', 'keep', 'accept']);
});

test('what a station throws ends the batch', async () => {
  await assert.rejects(runBatchStations([() => { throw new Error('disk'); }, () => assert.fail('not reached')], task()), /disk/);
});
