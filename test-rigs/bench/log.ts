/**
 * The durable log: rates, bytes and forced writes, as an edge causes them.
 *
 * Bytes are `write_bytes` of /proc/self/io. Forced writes are counted by the log's own thread: one a commit, three a
 * checkpoint (seen by the file's change), and fixed numbers for starting and sealing a file, which were counted with a
 * library that intercepts fsync. "measured" is what LOG-AND-WIRE's throw-away program wrote on the same layout.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEdgeLog } from '../../log/edge-log.ts';
import { LOG_START } from '../../log/types.ts';
import { decodeBatch, encodeBatch } from '../../core/wire/batch.ts';
import { realWorld, seededRandom } from '../../core/world.ts';
import { bareAppends, bytesWritten } from './disk.ts';
import { eventSource } from './events.ts';
import { result, type BenchResult } from './result.ts';
import { benchWear, WEAR_NOTES } from './wear/bench.ts';

const GROUPS = [1, 25, 100, 500];
/** Bytes written an event by the size of the group: the reference. */
const MEASURED_BYTES: Record<number, number> = { 25: 439, 100: 144, 500: 46 };
/** Events a second; what a commit writes by then (a group a second at 20, four at 400 and 2,000). */
const RATES = [
  { perSecond: 20, commitsPerSecond: 1, measuredBytes: 540 },
  { perSecond: 400, commitsPerSecond: 4, measuredBytes: 144 },
  { perSecond: 2000, commitsPerSecond: 4, measuredBytes: 46 },
];
const TICK_MS = 50;
const EDGE = { edge: 'bench', centre: '500112001', maxBytes: 4 * 2 ** 30 };

export const LOG_NOTES = [
  'Bytes are `write_bytes` of /proc/self/io; forced writes are counted by the log\'s own thread. "bare append + fdatasync" is one file, the same payloads, in the same run; "measured" is what a throw-away program wrote on the same layout.',
  ...WEAR_NOTES,
];

export async function benchLog(options: { seconds: number }): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-bench-'));
  const results: BenchResult[] = [];
  try {
    const share = Math.max(1, options.seconds / (2 * GROUPS.length + RATES.length + 1));
    for (const group of GROUPS) results.push(...(await appendRates(join(dir, `group-${group}`), dir, group, share)));
    for (const rate of RATES) results.push(...(await steady(join(dir, `rate-${rate.perSecond}`), rate, Math.max(share, 3))));
    return [...(await benchWear(options)), ...results];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const openLog = (dir: string) =>
  openEdgeLog(
    { dir, ...EDGE },
    realWorld((event) => {
      if (event.kind === 'fault') process.stderr.write(`${JSON.stringify(event)}\n`);
    }),
  );

async function appendRates(dir: string, bareDir: string, group: number, seconds: number): Promise<BenchResult[]> {
  const next = eventSource(seededRandom(group), 'state', Date.UTC(2026, 0, 1), 50);
  const log = await openLog(dir);
  await log.append(next(group));
  const payloadBytes = encodeBatch({ from: 'bench', stream: 'state', epoch: 1, seq: 1 }, next(group)).length;
  const bareSeconds = Math.min(1, seconds / 2);
  const bareBefore = bareAppends(bareDir, payloadBytes, bareSeconds);
  const bytesBefore = bytesWritten();
  const startedMs = performance.now();
  let groups = 0;
  // States go at once: each append is a commit of exactly this group.
  for (; performance.now() - startedMs < seconds * 1000; groups += 1) await log.append(next(group));
  const perSecond = (groups * 1000) / (performance.now() - startedMs);
  const bytesAnEvent = (bytesWritten() - bytesBefore) / (groups * group);
  const read = await readRate(log);
  await log.close();
  // Before and after: the disk is seldom alone with us.
  const bare = (bareBefore + bareAppends(bareDir, payloadBytes, bareSeconds)) / 2;
  process.stderr.write(
    `groups of ${group}: ${Math.round(perSecond)} commits/s, bare ${Math.round(bare)}/s, ${Math.round(bytesAnEvent)} B an event\n`,
  );
  const measured = MEASURED_BYTES[group];
  return [
    result(`append, groups of ${group}`, perSecond * group, 'events/s', { 'bare append + fdatasync': bare * group }),
    result(`written an event, groups of ${group}`, bytesAnEvent, 'B', measured === undefined ? {} : { measured }),
    result(`read back, groups of ${group}`, read, 'events/s'),
  ];
}

/** Events read and decoded a second, from the start of the log. */
async function readRate(log: Awaited<ReturnType<typeof openLog>>): Promise<number> {
  const startedMs = performance.now();
  let events = 0;
  for (let cursor = LOG_START; ;) {
    const groups = await log.read('state', cursor, { maxGroups: 256, maxBytes: 1 << 20 });
    const last = groups.at(-1);
    if (!last || performance.now() - startedMs > 2000) return (events * 1000) / (performance.now() - startedMs);
    for (const { payload } of groups) events += decodeBatch(payload).events.length;
    cursor = { epoch: last.epoch, seq: last.seq + last.count - 1 };
  }
}

async function steady(dir: string, rate: (typeof RATES)[number], seconds: number): Promise<BenchResult[]> {
  const next = eventSource(seededRandom(rate.perSecond), 'measurement', Date.UTC(2026, 0, 1), 1000 / rate.perSecond);
  const log = await openLog(dir);
  await log.append(next(1));
  const before = { bytes: bytesWritten(), ...(await log.stats()) };
  const startedMs = performance.now();
  const open: Promise<void>[] = [];
  let made = 0;
  while (performance.now() - startedMs < seconds * 1000) {
    const owed = Math.floor(((performance.now() - startedMs) / 1000) * rate.perSecond) - made;
    if (owed > 0) open.push(log.append(next(owed)));
    made += Math.max(0, owed);
    await new Promise((resolve) => { setTimeout(resolve, TICK_MS); });
  }
  await Promise.all(open);
  const elapsed = (performance.now() - startedMs) / 1000;
  const after = { bytes: bytesWritten(), ...(await log.stats()) };
  await log.close();
  const bytesAnEvent = (after.bytes - before.bytes) / made;
  const fsyncs = (after.fsyncs - before.fsyncs) / elapsed;
  const name = `at ${rate.perSecond} events/s`;
  process.stderr.write(
    `${name}: ${Math.round(bytesAnEvent)} B an event, ${fsyncs.toFixed(2)} fsyncs/s, ${((after.commits - before.commits) / elapsed).toFixed(2)} commits/s\n`,
  );
  return [
    result(`written an event, ${name}`, bytesAnEvent, 'B', { measured: rate.measuredBytes }),
    result(`written a day, ${name}`, (bytesAnEvent * rate.perSecond * 86_400) / 1e9, 'GB'),
    result(`fsyncs, ${name}`, fsyncs, '1/s', { 'commits by design': rate.commitsPerSecond }),
  ];
}
