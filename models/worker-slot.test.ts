import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FaultError } from '../core/faults.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { VirtualClock } from '../core/testing/virtual-clock.ts';
import centernet320 from './centernet-320/model.ts';
import { WorkerSlot } from './worker-slot.ts';

const setup = { spec: centernet320, graph: new Uint8Array(), classes: null, providers: ['cpu'], threads: 1 };
const picture = { width: 2, height: 2, yuv: new Uint8Array(6) };
/** A look for such a score never ends. */
const HANGS = 0.9;

/** A seat whose process has a model `a`; it hangs at looks for that score, and at models while `stuck` is there. */
async function rig(t: TestContext) {
  const { dir, remove } = await tempDir();
  await writeFile(join(dir, 'worker.mjs'), `
    import { existsSync } from 'node:fs';
    let hangs = false;
    process.on('disconnect', () => process.exit(0));
    process.on('message', ({ kind, id, scoreThreshold }) => {
      hangs ||= scoreThreshold === ${HANGS} || (kind === 'load' && existsSync(${JSON.stringify(join(dir, 'stuck'))}));
      if (hangs) return;
      if (kind === 'load') process.send({ kind: 'ready', id, provider: 'cpu' });
      if (kind === 'look') process.send({ kind: 'found', id, found: [{ boxes: [{ class: String(process.pid) }] }], durationMs: 1 });
      if (kind === 'close') process.exit(0);
    });`);
  const clock = new VirtualClock();
  const seat = new WorkerSlot({ script: pathToFileURL(join(dir, 'worker.mjs')), clock, answerDeadlineMs: 30_000, closeDeadlineMs: 2000 });
  let said = '';
  const keep = (text: string) => (said = text);
  const code = (error: FaultError) => keep(`${error.fault.code} ${error.fault.params.detail}`);
  t.after(async () => {
    const gone = Promise.all(['a', 'b'].map((key) => seat.unload(key)));
    await clock.advanceMs(60_000);
    await gone;
    await remove();
  });
  await seat.load('a', setup);
  return {
    seat, clock,
    stick: () => writeFile(join(dir, 'stuck'), ''),
    load: (key: string) => seat.load(key, setup).catch(code),
    look: (score = 0) => seat.look('a', score, [picture]).then(({ found }) => keep(String(found[0]?.boxes?.[0]?.class)), code),
    /** What came of whatever was asked last, after so long; empty: nothing yet. */
    async said(afterMs: number) {
      said = '';
      await clock.advanceMs(afterMs);
      return said;
    },
  };
}

const isAlive = (pid: string) => {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
};

test('a process that hangs at its first look is given long, one that hangs later is soon replaced; one picture is lost', async (t) => {
  const { look, said } = await rig(t);
  const first = look(HANGS);
  assert.equal(await said(29_999), '');
  assert.equal(await said(1), 'CV_DETECTOR_DIED silent for 30000 ms');
  await first;
  const pid = await look();
  const later = look(HANGS);
  assert.equal(await said(1999), '');
  assert.equal(await said(1), 'CV_DETECTOR_DIED silent for 2000 ms');
  await later;
  const next = await look();
  assert.deepEqual([isAlive(pid), isAlive(next)], [false, true]);
});

test('a model on its way is waited for before what is asked after it', async (t) => {
  const { look, load, said, stick } = await rig(t);
  await look();
  await stick();
  const asked = [load('b'), look()];
  assert.equal(await said(29_999), '');
  assert.equal(await said(1), 'CV_DETECTOR_DIED silent for 30000 ms');
  await Promise.all(asked);
});

test('one that hangs before it has its models back does not hold up the end', { timeout: 120_000 }, async (t) => {
  const { seat, look, said, stick } = await rig(t);
  await look();
  await stick();
  const hanging = look(HANGS);
  await said(2000);
  await hanging;
  const next = look();
  await said(0);
  // No time passes: one that opens a model is not waited for.
  await seat.unload('a');
  assert.match(await next, /^CV_DETECTOR_DIED/);
});
