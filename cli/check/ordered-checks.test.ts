import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver } from '../../core/driver.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../../edge/config/setup.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import { openProgress } from '../progress.ts';
import { checkInOrder } from './ordered-checks.ts';

const MS = /\d+$/;

/** A device takes as many ms as its name ends with; those that are on a bus have its name before a dot. */
function device(id: string): OpenDevice {
  const bus = id.includes('.') ? id.split('.')[0] : undefined;
  return {
    setup: { id, settings: {} } as DeviceSetup,
    driver: { id: 'test', traits: ['polled'], ...(bus && { bus: () => bus }) } as unknown as Driver,
  };
}

async function run(ids: readonly string[], forMs: number, endAtMs = forMs) {
  const clock = new VirtualClock();
  const out: string[] = [];
  const seconds = () => `${clock.monotonicMs() / 1000} s`;
  const begun = new Map<string, number>();
  const ending = new AbortController();
  let most = 0;
  let running = 0;
  const done = checkInOrder(ids.map(device), {
    tryOut: async ({ setup: { id } }) => {
      begun.set(id, clock.monotonicMs());
      most = Math.max(most, running += 1);
      await new Promise<void>((resolve) => { clock.after(Number(MS.exec(id)?.[0]), resolve); });
      running -= 1;
      return id;
    },
    report: (_, id) => {
      out.push(`${seconds()}: ${id}`);
    },
    progress: openProgress(
      { json: false, text: ({ en }) => en },
      { id: 'check', en: 'checking', zh: '' },
      {
        isTerminal: false,
        columns: 80,
        nowMs: () => clock.monotonicMs(),
        write: (text) => {
          out.push(`${seconds()}: ${text.trim()}`);
        },
      },
    ),
    clock,
    signal: ending.signal,
  });
  clock.after(endAtMs, () => ending.abort());
  await clock.advanceMs(forMs);
  await done;
  return { out, most, begunMs: (id: string) => begun.get(id) };
}

test('each is told as soon as it and all before it are done, in the order of the file', async () => {
  const { out } = await run(['a-200', 'b-2000', 'c-100', 'd-2500'], 10_000);
  assert.deepEqual(out, ['0.2 s: a-200', '2 s: b-2000', '2 s: c-100', '2.5 s: d-2500']);
});

test('sixteen that do not answer cost the time of two, and progress says whom it waits for', async () => {
  const ids = Array.from({ length: 16 }, (_, index) => `cam${index}-10000`);
  const { out, most } = await run(ids, 30_000);
  assert.equal(most, 8);
  assert.deepEqual(out.filter((line) => line.includes('cam15')), ['20 s: cam15-10000']);
  assert.match(out[0] as string, /^3 s: checking: .* 0 \/ 16 · cam0-10000, cam1-10000, cam2-10000, cam3-10000 …$/);
  assert.ok(out.some((line) => /8 \/ 16/.test(line)));
});

test('those on one bus are tried one after the other, and hold up nobody else', async () => {
  const { begunMs, out } = await run(['line.a-1000', 'line.b-1000', 'c-100'], 5000);
  assert.deepEqual(['line.a-1000', 'line.b-1000', 'c-100'].map(begunMs), [0, 1000, 0]);
  assert.deepEqual(out, ['1 s: line.a-1000', '2 s: line.b-1000', '2 s: c-100']);
});

test('once it is interrupted, nothing more is told', async () => {
  const { out } = await run(['a-200', 'b-2000', 'c-100'], 5000, 1000);
  assert.deepEqual(out, ['0.2 s: a-200']);
});
