/** Eight stations from one recording, each cut in its first upload: what one of them is told to forget is on the edge's disk. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { realWorld } from '../../core/world.ts';
import { loadEdge } from '../../cli/load.ts';
import { runEdge } from '../../edge/main.ts';
import { freePort } from '../../core/free-port.ts';
import { loadCase } from '../replay/cases.ts';
import { serveDevices } from '../replay/serve.ts';
import { answeredValues, isStored, reportKey, type AnsweredValue, type StoredRow } from './answered.ts';

const CASE = join(import.meta.dirname, '../../drivers/hj212/recorded/air-realtime-and-marks');
const STATIONS = 8;

test('what was answered to a station is on disk; what was cut off is said again', { timeout: 120_000 }, async () => {
  const { loaded } = await loadCase(CASE);
  assert.ok(loaded);
  const { dir, remove } = await tempDir();
  const port = await freePort();
  const stored: StoredRow = new Map();
  const answered: AnsweredValue[] = [];
  const lost: AnsweredValue[] = [];
  const heard = new Set<number>();
  const all = Promise.withResolvers<void>();
  const { points } = loaded.recorded.devices[0];
  const pointOf = new Map(points.map((point) => [String((point as { factor?: unknown }).factor), point.id]));
  const standing = await serveDevices(loaded, {
    host: '127.0.0.1', port, times: STATIONS, trouble: { kind: 'cut', atMs: 0 }, seed: 1, isLoop: false, redialMs: 20,
    onSettled(number, { bytes }) {
      const values = answeredValues(JSON.stringify({ bytes: bytes.toString('hex') })).filter(({ factor }) => pointOf.has(factor));
      answered.push(...values);
      lost.push(
        ...values.filter((value) => !isStored(value, stored.get(reportKey(value.mn, pointOf.get(value.factor) as string, value.at)))),
      );
      if (heard.add(number).size === STATIONS) all.resolve();
    },
  });
  const path = join(dir, 'edge.yaml');
  const text = stringify({
    edge: 'e1',
    centre: '500112001',
    gateway: { url: 'mqtt://127.0.0.1:1', token: 'x' },
    log: { dir: join(dir, 'log') },
    devices: standing.devices.map(({ identities: { MN } }) => ({
      id: MN,
      driver: 'hj212',
      every: '30s',
      settings: { listen: `127.0.0.1:${port}`, mn: MN },
      points: points.map((point) => ({ ...point, indicator: `station.${point.id}` })),
    })),
  });
  const { setup, problems } = await loadEdge({ path, text });
  assert.ok(setup, JSON.stringify(problems));
  const edge = await runEdge(
    setup,
    realWorld(() => {}),
    {
      onKept: ({ drafts }) => {
        for (const { device, point, occurredAt, value } of drafts) stored.set(reportKey(device, point, occurredAt), { value, times: 1 });
      },
    },
  );
  try {
    await all.promise;
    assert.equal(new Set(answered.map(({ mn }) => mn)).size, STATIONS);
    assert.ok(answered.length >= STATIONS * 4);
    assert.deepEqual(lost, []);
  } finally {
    await standing.close();
    await edge.close();
    await remove();
  }
});
