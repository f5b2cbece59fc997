/** What a killed process, a cut write-ahead log and a damaged file leave, and what must never come of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { TEST_CENTRE, testDraft, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { checkTruncated, lastCommitOffsets, crashedLog } from './testing/truncated-wal.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { seededRandom } from '../core/world.ts';
import { openEdgeLog } from './edge-log.ts';
import type { EdgeLog } from './types.ts';
import { directStorage } from './worker-storage.ts';

const OPTIONS = { edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 };

/**
 * A process that appends until it is killed; resolves with what it said was on disk.
 *
 * @param shell what a shell does before it becomes that process
 */
async function appendAndKill(
  dir: string,
  killAfterLines: number,
  { shell = '', maxFileBytes = 4 << 20 } = {},
): Promise<{ epoch: number; acknowledged: number[]; failures: number }> {
  const script = `${shell} exec "$0" "$@"`;
  const child = spawn(
    '/bin/sh',
    ['-c', script, process.execPath, join(import.meta.dirname, 'testing', 'appender.ts'), dir, String(maxFileBytes)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const acknowledged: number[] = [];
  let epoch = 0;
  let failures = 0;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { epoch?: number; from?: number; to?: number; failed?: string; fault?: string };
    epoch = said.epoch ?? epoch;
    if (said.failed ?? said.fault) failures += 1;
    for (let value = said.from ?? 1; value <= (said.to ?? 0); value += 1) acknowledged.push(value);
    lines += 1;
    if (lines === killAfterLines) child.kill('SIGKILL');
  }
  return { epoch, acknowledged, failures };
}

test('what was acknowledged before kill -9 is there after it, under numbers that never come again', async () => {
  const { dir, remove } = await memoryDir();
  try {
    const epochs = new Set<number>();
    const acknowledged = new Set<string>();
    // Small files: each takes a few commits, so the last one dies somewhere between two of them.
    for (const [lines, maxFileBytes] of [[2, 4 << 20], [9, 4 << 20], [200, 20 << 10]] as const) {
      const run = await appendAndKill(dir, lines, { maxFileBytes });
      assert.ok(!epochs.has(run.epoch));
      epochs.add(run.epoch);
      for (const value of run.acknowledged) acknowledged.add(`${run.epoch}:${value}`);
    }
    assert.ok(
      (await readdir(dir)).filter((name) => name.startsWith('state-') && name.endsWith('.db')).length > 5,
      'it went from file to file',
    );
    const world = testWorld();
    const log = await openEdgeLog({ ...OPTIONS, dir }, world, directStorage());
    try {
      assert.ok(!epochs.has(log.epoch));
      const events = await readAll(log, 'state');
      const names = events.map(({ epoch, seq }) => `${epoch}:${seq}`);
      assert.equal(new Set(names).size, names.length);
      const found = new Set(events.map(({ epoch, value }) => `${epoch}:${value as number}`));
      assert.equal(found.size, events.length, 'nothing twice');
      assert.deepEqual([...acknowledged].filter((name) => !found.has(name)), []);
      assert.ok(acknowledged.size > 40);
      assert.deepEqual(world.told.filter(({ kind }) => kind === 'fault'), []);
    } finally {
      await log.close();
    }
  } finally {
    await remove();
  }
});

test('writes that fail in the middle are made again in a new file and cost nothing that was acknowledged', async () => {
  const { dir, remove } = await memoryDir();
  try {
    // No file may grow beyond 100 KB: each write-ahead log ends in an I/O error, again and again.
    const run = await appendAndKill(dir, 160, { shell: "trap '' XFSZ; ulimit -f 200;" });
    assert.ok(run.failures > 2, `${run.failures} failures`);
    const log = await openEdgeLog({ ...OPTIONS, dir }, testWorld(), directStorage());
    try {
      const events = await readAll(log, 'state');
      const found = new Set(events.map(({ value }) => value));
      assert.deepEqual(run.acknowledged.filter((value) => !found.has(value)), []);
      assert.equal(new Set(events.map(({ epoch, seq }) => `${epoch}:${seq}`)).size, events.length);
      assert.deepEqual(events.filter(({ gap }) => gap), [], 'a failed commit leaves no hole');
    } finally {
      await log.close();
    }
  } finally {
    await remove();
  }
});

test('a write-ahead log cut anywhere keeps whole commits with their marks, and says what it lost', async () => {
  const dead = await crashedLog();
  try {
    const cuts = lastCommitOffsets(dead);
    const ends = dead.commits.slice(-4).map(({ endsAt }) => endsAt);
    const random = seededRandom(7);
    const sample = new Set([
      ...ends,
      ...ends.map((end) => end - 1),
      ...Array.from({ length: 24 }, () => cuts[Math.floor(random.next() * cuts.length)] as number),
    ]);
    for (const cutAt of [...sample].filter((cut) => cut >= (cuts[0] as number))) await checkTruncated(dead, cutAt);
    await checkTruncated(dead, ends[1] as number, true);
    await checkTruncated(dead, (ends[2] as number) - 2000, true);
  } finally {
    await dead.remove();
  }
});

/** A log of one file that was closed in order, and its events. */
async function closedLog(dir: string): Promise<{ file: string; epoch: number; bytes: number }> {
  const world = testWorld();
  const log = await openEdgeLog({ ...OPTIONS, dir }, world, directStorage());
  for (let group = 0; group < 30; group += 1) await log.append(testDrafts(group * 20 + 1, 20, { kind: 'state' }));
  await log.settle('state', log.epoch, { upTo: 35, have: [] });
  await log.close();
  const file = (await readdir(dir)).find((name) => name.startsWith('state-')) ?? '';
  return { file, epoch: log.epoch, bytes: (await stat(join(dir, file))).size };
}

async function flip(path: string, offset: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] = (byte[0] as number) ^ (1 << bit);
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}

test('a flipped bit anywhere in a file never becomes a wrong value: what cannot be read is named', async () => {
  const { dir, remove } = await memoryDir();
  try {
    const sound = join(dir, 'sound');
    const { file, epoch, bytes } = await closedLog(sound);
    const random = seededRandom(3);
    const places = [
      18,
      19,
      21,
      28,
      100,
      101,
      103,
      105,
      4096,
      4099,
      4103,
      8192,
      8195,
      ...Array.from({ length: 80 }, () => Math.floor(random.next() * bytes)),
    ];
    let damaged = 0;
    for (const offset of places) {
      const copy = join(dir, 'copy');
      await mkdir(copy);
      for (const name of await readdir(sound)) await copyFile(join(sound, name), join(copy, name));
      await flip(join(copy, file), offset, Math.floor(random.next() * 8));
      const world = testWorld();
      const log = await openEdgeLog({ ...OPTIONS, dir: copy }, world, directStorage());
      try {
        const events = await readAll(log, 'state');
        const old = events.filter((event) => event.epoch === epoch);
        for (const event of old)
          assert.deepEqual(
            event,
            { ...testDraft(event.seq, { kind: 'state' }), edge: 'pump-07', stream: 'state', epoch, seq: event.seq },
            `flip at ${offset}`,
          );
        const gaps = events.flatMap(({ gap }) => gap ?? []);
        const named = new Set(
          gaps.flatMap(({ fromSeq, toSeq }) => Array.from({ length: toSeq - fromSeq + 1 }, (_, step) => fromSeq + step)),
        );
        const present = new Set(old.map(({ seq }) => seq));
        assert.equal(present.size, old.length);
        // What was settled may be unreadable without a word; everything else is there or named, never both.
        for (let seq = 36; seq <= 600; seq += 1)
          assert.equal(Number(present.has(seq)) + Number(named.has(seq)), 1, `flip at ${offset}: number ${seq}`);
        if (gaps.length > 0) {
          damaged += 1;
          assert.ok(gaps.every(({ reason }) => reason === 'log_damaged'), `flip at ${offset}`);
          assert.ok(world.told.some((told) => told.kind === 'fault' && told.fault.code === 'CV_LOG_DAMAGED'));
        }
        await log.append([testDraft(1, { kind: 'state' })]);
        assert.ok((await readdir(copy)).some((name) => name.startsWith(`state-${log.epoch}-`)), 'never appended to the damaged file');
      } finally {
        await log.close();
        await rm(copy, { recursive: true });
      }
    }
    assert.ok(damaged > 20, `${damaged} of ${places.length} flips were found`);
  } finally {
    await remove();
  }
});

test('a file that is gone is named as lost', async () => {
  const { dir, remove } = await memoryDir();
  try {
    const { file, epoch } = await closedLog(dir);
    await rm(join(dir, file));
    const world = testWorld();
    const log: EdgeLog = await openEdgeLog({ ...OPTIONS, dir }, world, directStorage());
    try {
      const [gap] = (await readAll(log, 'state')).map((event) => event.gap);
      assert.deepEqual([gap?.epoch, gap?.fromSeq, gap?.toSeq, gap?.reason], [epoch, 1, 600, 'log_rewound']);
      const fault = world.told.find((told) => told.kind === 'fault');
      assert.deepEqual(fault?.kind === 'fault' && [fault.fault.code, fault.fault.params.fromSeq, fault.fault.params.toSeq], [
        'CV_LOG_REWOUND',
        1,
        600,
      ]);
    } finally {
      await log.close();
    }
  } finally {
    await remove();
  }
});

test('torn side files are no obstacle: head, epoch and lock come back by themselves', async () => {
  const { dir, remove } = await memoryDir();
  try {
    const { epoch } = await closedLog(dir);
    for (const name of ['head', 'epoch', 'lock.db']) {
      await writeFile(join(dir, name), (await readFile(join(dir, name))).subarray(0, 7));
    }
    const log = await openEdgeLog({ ...OPTIONS, dir }, testWorld(), directStorage());
    assert.ok(log.epoch > epoch);
    assert.equal((await readAll(log, 'state')).length, 600);
    await log.close();
  } finally {
    await remove();
  }
});
