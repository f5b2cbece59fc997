import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineDriver, type Driver, type Request } from '../../core/driver.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { realFiles, realNet, seededRandom, type World } from '../../core/world.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { read, type OpenDevice } from './read.ts';

/** A line with units on it, each of which counts how often it was asked. */
function plant() {
  const opened: string[] = [];
  const closed: string[] = [];
  const asked = new Map<string, number>();
  const driver = defineDriver({
    id: 'unit',
    title: { zh: '单元', en: 'unit' },
    settings: z.object({ line: z.string(), unit: z.string() }),
    point: z.object({ reg: z.number() }),
    traits: ['polled'],
    bus: ({ line }) => line,
    requests: (points, { unit }): (Request & { unit: string })[] => [{ unit, points: points.map(({ id }) => id) }],
    async open({ line }) {
      opened.push(line);
      return {
        async exchange({ unit, points }: Request & { unit: string }) {
          asked.set(unit, (asked.get(unit) ?? 0) + 1);
          return { points, value: asked.get(unit) as number };
        },
        async close() { closed.push(line); },
      };
    },
    decode: ({ points, value }) => ({ ok: true, values: points.map((point) => ({ point, value })) }),
  });
  const device = (id: string, line: string, more: Partial<DeviceSetup> = {}): OpenDevice => ({
    driver: driver as Driver,
    setup: {
      id,
      driver: 'unit',
      subject: id,
      settings: { line, unit: id },
      everyMs: 1000,
      timeoutMs: 500,
      points: [
        {
          id: 'n',
          indicator: 'I-1',
          unit: '1',
          scale: 1,
          offset: 0,
          faultCodes: [],
          limits: [],
          kind: 'measurement',
          own: { id: 'n', reg: 1 },
        },
      ],
      ...more,
    },
  });
  return { opened, closed, asked, device };
}

function hosted(devices: readonly OpenDevice[]) {
  const clock = new VirtualClock(1_700_000_000_000);
  const told: TelemetryEvent[] = [];
  const world: World = { clock, random: seededRandom(1), files: realFiles, net: realNet, tell: (event) => { told.push(event); } };
  const host = read(devices, world);
  const values = new Map<string, number[]>();
  void host.open?.((items) => {
    for (const item of items) if ('value' in (('sample' in item ? item.sample : item) as object)) {
      const { device, value } = ('sample' in item ? item.sample : item) as { device: string; value: unknown };
      values.set(device, [...(values.get(device) ?? []), value as number]);
    }
  });
  return { clock, host, told, values };
}

const inARow = (values: readonly number[] = []) => assert.deepEqual(values, values.map((_, at) => at + 1));

test('a device beside others on a line is changed, added and taken away; the others are asked on over the same link, none of their values lost or twice', async () => {
  const { opened, closed, asked, device } = plant();
  const [a, b, c] = [device('a', 'one'), device('b', 'one'), device('c', 'two')];
  const { clock, host, values } = hosted([a, b, c]);
  await clock.advanceMs(5_500);
  let swapped = 0;
  await host.update([a, device('b', 'one', { everyMs: 500 }), device('d', 'one'), c], () => { swapped += 1; });
  await clock.advanceMs(5_000);
  await host.update([a, c], () => { swapped += 1; });
  const before = asked.get('d');
  await clock.advanceMs(5_000);
  assert.deepEqual([opened, closed, swapped], [['one', 'two'], [], 2]);
  assert.deepEqual([asked.get('d'), host.states().map(({ id, online }) => [id, online])], [before, [['a', true], ['c', true]]]);
  assert.ok((asked.get('a') ?? 0) >= 14 && (before ?? 0) >= 4 && (asked.get('b') ?? 0) >= 12);
  for (const id of ['a', 'c', 'd']) inARow(values.get(id));
  assert.equal(values.get('a')?.length, asked.get('a'));
  await host.close?.();
  assert.deepEqual(closed.toSorted(), ['one', 'two']);
});

test('what is only made of values leaves the link and the schedule alone; another address opens a new link and closes the old one', async () => {
  const { opened, closed, device } = plant();
  const { clock, host, values } = hosted([device('a', 'one')]);
  await clock.advanceMs(3_000);
  const [point] = device('a', 'one').setup.points;
  await host.update(
    [device('a', 'one', { subject: 'other', points: [{ ...(point as NonNullable<typeof point>), scale: 2, unit: 'm' }] })],
    () => {},
  );
  assert.equal(host.states()[0]?.subject, 'other');
  await clock.advanceMs(3_000);
  assert.deepEqual([opened, closed], [['one'], []]);
  inARow(values.get('a'));
  const moved = host.update([device('a', 'three')], () => {});
  await clock.advanceMs(3_000);
  await moved;
  assert.deepEqual([opened, closed], [['one', 'three'], ['one']]);
  await host.close?.();
});

test('all devices go and others come: nothing of the old ones is heard or left open', async () => {
  const { opened, closed, device } = plant();
  const { clock, host, values, told } = hosted([device('a', 'one'), device('b', 'one')]);
  await clock.advanceMs(3_000);
  const count = values.get('a')?.length;
  const update = host.update([device('z', 'nine')], () => {});
  await clock.advanceMs(3_000);
  await update;
  assert.deepEqual([opened, closed, values.get('a')?.length], [['one', 'nine'], ['one'], count]);
  await assert.rejects(host.readNow('a', ['n'], new AbortController().signal));
  assert.ok(!told.some((event) => event.kind === 'fault'));
  await host.close?.();
});
