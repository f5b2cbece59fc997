import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Box } from '../../../core/event.ts';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { FaultError } from '../../../core/faults.ts';
import type { Picture } from '../../../core/driver.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import { realWorld, type World } from '../../../core/world.ts';
import { openLatestPictures } from '../viewers/latest-pictures.ts';
import { BestPictures } from './best-pictures.ts';
import { cropOf } from './crop.ts';
import { openBlurFinder, headArea, type BlurFinder } from './blur-finder.ts';
import { redact } from './redact.ts';
import { EventPictures, type TrackedPicture } from './event-pictures.ts';

const AT = Date.UTC(2026, 10, 28, 14, 30, 15);
const [WIDTH, HEIGHT] = [320, 240];
const model = { id: 'm', version: '1', classes: ['person'], classesZh: ['人'] };

/** Stripes, so that there is something to wipe out. */
function pictureAt(ptsMs: number, contrast = 100): Picture {
  const yuv = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) yuv[at] = 60 + (at % 2) * contrast;
  return { index: ptsMs / 100, ptsMs, width: WIDTH, height: HEIGHT, yuv };
}

const face: Box = { class: 'face', score: 0.9, x: 0.4, y: 0.2, width: 0.1, height: 0.15 };
const seeing = (boxes: Box[]): BlurFinder => ({ find: () => Promise.resolve(boxes), close: () => Promise.resolve() });
const blind: BlurFinder = {
  find: () => Promise.reject(new FaultError('CV_EVIDENCE_UNBLURRED', { cause: 'CV_MODEL_MISSING', detail: 'x' })),
  close: () => Promise.resolve(),
};

function scene(ptsMs: number, ...ids: number[]): TrackedPicture {
  const track = (id: number) =>
    ({
      id,
      class: 'person',
      score: 0.8,
      box: { x: 0.35, y: 0.15, width: 0.2, height: 0.6 },
      seenMs: ptsMs,
      isConfirmed: true,
    }) as unknown as TrackedPicture['tracks'][number];
  return { device: 'cam', picture: pictureAt(ptsMs), at: AT + ptsMs, boxes: [], tracks: ids.map(track), model };
}
const intrusion = (seenIn: TrackedPicture, value = seenIn.tracks.length) => [
  { point: 'lawn.intrusion', kind: 'state' as const, value, objects: seenIn.tracks },
  { point: 'lawn.person', kind: 'measurement' as const, value, objects: [] },
];

type Context = { after(run: () => Promise<void>): void };

async function folderFor(t: Context): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

async function rig(t: Context, blurFinder: BlurFinder | null, options: { dir?: string; maxBytes?: number } = {}) {
  const told: TelemetryEvent[] = [];
  const world: World = {
    ...realWorld((event) => {
      told.push(event);
    }),
  };
  const folder = await EvidenceFolder.open(
    {
      dir: options.dir ?? (await folderFor(t)),
      maxBytes: options.maxBytes ?? 1e9,
      keepMs: Infinity,
      onDropped: (count) => told.push({ kind: 'evidence_lost', count, reason: 'picture_room' }),
    },
    world.clock,
  );
  t.after(() => folder.close());
  const settings = {
    of: ['intrusion'] as const,
    format: 'jpeg' as const,
    width: 1280,
    size: 200_000,
    language: 'zh-CN' as const,
    send: true,
  };
  const snapshots = new EventPictures({ edge: 'e1', centre: '500112001', settings, blurFinder, folder: () => folder }, world);
  return {
    told,
    folder,
    of: (at: TrackedPicture, readings = intrusion(at)) => snapshots.picturesFor(at, readings, new AbortController().signal),
  };
}

test('what is wiped out is one colour, its surroundings are as they were, and the picture itself is not touched', () => {
  const before = pictureAt(0);
  const { yuv } = redact(before, [face]);
  const luma = (x: number, y: number) => yuv[Math.round(y * HEIGHT) * WIDTH + Math.round(x * WIDTH)];
  const inside = [0.38, 0.42, 0.45, 0.48, 0.52].flatMap((x) => [0.15, 0.25, 0.35, 0.4].map((y) => luma(x, y)));
  assert.deepEqual([...new Set(inside)], [110]);
  assert.equal(yuv[0], 60);
  assert.equal(new Set(before.yuv.subarray(0, WIDTH * HEIGHT)).size, 2);
  assert.doesNotThrow(() => redact(before, [{ x: 0.99, y: 0.99, width: 0.5, height: 0.5 }, { x: -1, y: -1, width: 0.1, height: 0.1 }]));
});

test('a part keeps its pixels, and what is found in it lies in the whole', () => {
  const crop = cropOf(pictureAt(0), { x: 0.25, y: 0.5, width: 0.5, height: 0.5 });
  assert.deepEqual([crop?.picture.width, crop?.picture.height, crop?.picture.yuv.length], [160, 120, 28_800]);
  const back = crop?.toWhole({ ...face, x: 0.5, y: 0.5, width: 0.5, height: 0.5 });
  assert.deepEqual([back?.x, back?.y, back?.width, back?.height], [0.5, 0.75, 0.25, 0.25]);
  assert.equal(cropOf(pictureAt(0), { x: 1.2, y: 0, width: 0.1, height: 0.1 }), null);
});

test('faces are looked for in the whole and on heads; one look that fails fails all, and the model is opened again', async () => {
  let opened = 0;
  let fails = true;
  const seen: number[] = [];
  const blurFinder = openBlurFinder(async () => {
    opened += 1;
    if (opened === 1) throw new FaultError('CV_MODEL_MISSING', { model: 'face', path: '/none' });
    return {
      model: 'face', provider: 'cpu', close: () => Promise.resolve(),
      async detect(picture) {
        const { width } = typeof picture === 'function' ? picture() : picture;
        if (fails && width !== WIDTH) throw new FaultError('CV_DETECTOR_DIED', { model: 'face', detail: 'killed' });
        seen.push(width);
        return { boxes: [face], durationMs: 1 };
      },
    };
  }, (box) => box.class === 'person', headArea);
  const person: Box = { class: 'person', score: 0.9, x: 0.4, y: 0.1, width: 0.2, height: 0.4 };
  const cause = async () =>
    blurFinder.find(pictureAt(0), [person]).then(
      () => 'found',
      (error: FaultError) => `${error.fault.code} ${error.fault.params.cause}`,
    );
  assert.equal(await cause(), 'CV_EVIDENCE_UNBLURRED CV_MODEL_MISSING');
  assert.equal(await cause(), 'CV_EVIDENCE_UNBLURRED CV_DETECTOR_DIED');
  fails = false;
  seen.length = 0;
  assert.equal((await blurFinder.find(pictureAt(0), [person, { ...person, class: 'car' }])).length, 2);
  assert.equal(seen.length, 2);
  assert.equal(opened, 2);
});

test('the best picture of somebody is the largest and sharpest of the last seconds', () => {
  const best = new BestPictures();
  const offer = (ptsMs: number, size: number, contrast: number, track = 1) =>
    best.offer({
      picture: pictureAt(ptsMs, contrast),
      at: AT,
      boxes: [{ class: 'person', score: 0.8, x: 0.2, y: 0.2, width: size, height: size, track }],
    });
  offer(0, 0.3, 100);
  offer(500, 0.3, 20);
  offer(1000, 0.2, 100);
  assert.equal(best.bestFor([1])?.picture.ptsMs, 0);
  assert.equal(best.bestFor([2]), null);
  offer(3600, 0.2, 50);
  assert.equal(best.bestFor([1])?.picture.ptsMs, 1000);
});

test('an intrusion brings two files, named by their hash, with time and camera inside and no face in them', async (t) => {
  const { of, folder, told } = await rig(t, seeing([face]));
  const given = await of(scene(1000, 7));
  const refs = given.get('lawn.intrusion') ?? [];
  assert.deepEqual(
    refs.map(({ variant, mime, width, blurred, model: by }) => [variant, mime, width, blurred, by]),
    [
      ['annotated', 'image/jpeg', WIDTH, true, 'm'],
      ['clean', 'image/jpeg', WIDTH, true, 'm'],
    ],
  );
  assert.equal(given.has('lawn.person'), false);
  const { default: sharp } = await import('sharp');
  for (const { sha256, bytes, variant } of refs) {
    const file = await folder.get(sha256);
    assert.ok(file);
    assert.deepEqual([file.content.length, createHash('sha256').update(file.content).digest('hex')], [bytes, sha256]);
    const { xmpAsString, exif } = await sharp(file.content).metadata();
    assert.match(xmpAsString ?? '', /cv:camera="cam" cv:at="2026-11-28T14:30:16.000Z".*cv:model="m" cv:modelVersion="1" cv:blurred="true"/);
    assert.match(exif?.toString('latin1') ?? '', /2026:11:28 22:30:16/);
    if (variant === 'annotated') continue;
    const { data } = await sharp(file.content).greyscale().raw().toBuffer({ resolveWithObject: true });
    const patch = Array.from({ length: 16 }, (_, at) => data[Math.round(0.25 * HEIGHT) * WIDTH + 130 + at] as number);
    assert.ok(Math.max(...patch) - Math.min(...patch) <= 4, patch.join());
  }
  assert.deepEqual((await of(scene(3000, 7))).get('lawn.intrusion'), refs, 'said again: the same picture');
  assert.notDeepEqual((await of(scene(6000, 7, 8))).get('lawn.intrusion'), refs, 'one more: a new one');
  assert.deepEqual((await of(scene(8000), intrusion(scene(8000), 0))).get('lawn.intrusion'), undefined);
  assert.equal(told.filter(({ kind }) => kind === 'evidence_kept').length, 4);
});

test('fail closed: without a look for faces there is no file, the fault says so once, each is counted, the event goes on', async (t) => {
  const { of, folder, told } = await rig(t, blind);
  assert.deepEqual((await of(scene(1000, 7))).get('lawn.intrusion'), []);
  assert.deepEqual((await of(scene(3000, 7, 8))).get('lawn.intrusion'), []);
  assert.equal(folder.bytes, 0);
  assert.deepEqual(
    told.map((event) => (event.kind === 'fault' ? event.fault.code : event.kind === 'evidence_lost' ? event.reason : event.kind)),
    ['picture_unblurred', 'CV_EVIDENCE_UNBLURRED', 'picture_unblurred'],
  );
});

test('what is fetched for somebody is masked and wiped out before it is shown', async () => {
  const pictures = openLatestPictures(seeing([face]));
  const view = await pictures.encodeStill('cam', pictureAt(0), AT, [[[0, 0], [0.2, 0], [0.2, 1], [0, 1]]]);
  const { default: sharp } = await import('sharp');
  const { data } = await sharp(Buffer.from(view.jpegBase64, 'base64')).greyscale().raw().toBuffer({ resolveWithObject: true });
  const row = Math.round(0.25 * HEIGHT) * WIDTH;
  const spread = (from: number, to: number) =>
    Math.max(...data.subarray(row + from, row + to)) - Math.min(...data.subarray(row + from, row + to));
  assert.ok(spread(130, 146) <= 4 && spread(4, 50) <= 4 && spread(240, 300) > 20);
  assert.ok((data[row + 20] as number) < 20);
  await assert.rejects(openLatestPictures(blind).encodeStill('cam', pictureAt(0), AT, []), { name: 'CV_EVIDENCE_UNBLURRED' });
});

test('a folder that takes nothing costs the picture alone', async (t) => {
  const dir = await folderFor(t);
  const { of, told } = await rig(t, null, { dir });
  await rm(join(dir, 'waiting'), { recursive: true });
  await writeFile(join(dir, 'waiting'), '');
  assert.deepEqual((await of(scene(1000, 7))).get('lawn.intrusion'), []);
  assert.ok(told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_EVIDENCE_DISK'));
  assert.equal(await readFile(join(dir, 'waiting'), 'utf8'), '');
});
