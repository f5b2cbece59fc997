/** Modbus against programs that are not ours: our driver reads pymodbus, mbpoll reads our pump station. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PointValue } from '../../core/driver.ts';
import { realWorld } from '../../core/world.ts';
import driver from '../../drivers/modbus/driver.ts';
import { startDevice, type DeviceProcess } from '../processes/device.ts';
import { startPymodbus } from './pymodbus.ts';
import { registersOfEveryType } from './registers.ts';

const run = promisify(execFile);
const ANSWER_MS = 3000;

/** Reads the points once, as the host would: one request after the other on one link. */
export async function readOnce(
  settings: Record<string, unknown>,
  config: readonly Record<string, unknown>[],
): Promise<Map<string, PointValue | string>> {
  const checked = driver.settings.parse({ host: '127.0.0.1', ...settings });
  const points = config.map((one) => Object.assign(driver.point?.parse(one) as object, { id: String(one.id) }));
  const link = await driver.open(checked, points, realWorld(() => {}), AbortSignal.timeout(ANSWER_MS));
  const values = new Map<string, PointValue | string>();
  try {
    for (const request of driver.requests?.(points, checked) ?? []) {
      const decoded = driver.decode(await link.exchange?.(request, AbortSignal.timeout(ANSWER_MS)), request);
      if (decoded.ok) for (const one of decoded.values ?? []) values.set(one.point, one);
      else for (const point of request.points) values.set(point, decoded.fault.code);
    }
  } finally {
    await link.close();
  }
  return values;
}

export const registerValue = (one: PointValue | string | undefined) => (typeof one === 'object' ? one.fault?.code ?? one.value : one);

async function everyTypeAndOrder(): Promise<void> {
  const { cells, points, wanted } = registersOfEveryType();
  await withPymodbus({ unit: 1, ...cells }, async (port) => {
    const values = await readOnce({ port, unit: 1 }, points);
    for (const [point, value] of wanted) assert.deepEqual(registerValue(values.get(point)), value, point);
    assert.equal(values.size, wanted.size);
  });
}

async function exceptionsAndUnknownUnit(): Promise<void> {
  const holding = { 10: 100, 11: 101, 13: 103, 16: 106 };
  await withPymodbus({ unit: 3, holding, input: { 0: 1 }, coil: { 0: 1 }, discrete: { 0: 1 } }, async (port) => {
    const values = await readOnce({ port, unit: 3 }, [10, 11, 13, 14, 16].map((at) => ({ id: `h${at}`, address: `holding:${at}` })));
    assert.deepEqual([...values.values()].map(registerValue), [100, 101, 103, 'CV_MODBUS_ILLEGAL_ADDRESS', 106]);
    assert.deepEqual((values.get('h14') as PointValue).flags, ['config']);
    const absent = await readOnce({ port, unit: 99 }, [{ id: 'a', address: 'holding:10' }]);
    assert.equal(registerValue(absent.get('a')), 'CV_MODBUS_GATEWAY_TARGET');
    const findings = await driver.probe?.(
      driver.settings.parse({ host: '127.0.0.1', port, unit: 3 }),
      [],
      realWorld(() => {}),
      AbortSignal.timeout(ANSWER_MS),
    );
    assert.match(findings?.[0]?.en ?? '', /pymodbus/);
  });
}

async function mbpollReadsThePumpStation(): Promise<void> {
  const station: DeviceProcess = await startDevice(
    'pump station',
    join(import.meta.dirname, '..', 'town', `pump-station${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`),
    ['--seed', '7'],
  );
  try {
    const poll = async (...args: string[]) => {
      const { stdout } = await run('mbpoll', ['-m', 'tcp', '-p', String(station.port), '-a', '1', '-0', '-1', '-q', ...args, '127.0.0.1']);
      return [...stdout.matchAll(/^\[(\d+)\]:\s+(\S+)/gm)].map((match) => [Number(match[1]), Number(match[2])]);
    };
    const [[at, level] = []] = await poll('-t', '4:float', '-B', '-r', '100', '-c', '1');
    assert.equal(at, 100);
    assert.ok(Math.abs((level as number) - 1.8) < 0.02, `level ${level}`);
    assert.deepEqual(await poll('-t', '0', '-r', '0', '-c', '4'), [[0, 1], [1, 0], [2, 0], [3, 0]]);
    assert.deepEqual(await poll('-t', '1', '-r', '0', '-c', '2'), [[0, 1], [1, 0]]);
    assert.deepEqual(await poll('-t', '4', '-r', '104', '-c', '2'), [[104, 123_450 & 0xffff], [105, 123_450 >> 16]]);
    assert.equal((await poll('-t', '3', '-r', '0', '-c', '5')).length, 5);
    await assert.rejects(poll('-t', '4', '-r', '900', '-c', '1'), /Illegal data address/);
  } finally {
    await station.stop();
  }
}

async function withPymodbus(spec: object, use: (port: number) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cityvitals-pymodbus-'));
  try {
    await writeFile(join(folder, 'registers.json'), JSON.stringify(spec));
    const server = await startPymodbus(join(folder, 'registers.json'));
    await use(server.port).finally(() => server.stop());
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'modbus: pymodbus, every type and order', run: everyTypeAndOrder },
  { name: 'modbus: pymodbus, exceptions, unknown unit, identification', run: exceptionsAndUnknownUnit },
  { name: 'modbus: mbpoll reads the pump station', run: mbpollReadsThePumpStation },
];
