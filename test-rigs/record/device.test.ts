/** A device is recorded while its edge reads it, and the case gives what the edge stamped. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { FaultError } from '../../core/faults.ts';
import { replayCaseLines } from '../../cases/replay.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { realWorld } from '../../core/world.ts';
import { loadEdge } from '../../cli/load.ts';
import hj212 from '../../drivers/hj212/driver.ts';
import { diallingDataLogger, uploadPeriodically } from '../../drivers/hj212/testing/data-logger.ts';
import llrp from '../../drivers/llrp/driver.ts';
import { listeningReader } from '../../drivers/llrp/testing/simulated-reader.ts';
import modbus from '../../drivers/modbus/driver.ts';
import { serveSimulatedModbus } from '../../drivers/modbus/testing/server.ts';
import { runEdge } from '../../edge/main.ts';
import { LOCAL_ACCESS_FILE } from '../../edge/tap/tap-server.ts';
import { freePort } from '../../core/free-port.ts';
import { recordDevice, type DeviceRecording } from './device.ts';

const drivers = new Map([modbus, llrp, hj212].map((driver) => [driver.id, driver]));
const FOR_MS = 700;

async function withMeter(run: (config: string, dir: string) => Promise<void>): Promise<void> {
  const { dir, remove } = await tempDir();
  let asked = 0;
  const server = await serveSimulatedModbus({
    read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => start + at + (asked += 1)),
  });
  const config = join(dir, 'edge.yaml');
  await writeFile(
    config,
    stringify({
      edge: 'e1',
      centre: '500112001',
      gateway: { url: 'mqtt://127.0.0.1:1', token: 'x' },
      log: { dir: './log' },
      devices: [
        {
          id: 'meter',
          driver: 'modbus',
          every: '50ms',
          settings: { host: '127.0.0.1', port: server.port },
          points: [
            { id: 'a', address: 'holding:1', unit: 'V', indicator: 'X-1' },
            { id: 'b', address: 'input:7', unit: 'A', indicator: 'X-2' },
          ],
        },
      ],
    }),
  );
  try {
    await run(config, dir);
  } finally {
    await server.close();
    await remove();
  }
}

const UNSET = '${env:CITYVITALS_TEST_UNSET}';

test("secrets that others need are not missed: the token for the gateway, the password of another device; the device's own is", () =>
  withMeter(async (config) => {
    const text = await readFile(config, 'utf8');
    const other = {
      id: 'station',
      driver: 'hj212',
      every: '1m',
      settings: { listen: '127.0.0.1:1', mn: 'A1', password: UNSET },
      points: [{ id: 'a', factor: 'a34004', indicator: 'X-1' }],
    };
    const written = parse(text) as { gateway: { token: string }; devices: unknown[] };
    written.gateway.token = UNSET;
    written.devices.unshift(other);
    await writeFile(config, stringify(written));
    await givesWhatWasStamped(await recordDevice(wishes(config)));
    await assert.rejects(
      recordDevice({ ...wishes(config), device: 'station' }),
      (error) => error instanceof FaultError && error.fault.code === 'CV_SECRET_MISSING' && error.fault.params.key === 'password',
    );
  }));

const wishes = (config: string) => ({ device: 'meter', config, forMs: FOR_MS, signal: new AbortController().signal, say: () => {} });

async function givesWhatWasStamped({ recorded, stamped }: DeviceRecording): Promise<void> {
  assert.ok(stamped.length >= 2, 'at least one exchange of each area');
  const lines = await replayCaseLines({ ...recorded, name: 'meter', folder: '', expected: null }, { drivers });
  assert.deepEqual(lines, stamped);
}

test('of a running edge: the samples of the case are those that the edge stamped; the edge goes on as before', () =>
  withMeter(async (config, dir) => {
    const { setup } = await loadEdge({ path: config, text: await readFile(config, 'utf8') });
    assert.ok(setup);
    let kept = 0;
    const edge = await runEdge(
      setup,
      realWorld(() => {}),
      {
        onKept: ({ drafts }) => {
          kept += drafts.length;
        },
      },
    );
    try {
      assert.equal((await stat(join(dir, 'log', LOCAL_ACCESS_FILE))).mode & 0o777, 0o600);
      await givesWhatWasStamped(await recordDevice(wishes(config)));
      const before = kept;
      await givesWhatWasStamped(await recordDevice(wishes(config)));
      // The log gathers for a while before it keeps, longer on a loaded machine.
      await until(
        () => kept,
        (count) => count > before,
      );
      assert.ok((await fetch(`${edge.httpUrl}/tap/meter?forMs=10`)).status === 403, 'not without the key');
    } finally {
      await edge.close();
    }
    await assert.rejects(stat(join(dir, 'log', LOCAL_ACCESS_FILE)));
  }));

test('without an edge the device is read here', () => withMeter(async (config) => givesWhatWasStamped(await recordDevice(wishes(config)))));

/** An edge with one device is recorded beside, once something of it was kept. @returns the recording; it gave what was stamped */
async function recordedBeside(device: Record<string, unknown> & { id: string }): Promise<DeviceRecording> {
  const { dir, remove } = await tempDir();
  const config = join(dir, 'edge.yaml');
  const text = stringify({
    edge: 'e1',
    centre: '500112001',
    gateway: { url: 'mqtt://127.0.0.1:1', token: 'x' },
    log: { dir: './log' },
    devices: [device],
  });
  await writeFile(config, text);
  const { setup, problems } = await loadEdge({ path: config, text });
  assert.ok(setup, JSON.stringify(problems));
  const began = Promise.withResolvers<void>();
  const edge = await runEdge(setup, realWorld(() => {}), {
    // What the edge tells of itself comes before its device does.
    onKept: ({ stream }) => {
      if (stream !== 'diagnostic') began.resolve();
    },
  });
  try {
    await began.promise;
    const recorded = await recordDevice({ ...wishes(config), device: device.id });
    await givesWhatWasStamped(recorded);
    return recorded;
  } finally {
    await edge.close();
    await remove();
  }
}

const pointsIn = ({ stamped }: DeviceRecording) => new Set(stamped.map((one) => ('point' in one ? one.point : '')));

test('of a session under way: frames, with the reader\'s clock and who stood before it, give what the edge stamped', async () => {
  const reader = await listeningReader({ aheadMs: 90_000 });
  let turn = 0;
  const passing = setInterval(() => {
    if (reader.isReading())
      reader.report([{ epc: `3034257BF7194E40${String(Math.floor(turn / 2)).padStart(8, '0')}`, antenna: 1 + ((turn += 1) % 2) }]);
  }, 50);
  try {
    const recorded = await recordedBeside({
      id: 'gate',
      driver: 'llrp',
      every: '1s',
      settings: { host: '127.0.0.1', port: reader.port, departAfter: '1s' },
      points: [
        { id: 'read', gives: 'read', indicator: 'X-1' },
        { id: 'there', gives: 'present', indicator: 'X-2' },
        { id: 'in', gives: 'passed', from: [2], to: [1], indicator: 'X-3' },
      ],
    });
    assert.equal(recorded.recorded.level, 'frames');
    assert.deepEqual(pointsIn(recorded), new Set(['read', 'there', 'in']));
  } finally {
    clearInterval(passing);
    await reader.stop();
  }
});

test('of a station that dials: its uploads, password masked, give what the edge stamped', async () => {
  const port = await freePort();
  const logger = diallingDataLogger(port, { mn: 'A1', password: '654321' });
  const end = uploadPeriodically(logger, (turn) => [
    ['2011', `DataTime=20260101${String(120_000 + (turn % 60))};a34004-Rtd=${turn},a34004-Flag=N;a34002-Rtd=${turn}.5,a34002-Flag=T`],
  ]);
  try {
    const recorded = await recordedBeside({
      id: 'air',
      driver: 'hj212',
      every: '5s',
      settings: { listen: `127.0.0.1:${port}`, mn: 'A1', password: '654321' },
      points: [
        { id: 'pm25', factor: 'a34004' },
        { id: 'pm10', factor: 'a34002' },
      ],
    });
    assert.deepEqual([recorded.recorded.level, recorded.recorded.secrets], ['bytes', 'masked']);
    assert.deepEqual(pointsIn(recorded), new Set(['pm25', 'pm10']));
  } finally {
    end();
    await logger.stop();
  }
});
