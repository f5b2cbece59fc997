import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import driver from '../../drivers/modbus/driver.ts';
import { realWorld } from '../../core/world.ts';
import { registersAt, stationAt } from './pump-model.ts';

const SEEDS = Array.from({ length: 200 }, (_, index) => index * 7919);
const TENTHS = Array.from({ length: 1000 }, (_, index) => index / 10);

/** First time from which the level stays on one side for as long as the rules wait. */
const firstAt = (seed: number, when: (levelM: number) => boolean, from = 0) =>
  TENTHS.find((at) => at >= from && when(stationAt(seed, at).levelM)) ?? Infinity;

test('every seed: 1.8 m, 3.0 m at 22 to 25 s, about 3.4 m at the peak, under 2.8 m for good by 55 s', () => {
  for (const seed of SEEDS) {
    assert.ok(Math.abs(stationAt(seed, 0).levelM - 1.8) < 0.02);
    const above = firstAt(seed, (levelM) => levelM >= 3.0);
    assert.ok(above >= 22 && above <= 25, `seed ${seed} passes 3.0 m at ${above}`);
    const peak = Math.max(...TENTHS.map((at) => stationAt(seed, at).levelM));
    assert.ok(peak > 3.3 && peak < 3.5, `seed ${seed} peaks at ${peak}`);
    const low = firstAt(seed, (levelM) => levelM < 2.8, 35);
    assert.ok(
      low > 45 && low <= 55 && TENTHS.every((at) => at < low + 0.5 || stationAt(seed, at).levelM < 2.8),
      `seed ${seed} is low at ${low}`,
    );
  }
});

test('same seed, same station; another seed, another; a day before the storm it is calm', () => {
  for (const at of TENTHS) assert.deepEqual(stationAt(5, at), stationAt(5, at));
  assert.notDeepEqual(
    TENTHS.map((at) => stationAt(5, at).levelM),
    TENTHS.map((at) => stationAt(6, at).levelM),
  );
  for (let index = -86_400; index < -86_300; index += 1)
    assert.ok(Math.abs(stationAt(5, index).levelM - 1.8) < 0.02 && !stationAt(5, index).running);
});

test('pumps run while the water is high, and draw current, move water and count hours only then', () => {
  for (const at of TENTHS) {
    const { levelM, running, currentA, flowM3h } = stationAt(3, at);
    if (levelM > 2.3) assert.ok(running);
    if (levelM < 1.95) assert.ok(!running);
    assert.equal(currentA > 0, running);
    assert.equal(flowM3h > 0, running);
  }
  const hours = TENTHS.map((at) => stationAt(3, at).runHours);
  assert.ok(hours.every((one, index) => index === 0 || one >= (hours[index - 1] as number)));
  for (const at of [0, 20, 40])
    for (const cells of Object.values(registersAt(3, at)))
      for (const cell of cells.values()) assert.ok(Number.isInteger(cell) && cell >= 0 && cell <= 0xffff);
});

test('the process: ready, read by the driver, ended by SIGTERM', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'pump-station.ts'), '--seed', '9'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line') as [string];
  const { ready, port } = JSON.parse(line) as { ready: boolean; port: number };
  assert.ok(ready);
  const settings = driver.settings.parse({ host: '127.0.0.1', port });
  const config = [
    { id: 'level', address: 'holding:100', type: 'float32' },
    { id: 'hours', address: 'holding:104', type: 'uint32', wordOrder: 'little' },
    { id: 'serial', address: 'holding:120', type: 'string', length: 10 },
    { id: 'running', address: 'coil:3' },
    { id: 'absent', address: 'input:90' },
  ];
  const points = config.map((one) => Object.assign(driver.point?.parse(one) as object, { id: one.id }));
  const world = realWorld(() => {});
  const link = await driver.open(settings, points, world);
  const values = new Map<string, unknown>();
  for (const request of driver.requests?.(points, settings) ?? []) {
    const decoded = driver.decode(await link.exchange?.(request, AbortSignal.timeout(2000)), request);
    for (const one of decoded.ok ? decoded.values ?? [] : []) values.set(one.point, one.value);
  }
  await link.close();
  assert.ok(Math.abs((values.get('level') as number) - 1.8) < 0.02);
  assert.deepEqual(
    [values.get('hours'), values.get('serial'), values.get('running'), values.has('absent')],
    [123_450, 'PS-07-0001', false, false],
  );
  const findings = await driver.probe?.(settings, points, world, AbortSignal.timeout(2000));
  assert.match(findings?.[0]?.en ?? '', /pump station/);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('the process ends when the program that started it is gone', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'pump-station.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdin.end();
  assert.deepEqual(await exited, [0, null]);
});
