import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryEdgeLog } from '../../log/testing/memory-log.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceState, EdgeState } from '../../core/wire/messages.ts';
import { offlinePayload, EdgePresence } from './edge-presence.ts';

async function start(deviceCount = 1) {
  const world = testWorld();
  const log = await openMemoryEdgeLog({ edge: 'e', centre: '500112001' }, world);
  const devices = Array.from({ length: deviceCount }, (_, at): DeviceState => ({
    id: `device-${at}`,
    driver: 'modbus',
    online: true,
    reason: 'ok',
    lastAt: 1,
  }));
  const said: EdgeState[] = [];
  const keys = { command: null as string | null };
  const presence = new EdgePresence(
    {
      edge: 'e', centre: '500112001', version: '1', devices: () => devices, httpUrl: () => 'http://127.0.0.1:1',
      commandKey: () => keys.command,
    },
    log,
    world,
    (payload) => {
      said.push(JSON.parse(payload) as EdgeState);
    },
  );
  const seconds = async (count: number) => {
    for (let second = 0; second < count; second += 1) {
      await world.clock.advanceMs(1000);
      presence.tick();
    }
  };
  return { world, devices, said, keys, presence, seconds };
}

test('it is said again every ten seconds, and within a second or two when a device comes or goes', async () => {
  const { presence, said, seconds, devices } = await start();
  presence.publish();
  await seconds(9);
  assert.equal(said.length, 1);
  await seconds(1);
  assert.equal(said.length, 2);
  (devices[0] as DeviceState).lastAt = 99;
  await seconds(2);
  assert.equal(said.length, 2, 'a new value alone is no news');
  (devices[0] as DeviceState).online = false;
  await seconds(1);
  assert.deepEqual([said.length, said.at(-1)?.devices?.[0]?.online], [3, false]);
});

test('the key by which commands are verified is named as it is now; without one there is no word of it', async () => {
  const { presence, said, keys } = await start();
  presence.publish();
  keys.command = 'ab'.repeat(32);
  presence.publish();
  assert.deepEqual(said.map((state) => state.commandKey), [undefined, keys.command]);
});

test('with many devices it is said less often, but still', async () => {
  const { presence, said, seconds } = await start(1000);
  presence.publish();
  await seconds(59);
  assert.equal(said.length, 1);
  await seconds(1);
  assert.equal(said.length, 2);
});

test('the clock is learnt from the answer to what was said last, and from nothing else', async () => {
  const { world, presence, said } = await start();
  const answer = (echo: number, at: number) => presence.clockAnswered({ v: 1, clock: { echo, at } });
  answer(1, 99_999);
  presence.publish();
  const sentAt = said[0]?.sentAt as number;
  answer(sentAt - 1, sentAt + 99_999);
  assert.equal(presence.clockOffsetMs, null);
  await world.clock.advanceMs(200);
  answer(sentAt, sentAt + 5100);
  assert.equal(presence.clockOffsetMs, 5000);
  answer(sentAt, sentAt + 77_777);
  assert.equal(presence.clockOffsetMs, 5000, 'an answer counts once');
  presence.publish();
  assert.equal(said[1]?.clockOffsetMs, 5000);
  await world.clock.advanceMs(60_000);
  answer(said[1]?.sentAt as number, 1);
  assert.equal(presence.clockOffsetMs, 5000, 'an answer that took a minute says nothing');
});

test('the last will names the edge and that it is gone', () => {
  assert.deepEqual(JSON.parse(offlinePayload({ edge: 'e', centre: '500112001' })), { v: 1, edge: 'e', centre: '500112001', online: false });
});
