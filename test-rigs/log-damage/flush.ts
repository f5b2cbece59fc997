/**
 * A process whose forced writes all fail for a while (EIO, by a library in front of libc), again and again, until it is
 * killed: what it said was on disk is there, what it said was not is not there twice, and it went on by itself each time.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openEdgeLog } from '../../log/edge-log.ts';
import { directStorage } from '../../log/worker-storage.ts';
import { TEST_CENTRE } from '../../core/testing/drafts.ts';
import { readAll } from '../../log/testing/edge-log-contract.ts';
import { fsyncCounts, shimAvailable, slowDisk } from '../fsync-shim/shim.ts';
import type { PartResult } from './result.ts';
import { telemetryListener, settleDelayMs } from './small-disk.ts';

const EIO = 5;
const OUTAGES = 5;
const OUTAGE_MS = 400;
const BETWEEN_MS = 600;

export async function runFailingFlush(say: (line: string) => void): Promise<PartResult[]> {
  if (!(await shimAvailable())) {
    say('failing fsync: NOT TRIED, gcc is not installed (apt-get install gcc libc6-dev)');
    return [{ name: 'failing fsync', figures: { tried: 'no, gcc is not installed' }, failures: [] }];
  }
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-flush-'));
  try {
    const result = await strike(dir);
    say(`${result.name}: ${JSON.stringify(result.figures)} ${result.failures.join('; ')}`);
    return [result];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function strike(dir: string): Promise<PartResult> {
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => { if (!holds) failures.push(what); };
  const [gate, count, folder] = [join(dir, 'gate'), join(dir, 'count'), join(dir, 'log')];
  const env = { ...process.env, ...(await slowDisk({ errno: EIO, path: folder, while: gate, count })) };
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'log', 'testing', 'appender.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const said = { epoch: 0, acknowledged: new Set<number>(), rejected: 0, faults: [] as string[], answers: 0 };
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const word = JSON.parse(line) as { epoch?: number; from?: number; to?: number; failed?: string; fault?: string };
    said.epoch = word.epoch ?? said.epoch;
    if (word.failed) said.rejected += 1;
    if (word.fault) said.faults.push(word.fault);
    if (word.to !== undefined) said.answers += 1;
    for (let value = word.from ?? 1; value <= (word.to ?? 0); value += 1) said.acknowledged.add(value);
  });
  const ended = new Promise((resolve) => { child.once('close', resolve); });
  while (said.answers === 0) await settleDelayMs(20);
  let wentOn = 0;
  for (let outage = 0; outage < OUTAGES; outage += 1) {
    await settleDelayMs(BETWEEN_MS);
    await writeFile(gate, '');
    await settleDelayMs(OUTAGE_MS);
    await rm(gate);
    const before = said.answers;
    await settleDelayMs(BETWEEN_MS);
    wentOn += said.answers > before ? 1 : 0;
  }
  expect(child.exitCode === null, `the process ended with ${child.exitCode}`);
  child.kill('SIGKILL');
  await ended;

  const heard = telemetryListener();
  const log = await openEdgeLog({ dir: folder, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, heard.world, directStorage());
  const events = await readAll(log, 'state');
  await log.close();
  const there = new Set(events.map(({ value }) => value));
  const names = new Set(events.map(({ epoch, seq }) => `${epoch}:${seq}`));
  const lost = [...said.acknowledged].filter((value) => !there.has(value)).length;
  expect(lost === 0, `${lost} acknowledged events are not there`);
  expect(there.size === events.length && names.size === events.length, 'something is there twice');
  expect(wentOn === OUTAGES, `it went on after ${wentOn} of ${OUTAGES} outages`);
  expect(said.faults.includes('CV_LOG_FAILED'), 'nothing was told');
  expect(heard.standing().length === 0, `the next opening tells ${heard.standing().join(' ')}`);
  const { calls, failed } = fsyncCounts(count);
  expect(failed > 0, 'no forced write failed');
  return {
    name: 'failing fsync',
    figures: {
      'forced writes': calls,
      'of them failed': failed,
      outages: OUTAGES,
      'events acknowledged': said.acknowledged.size,
      'acknowledged and lost': lost,
      'calls rejected': said.rejected,
    },
    failures,
  };
}
