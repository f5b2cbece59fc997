import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { VirtualClock, testWorld } from '../../core/testing/virtual-clock.ts';
import type { LiveMessage } from '../../api/live.ts';
import { EXAMPLES } from './testing/examples.ts';
import { follow, openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const value = (device: string, at: number): LiveMessage => ({
  kind: 'value',
  indicator: 'I',
  device,
  point: 'p',
  at,
  value: at,
  unit: 'm',
  quality: 'good',
  flags: [],
});

async function liveRig(t: TestContext, maxViewers?: number) {
  const clock = new VirtualClock();
  const world = testWorld(clock);
  const gateway = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  gateway.devices = [EXAMPLES.device];
  gateway.warnings = [EXAMPLES.warning, { ...EXAMPLES.warning, id: 'over', condition: 'cleared' }];
  const { api } = await openApi(t, gateway.sources, world, maxViewers ? { maxViewers } : {});
  return { clock, world, gateway, api };
}

test('a viewer is told what stands, then what changes', async (t) => {
  const { api, clock, gateway } = await liveRig(t);
  const viewer = await follow(api.url);
  await viewer.until(() => viewer.messages.length >= 4);
  assert.deepEqual(viewer.messages.map(({ kind }) => kind), ['status', 'demo', 'device', 'warning']);
  gateway.emit({ kind: 'warning', warning: { ...EXAMPLES.warning, id: 'new' } });
  gateway.emit(value('a', 5));
  await clock.advanceMs(1000);
  await viewer.until(() => viewer.messages.length >= 8);
  assert.deepEqual(viewer.messages.slice(4).map(({ kind }) => kind), ['warning', 'value', 'status', 'demo']);
  await clock.advanceMs(10_000);
  await viewer.until(() => viewer.text().includes(': still here'));
  await api.close();
});

test('values are coalesced to the newest of each series in event time; warnings never are', async (t) => {
  const { api, clock, gateway } = await liveRig(t);
  const viewer = await follow(api.url);
  await viewer.until(() => viewer.messages.length >= 4);
  for (const at of [1, 2, 9, 3]) gateway.emit(value('a', at));
  gateway.emit(value('b', 1));
  for (const id of ['x', 'y', 'x']) gateway.emit({ kind: 'warning', warning: { ...EXAMPLES.warning, id } });
  await clock.advanceMs(300);
  await viewer.until(() => viewer.messages.length >= 9);
  const changes = viewer.messages.slice(4);
  assert.deepEqual(changes.filter((message) => message.kind === 'value').map(({ device, at }) => [device, at]), [['a', 9], ['b', 1]]);
  assert.deepEqual(changes.filter((message) => message.kind === 'warning').map(({ warning }) => warning.id), ['x', 'y', 'x']);
  await api.close();
});

test('a viewer that does not read is let go with a reason; the others miss nothing', async (t) => {
  const { api, clock, gateway, world } = await liveRig(t);
  const [slow, quick] = await Promise.all([follow(api.url), follow(api.url)]);
  slow.response.pause();
  const big = { ...EXAMPLES.warning, suggestion: { zh: 'x'.repeat(200_000), en: '' } };
  let sent = 0;
  while (world.told.length === 0 && sent < 500) {
    sent += 1;
    gateway.emit({ kind: 'warning', warning: { ...big, id: `n${sent}` } });
    await quick.until(() => quick.messages.some((message) => message.kind === 'warning' && message.warning.id === `n${sent}`));
    await clock.advanceMs(0);
  }
  assert.deepEqual(world.told.map((event) => event.kind === 'client_dropped' && event.reason), ['reads too slowly']);
  assert.equal(api.viewers(), 1);
  slow.response.resume();
  await slow.ended;
  await api.close();
});

test('closing says goodbye to a hundred viewers and leaves no listener; leaving is noticed', async (t) => {
  const { api, gateway } = await liveRig(t);
  assert.equal(gateway.listeners(), 0, 'nobody listens for nobody');
  const viewers = await Promise.all(Array.from({ length: 100 }, () => follow(api.url)));
  assert.equal(api.viewers(), 100);
  const first = viewers[0];
  first?.leave();
  await first?.ended;
  const closing = api.close();
  await Promise.all([closing, api.close()]);
  await Promise.all(viewers.map(({ ended }) => ended));
  assert.ok(viewers.slice(1).every((viewer) => viewer.text().includes('event: bye')));
  assert.equal(gateway.listeners(), 0);
});

test('whoever comes when all others have left is told what changes, once', async (t) => {
  const { api, clock, gateway } = await liveRig(t);
  const first = await follow(api.url);
  await first.until(() => first.messages.length >= 4);
  gateway.emit(value('a', 1));
  first.leave();
  await first.ended;
  while (gateway.listeners() > 0) await new Promise((resolve) => { setImmediate(resolve); });
  const second = await follow(api.url);
  await second.until(() => second.messages.length >= 4);
  gateway.emit(value('a', 2));
  await clock.advanceMs(300);
  await second.until(() => second.messages.length >= 5);
  assert.deepEqual(second.messages.slice(4).map((message) => message.kind === 'value' && message.at), [2]);
  await api.close();
});

test('one viewer more than allowed is told so with 503', async (t) => {
  const { api } = await liveRig(t, 1);
  const viewer = await follow(api.url);
  const second = await fetch(new URL('/api/v1/live', api.url));
  assert.equal(second.status, 503);
  assert.equal(((await second.json()) as { code: string }).code, 'CV_API_TOO_MANY_VIEWERS');
  viewer.leave();
  await viewer.ended;
  await api.close();
});

test('one address has so many viewers and no more', async (t) => {
  const { api } = await openApi(t, memoryGateway().sources, testWorld(), { maxViewersOfAddress: 2 });
  const viewers = [await follow(api.url), await follow(api.url)];
  const third = await fetch(new URL('/api/v1/live', api.url));
  assert.deepEqual([third.status, ((await third.json()) as { code: string }).code], [503, 'CV_API_TOO_MANY_VIEWERS']);
  for (const viewer of viewers) viewer.leave();
});
