import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Picture } from '../../../../core/driver.ts';
import type { Box, Clip } from '../../../../core/event.ts';
import { EvidenceFolder } from '../../../../log/evidence/evidence-folder.ts';
import { FaultError } from '../../../../core/faults.ts';
import { tempDir } from '../../../../core/testing/temp-dir.ts';
import { until } from '../../../../core/testing/until.ts';
import { realClock, realWorld, type Clock } from '../../../../core/world.ts';
import type { BlurFinder } from '../blur-finder.ts';
import type { RecordedClip } from './event-clips.ts';
import { blurredClipCopier } from './blurred-copy.ts';

const AT = Date.UTC(2026, 10, 28, 14, 30);
const FACE: Box = { class: 'face', score: 0.9, x: 0.4, y: 0.4, width: 0.1, height: 0.1 };
const settings = { copy: { width: 160, fps: 5, size: 1 << 20 } };

async function rig(
  t: { after(run: () => Promise<void>): void },
  find: (picture: Picture, known: readonly Box[]) => Promise<Box[]>,
  size = settings.copy.size,
  clock: Clock = realClock,
) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const world = { ...realWorld(() => {}), clock };
  const open = (name: string) => EvidenceFolder.open({ dir: join(dir, name), maxBytes: 1e9, keepMs: Infinity }, world.clock);
  const [clips, outgoing] = [await open('clips'), await open('out')];
  t.after(async () => { await clips.close(); await outgoing.close(); });
  const source = join(dir, 'clips', 'made');
  // Pixels that are twice as wide as high.
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=160x180:rate=10:duration=2,setsar=2',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-f',
    'mp4',
    source,
  ]);
  const { sha256, bytes } = await clips.addFile(source, { mime: 'video/mp4', atMs: AT }, 'kept');
  const clip: Clip = {
    kind: 'clip',
    sha256,
    bytes,
    mime: 'video/mp4',
    durationMs: 2000,
    codec: 'h264',
    width: 160,
    height: 180,
    fromAt: AT,
    toAt: AT + 2000,
    short: false,
    blurred: false,
    of: [{ point: 'yard.intrusion', at: AT + 1000 }],
  };
  const blurFinder: BlurFinder = { find, close: () => Promise.resolve() };
  const person: Box = { class: 'person', score: 0.8, x: 0.3, y: 0.3, width: 0.3, height: 0.6 };
  let woken = 0;
  const copy = blurredClipCopier(
    {
      settings: { copy: { ...settings.copy, size } },
      workDir: join(dir, 'clips', 'kept'),
      blurFinder,
      clips: () => clips,
      outgoing: () => outgoing,
      onWaiting: () => {
        woken += 1;
      },
      detectorOf: (device) => (device === 'cam' ? { detect: () => Promise.resolve({ boxes: [person], durationMs: 1 }) } : undefined),
    },
    world,
  );
  return { dir, clips, outgoing, copy: (device = 'cam') => copy({ device, clip }, new AbortController().signal), clip, woken: () => woken };
}

/** Grey pictures of a file, 160 × 90. */
function greyOf(path: string): Buffer[] {
  const all = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-pix_fmt', 'gray', '-f', 'rawvideo', 'pipe:1'], { maxBuffer: 1 << 26 });
  return Array.from({ length: all.length / (160 * 90) }, (_, at) => all.subarray(at * 160 * 90, (at + 1) * 160 * 90));
}

test('what leaves is another film: every picture looked at, faces one colour in it and in its neighbours, small enough, waiting to be sent', async (t) => {
  const seen: { index: number; known: number }[] = [];
  const { copy, outgoing, clip, woken, dir } = await rig(t, async ({ index, width, height }, known) => {
    assert.deepEqual([width, height], [160, 90]);
    seen.push({ index, known: known.length });
    // In one picture of three it is missed.
    return index % 3 === 0 ? [] : [FACE];
  });
  const { clip: made } = await copy();
  assert.deepEqual(seen, Array.from({ length: 10 }, (_, index) => ({ index, known: 1 })));
  assert.deepEqual([made.blurred, made.width, made.height, made.durationMs, made.codec, made.of], [true, 160, 90, 2000, 'h264', clip.of]);
  assert.notEqual(made.sha256, clip.sha256);
  const found = await outgoing.get(made.sha256);
  assert.deepEqual(
    [
      found?.mime,
      found?.content.length,
      createHash('sha256')
        .update(found?.content ?? '')
        .digest('hex'),
    ],
    ['video/mp4', made.bytes, made.sha256],
  );
  assert.deepEqual([outgoing.newestWaiting()?.sha256, woken()], [made.sha256, 1]);
  const pictures = greyOf(outgoing.pathOf(made.sha256) ?? '');
  assert.equal(pictures.length, 10);
  for (const [at, grey] of pictures.entries()) {
    const inside = Array.from({ length: 16 * 9 }, (_, place) => grey[(36 + Math.floor(place / 16)) * 160 + 64 + (place % 16)] as number);
    assert.ok(Math.max(...inside) - Math.min(...inside) <= 12, `picture ${at}: ${Math.min(...inside)} to ${Math.max(...inside)}`);
    assert.ok(Math.max(...grey) - Math.min(...grey) > 100, 'the rest is as it was');
  }
  assert.deepEqual(await readdir(join(dir, 'clips', 'kept')), [`${AT}-${clip.sha256}.mp4`]);
});

/** ffmpegs of this test's process. */
function ffmpegs(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const [name = '', rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
      return name.endsWith('(ffmpeg') && rest.split(' ')[1] === String(process.pid);
    } catch {
      return false; // gone while we looked
    }
  });
}

test('an ffmpeg that hangs costs this copy alone: it is ended, and nothing leaves', async (t) => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    ...realClock,
    after: (ms, run) => (ms === 30_000 ? (timers.push(run), { cancel: () => {} }) : realClock.after(ms, run)),
  };
  let isHanging = false;
  const { copy, outgoing } = await rig(t, async () => {
    for (const pid of ffmpegs()) process.kill(pid, 'SIGSTOP');
    isHanging = true;
    return [];
  }, settings.copy.size, clock);
  let said = '';
  const copying = copy().catch((error: FaultError) => { said = `${error.fault.code} ${error.fault.params.detail}`; });
  while (said === '') {
    await nextTurn();
    if (isHanging) for (const run of timers.splice(0)) run();
  }
  await copying;
  assert.equal(said, 'CV_CLIP_UNBLURRED ffmpeg hung for 120000 ms');
  assert.equal(outgoing.newestWaiting(), null);
  await until(() => Promise.resolve(ffmpegs()), (left) => left.length === 0);
});

test('fail closed: one picture that cannot be looked at, a camera that is gone, a copy that is too large: nothing leaves, nothing is left', async (t) => {
  const blind = await rig(t, ({ index }) =>
    index === 7 ? Promise.reject(new FaultError('CV_EVIDENCE_UNBLURRED', { cause: 'CV_MODEL_MISSING', detail: 'x' })) : Promise.resolve([]),
  );
  const large = await rig(t, () => Promise.resolve([]), 2000);
  const cause = (copying: Promise<RecordedClip>) =>
    copying.then(
      () => 'made',
      (error: FaultError) => `${error.fault.code} ${error.fault.params.cause}`,
    );
  assert.equal(await cause(blind.copy()), 'CV_CLIP_UNBLURRED CV_EVIDENCE_UNBLURRED');
  assert.equal(await cause(blind.copy('gone')), 'CV_CLIP_UNBLURRED CV_CLIP_UNMADE');
  assert.equal(await cause(large.copy()), 'CV_CLIP_UNBLURRED CV_CLIP_UNMADE');
  for (const { outgoing, dir, woken } of [blind, large]) {
    assert.deepEqual([outgoing.newestWaiting(), outgoing.bytes, woken()], [null, 0, 0]);
    assert.equal((await readdir(join(dir, 'clips', 'kept'))).length, 1);
  }
});
