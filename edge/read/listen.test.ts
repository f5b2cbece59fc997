/** A device that speaks by itself: its link, what ends it, and what is said of that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { fakeDriver, silence } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { isSample } from '../item.ts';
import type { DecodedItem } from '../item.ts';
import { read } from './read.ts';

function bench(links: (at: number) => Partial<Link<unknown>>) {
  const world = testWorld();
  const { driver } = fakeDriver(world, 'listens');
  let opened = 0;
  let closed = 0;
  const open = () => Promise.resolve({ close: () => Promise.resolve(void (closed += 1)), ...links((opened += 1)) } as Link<unknown>);
  const points = [
    {
      id: 'level',
      indicator: 'T',
      unit: 'm',
      scale: 1,
      offset: 0,
      faultCodes: [],
      limits: [],
      kind: 'measurement' as const,
      own: { id: 'level' },
    },
  ];
  const setup: DeviceSetup = {
    id: 'plc',
    driver: 'fake',
    subject: 'plc',
    settings: { device: 'plc' },
    everyMs: 600_000,
    timeoutMs: 500,
    points,
  };
  const host = read([{ setup, driver: { ...driver, open } }], world);
  const items: DecodedItem[] = [];
  void host.open?.((given) => { items.push(...given); });
  const faults = () => world.told.flatMap((told) => (told.kind === 'fault' ? [told.fault] : []));
  const close = async () => {
    const done = host.close?.();
    await world.clock.advanceMs(1000);
    await done;
  };
  return { world, host, faults, close, values: () => items.filter(isSample).map(({ value }) => value), counts: () => [opened, closed] };
}

test('a link on which nobody can listen, and one whose frames end, are said word for word, and opened again', async () => {
  const deaf = bench(() => ({}));
  await deaf.world.clock.advanceMs(5000);
  assert.deepEqual(deaf.faults(), [{ code: 'CV_DRIVER_FAILED', params: { device: 'plc', detail: 'nobody can listen on its link' } }]);
  assert.ok((deaf.counts()[0] as number) > 2);
  await deaf.close();
  const ending = bench((at) => ({ listen: (take, signal) => (at === 1 ? Promise.resolve(take({ level: 1 })) : silence(signal)) }));
  await ending.world.clock.advanceMs(5000);
  assert.deepEqual(ending.faults(), [{ code: 'CV_LINK_CLOSED', params: { address: 'plc (plc)', detail: 'its frames ended' } }]);
  assert.deepEqual(ending.counts(), [2, 1]);
  assert.deepEqual(ending.values().slice(0, 1), [1], 'what came before the end');
  await ending.close();
  assert.deepEqual(ending.counts(), [2, 2]);
});

test('frames that are iterated are taken one after the other, and an error of theirs is the link\'s', async () => {
  const { world, faults, values, close, counts } = bench((at) => ({ async* frames(signal) {
    yield { level: 10 + at };
    yield { level: 20 + at };
    if (at === 1) throw new FaultError('CV_LINK_TIMEOUT', { address: 'x', timeoutMs: 5 });
    await silence(signal).catch(() => undefined);
  } }));
  await world.clock.advanceMs(5000);
  assert.deepEqual(values().filter((value) => value !== null), [11, 21, 12, 22]);
  assert.deepEqual([faults(), counts()], [[{ code: 'CV_LINK_TIMEOUT', params: { address: 'x', timeoutMs: 5 } }], [2, 1]]);
  await close();
});
