/** Marks of a gateway that speak of numbers which this log does not have. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TEST_CENTRE, testDrafts } from '../core/testing/drafts.ts';
import { readAll } from './testing/edge-log-contract.ts';
import { memoryDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { openEdgeLog } from './edge-log.ts';
import { directStorage } from './worker-storage.ts';

async function bench(t: TestContext) {
  const { dir, remove } = await memoryDir();
  t.after(remove);
  const world = testWorld();
  const open = () => openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, directStorage());
  const rewound = () =>
    world.told.flatMap((told) => (told.kind === 'fault' && told.fault.code === 'CV_LOG_REWOUND' ? [told.fault.params] : []));
  const lost = () => world.told.filter(({ kind }) => kind === 'samples_lost');
  const append = async (log: Awaited<ReturnType<typeof open>>, count: number) => {
    const done = log.append(testDrafts(1, count));
    await world.clock.advanceMs(1000);
    await done;
  };
  return { dir, world, open, append, rewound, lost };
}

test('a mark ahead of the present opening names what is missing, and those numbers are not given again', async (t) => {
  const { open, append, rewound, lost, world } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 3, have: [] });
  assert.deepEqual(rewound(), [], 'what it has is nothing new');
  await log.settle('measurement', log.epoch, { upTo: 5, have: [[8, 8]] });
  assert.deepEqual(rewound(), [{ witness: 'the gateway', stream: 'measurement', epoch: log.epoch, fromSeq: 4, toSeq: 8 }]);
  // 4, 5 and 8 the gateway has; 6 and 7 nobody has.
  assert.deepEqual(lost(), [{ kind: 'samples_lost', count: 2, reason: 'log_rewound', intended: false, stream: 'measurement' }]);
  await world.clock.advanceMs(20_000);
  await append(log, 1);
  assert.ok((await readAll(log, 'measurement')).filter(({ gap }) => !gap).every(({ seq }) => seq <= 3 || seq > 8));
  await log.close();
});

test('of a file that cannot be read and of which nothing else is known, no number is lost that nobody has heard of', async (t) => {
  const { open, lost, rewound, world, dir } = await bench(t);
  await writeFile(join(dir, 'state-7-1.db'), Buffer.alloc(40_000, 0x5a));
  const log = await open();
  assert.deepEqual([lost(), rewound()], [[], []]);
  assert.ok(world.told.some((told) => told.kind === 'fault' && told.fault.code === 'CV_LOG_SALVAGED'));
  assert.deepEqual((await readAll(log, 'state')).map(({ gap }) => gap), []);
  await log.close();
});

test('a mark that no log could have earned burns no numbers', async (t) => {
  const { open, append, rewound } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 1e9 + 4, have: [] });
  assert.deepEqual(rewound(), []);
  await log.settle('measurement', log.epoch, { upTo: 1e9 + 3, have: [] });
  assert.deepEqual(rewound().map(({ fromSeq, toSeq }) => [fromSeq, toSeq]), [[4, 1e9 + 3]]);
  await log.close();
});

test('an opening that is forgotten is not owed again; one that lies ahead is somebody else\'s, told once', async (t) => {
  const { open, append, rewound, lost } = await bench(t);
  const first = await open();
  await append(first, 2);
  await first.settle('measurement', first.epoch, { upTo: 2, have: [] });
  await first.close();
  const log = await open();
  await append(log, 1);
  await log.settle('measurement', first.epoch - 5, { upTo: 50, have: [] });
  assert.deepEqual([rewound(), lost()], [[], []]);
  const ahead = log.epoch + 1e6;
  for (let twice = 0; twice < 2; twice += 1) await log.settle('measurement', ahead, { upTo: 50, have: [] });
  assert.deepEqual([rewound(), lost()], [[{ witness: 'the gateway', stream: 'measurement', epoch: ahead, fromSeq: 1, toSeq: 50 }], []]);
  await log.close();
});

test('one event that is lost is counted as much as many are', async (t) => {
  const { open, append, lost } = await bench(t);
  const log = await open();
  await append(log, 3);
  await log.settle('measurement', log.epoch, { upTo: 3, have: [[5, 5]] });
  assert.deepEqual(lost(), [{ kind: 'samples_lost', count: 1, reason: 'log_rewound', intended: false, stream: 'measurement' }]);
  await log.close();
});
