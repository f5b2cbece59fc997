import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { GatewayLog } from '../../log/types.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { Acks } from './acks.ts';

test('a log that cannot say what it holds is told, and the next ack of that stream is sent all the same', async () => {
  let isBroken = true;
  const sent: string[] = [];
  const mark = () => {
    if (isBroken) throw new TypeError('broken on purpose');
    return { upTo: 7, have: [] };
  };
  // Whatever is asked of it.
  const log = new Proxy({}, { get: () => mark }) as GatewayLog;
  const world = testWorld();
  const acks = new Acks('g', log, { publish: (topic) => { sent.push(topic); return Promise.resolve(); } }, world);
  acks.due('500112001', 'pump', 'measurement', 1);
  await turn();
  await turn();
  assert.deepEqual(world.told.map((event) => event.kind), ['fault']);
  isBroken = false;
  acks.due('500112001', 'pump', 'measurement', 1);
  await turn();
  await turn();
  assert.deepEqual(sent, ['cv/v1/in/500112001/pump/ack']);
});

test('while an ack of a stream is on its way no second one is begun; what came meanwhile goes with the next', async () => {
  const waiting: (() => void)[] = [];
  const log = new Proxy({}, { get: () => () => ({ upTo: 7, have: [] }) }) as GatewayLog;
  const acks = new Acks('g', log, { publish: () => new Promise<void>((resolve) => { waiting.push(resolve); }) }, testWorld());
  const owe = async (seq: number) => {
    acks.due('500112001', 'pump', 'measurement', 1, [{ from: seq, to: seq, code: 'CV_EVENT_INVALID' }]);
    await turn();
    await turn();
  };
  await owe(1);
  await owe(2);
  await owe(3);
  assert.equal(waiting.length, 1);
  waiting[0]?.();
  await turn();
  await turn();
  assert.equal(waiting.length, 2, 'the two that came meanwhile in one');
  waiting[1]?.();
  await turn();
  await turn();
  assert.equal(waiting.length, 2);
  await owe(4);
  assert.equal(waiting.length, 3);
});
