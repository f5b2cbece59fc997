import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Picture } from '../../../core/driver.ts';
import { eventProblem } from '../../../core/event-check.ts';
import type { Box, Draft, Snapshot } from '../../../core/event.ts';
import { FaultError } from '../../../core/faults.ts';
import { settle, testWorld } from '../../../core/testing/virtual-clock.ts';
import type { BlurFinder } from './blur-finder.ts';
import { MainPictures, type MainPictureParts } from './main-pictures.ts';

const [WIDTH, HEIGHT] = [640, 360];
const WITHIN_MS = 3000;
const REST_MS = 10_000;
const PERSON: Box = { class: 'person', score: 0.9, x: 0.4, y: 0.1, width: 0.2, height: 0.8 };
const FACE: Box = { class: 'face', score: 0.9, x: 0.45, y: 0.15, width: 0.1, height: 0.2 };
const model = { id: 'm', version: '1' };

function rig(over: Partial<MainPictureParts> = {}) {
  const world = testWorld();
  const files: { bytes: Uint8Array; at: number; wait: string }[] = [];
  const drafts: Draft[] = [];
  const known: (readonly Box[])[] = [];
  const asked: { give(picture: Picture): void; fail(error: unknown): void }[] = [];
  const blurFinder: BlurFinder = {
    find: (_picture, boxes) => {
      known.push(boxes);
      return Promise.resolve([FACE]);
    },
    close: () => Promise.resolve(),
  };
  const main = new MainPictures(
    {
      edge: 'e1',
      centre: '500112001',
      settings: { format: 'jpeg', width: 1280, size: 200_000, send: true },
      withinMs: WITHIN_MS,
      blurFinder,
      folder: () => ({
        put: ({ atMs: at }, bytes, wait) => {
          files.push({ bytes, at, wait });
          return Promise.resolve();
        },
      }),
      still: (_device, signal) =>
        new Promise((give, fail) => {
          asked.push({ give, fail });
          signal.addEventListener('abort', () => fail(signal.reason));
        }),
      detectorOf: () => ({ detect: () => Promise.resolve({ boxes: [PERSON], durationMs: 1 }) }),
      deviceOf: () => ({
        subject: 'gate',
        settings: {
          mask: [
            [
              [0, 0],
              [0.2, 0],
              [0.2, 0.2],
              [0, 0.2],
            ],
          ],
        },
      }),
      record: (draft) => {
        drafts.push(draft);
      },
      ...over,
    },
    world,
  );
  const want = (...points: string[]) => main.request({ device: 'cam', at: world.clock.nowMs(), frame: 7, points, model });
  const told = (kind: string) => world.told.filter((event) => event.kind === kind);
  return { world, main, want, asked, files, drafts, known, told };
}

function picture(takenAt: number): Picture {
  const yuv = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) yuv[at] = 60 + (at % 2) * 100;
  return { index: 0, ptsMs: 0, width: WIDTH, height: HEIGHT, yuv, takenAt };
}

test('a picture of the main stream follows its events as one of its own: masked, faces wiped out where people are now, and saying which stream and how much later', async () => {
  const { world, main, want, asked, files, drafts, known } = rig();
  const at = world.clock.nowMs();
  want('lawn.intrusion');
  await world.clock.advanceMs(800);
  want('entry.in'); // shares it
  await world.clock.advanceMs(440);
  asked[0]?.give(picture(at + 1240));
  await main.settled();
  assert.equal(asked.length, 1);
  const of = [{ point: 'lawn.intrusion', at }, { point: 'entry.in', at: at + 800 }];
  const [draft] = drafts as [Draft];
  const [shot] = draft.evidence as [Snapshot];
  assert.deepEqual(
    { ...draft, evidence: [] },
    {
      device: 'cam',
      point: 'snapshot',
      indicator: 'CV-SNAPSHOT',
      subject: 'gate',
      centre: '500112001',
      kind: 'occurrence',
      value: 'lawn.intrusion entry.in',
      unit: '',
      occurredAt: at + 1240,
      clock: 'edge',
      observedAt: at + 1240,
      quality: 'good',
      origin: 'live',
      evidence: [],
    },
  );
  assert.equal(eventProblem({ ...draft, edge: 'e1', stream: 'state', epoch: 1, seq: 1 } as never), null);
  assert.deepEqual(
    { ...shot, sha256: '', bytes: 0 },
    {
      kind: 'snapshot',
      sha256: '',
      mime: 'image/jpeg',
      bytes: 0,
      width: WIDTH,
      height: HEIGHT,
      variant: 'clean',
      frame: 7,
      model: 'm',
      blurred: true,
      stream: 'main',
      at: at + 1240,
      of,
    },
  );
  assert.deepEqual(known, [[PERSON]]);
  const { default: sharp } = await import('sharp');
  const { exif, xmp } = await sharp(files[0]?.bytes).metadata();
  assert.match(String(exif), /main stream, 1240 ms after the event/);
  assert.match(String(xmp), /cv:stream="main" cv:laterMs="1240"/);
  const { data, info } = await sharp(files[0]?.bytes).greyscale().raw().toBuffer({ resolveWithObject: true });
  const luma = (x: number, y: number) => data[(Math.round(y * HEIGHT) * WIDTH + Math.round(x * WIDTH)) * info.channels] as number;
  assert.ok(luma(0.1, 0.1) < 10, 'masked');
  assert.ok(Math.abs(luma(0.5, 0.25) - luma(0.503, 0.25)) < 6, 'a face is one colour');
});

test('one that would come too late does not come: said once, cleared by the next that does', async () => {
  const { world, main, want, asked, drafts, told } = rig();
  for (const _turn of [1, 2]) {
    want('lawn.intrusion');
    await world.clock.advanceMs(WITHIN_MS);
    await main.settled();
    await world.clock.advanceMs(REST_MS);
  }
  assert.deepEqual(
    [drafts.length, told('evidence_lost').length, told('fault').map((event) => 'fault' in event && event.fault.code)],
    [0, 2, ['CV_EVIDENCE_MAIN']],
  );
  want('lawn.intrusion');
  asked[2]?.give(picture(world.clock.nowMs() + WITHIN_MS + 1)); // its own time says so
  await main.settled();
  assert.deepEqual([drafts.length, told('evidence_lost').length], [0, 3]);
  want('lawn.intrusion');
  assert.equal(asked.length, 3, 'the camera has a rest');
  await world.clock.advanceMs(REST_MS);
  want('lawn.intrusion');
  asked[3]?.give(picture(world.clock.nowMs()));
  await main.settled();
  assert.deepEqual([drafts.length, told('fault_cleared').length], [1, 1]);
});

test('nothing leaves where faces cannot be looked for, nor where the camera says no; a camera without a main stream is not asked', async () => {
  const blind: BlurFinder = {
    find: () => Promise.reject(new FaultError('CV_EVIDENCE_UNBLURRED', { cause: 'CV_MODEL_MISSING', detail: 'x' })),
    close: () => Promise.resolve(),
  };
  const unblurred = rig({ blurFinder: blind });
  unblurred.want('lawn.intrusion');
  unblurred.asked[0]?.give(picture(unblurred.world.clock.nowMs()));
  await unblurred.main.settled();
  const dead = rig({
    detectorOf: () => ({ detect: () => Promise.reject(new FaultError('CV_DETECTOR_DIED', { model: 'm', detail: 'killed' })) }),
  });
  dead.want('lawn.intrusion');
  dead.asked[0]?.give(picture(dead.world.clock.nowMs()));
  await dead.main.settled();
  const refused = rig();
  refused.want('lawn.intrusion');
  refused.asked[0]?.fail(new FaultError('CV_LINK_REFUSED', { address: 'x' }));
  await refused.main.settled();
  for (const { files, drafts } of [unblurred, dead, refused]) assert.deepEqual([files, drafts], [[], []]);
  assert.deepEqual(
    [unblurred, dead, refused].map(({ told }) => told('evidence_lost').map((event) => 'reason' in event && event.reason)),
    [['picture_unblurred'], ['picture_unmade'], ['picture_unmade']],
  );
  assert.match(JSON.stringify(refused.told('fault')), /CV_EVIDENCE_MAIN.*CV_LINK_REFUSED/);
  const without = rig({ still: () => null });
  without.want('lawn.intrusion');
  await without.main.settled();
  assert.deepEqual(without.world.told, []);
});

test('what is still coming when the edge ends is counted, and its stream is let go', async () => {
  const { main, want, drafts, told } = rig();
  want('lawn.intrusion');
  await settle();
  await main.close();
  want('lawn.intrusion');
  assert.deepEqual(
    [drafts, told('evidence_lost').map((event) => 'reason' in event && event.reason), told('fault')],
    [[], ['shutdown'], []],
  );
});
