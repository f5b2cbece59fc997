import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { renameSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Picture } from '../../../../core/driver.ts';
import type { Clip, Draft } from '../../../../core/event.ts';
import { eventProblem } from '../../../../core/event-check.ts';
import { EvidenceFolder } from '../../../../log/evidence/evidence-folder.ts';
import type { RingOpening } from '../../../../core/ring.ts';
import type { TelemetryEvent } from '../../../../core/telemetry.ts';
import { tempDir } from '../../../../core/testing/temp-dir.ts';
import { realWorld } from '../../../../core/world.ts';
import camera from '../../../../drivers/camera/driver.ts';
import { h264Pictures } from '../../../../drivers/camera/testing/clips.ts';
import { startRtspCamera } from '../../../../drivers/camera/testing/rtsp-camera.ts';
import type { OpenDevice } from '../../../read/host-device.ts';
import { EventClips, type ClipParts } from './event-clips.ts';
import { CameraRings } from './camera-rings.ts';
import { CLIP_SETTINGS, clipSetup } from './setup.ts';

const run = promisify(execFile);
const AT = Date.UTC(2026, 10, 28, 14, 30);
type Context = { after(run: () => Promise<void>): void };

/** One picture in ten is a key frame. */
async function clipIn(
  dir: string,
  seconds = 20,
  codec: readonly string[] = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10'],
): Promise<string> {
  const path = join(dir, 'source.mkv');
  await run('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=64x48:rate=10:duration=${seconds}`,
    ...codec,
    '-pix_fmt',
    'yuv420p',
    '-y',
    path,
  ]);
  return path;
}

interface Options {
  clip?: Record<string, unknown>;
  settings?: Record<string, unknown>;
  copy?: ClipParts['copy'];
  folder?: EvidenceFolder | null;
  jumpedMs?: () => number;
}

async function rig(t: Context, { clip = {}, settings = {}, copy, folder, jumpedMs }: Options = {}) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const told: TelemetryEvent[] = [];
  const real = realWorld((event) => { told.push(event); });
  // Goes on from the day of the events: by the day of the test their clips would be too old to be kept.
  const startedMs = real.clock.monotonicMs();
  const nowMs = () => AT + real.clock.monotonicMs() - startedMs;
  const world = { ...real, clock: { ...real.clock, nowMs, ...(jumpedMs && { trust: { isTrusted: () => jumpedMs() > 0, jumpedMs } }) } };
  const setup = clipSetup(CLIP_SETTINGS.parse({ before: '5s', after: '3s', ...clip }), join(dir, 'evidence'), (path) => path);
  const rings = new CameraRings(setup, 'e1', world);
  const kept = folder === undefined ? await EvidenceFolder.open({ ...setup, isPrivate: true }, world.clock) : folder;
  const drafts: Draft[] = [];
  const clips = new EventClips(
    {
      edge: 'e1',
      centre: '500112001',
      setup,
      workDir: join(setup.dir, 'kept'),
      ringOf: (id) => rings.of(id),
      folder: () => kept,
      deviceOf: () => ({ subject: 'yard' }),
      record: (draft) => {
        drafts.push(draft);
      },
      ...(copy && { copy }),
    },
    world,
  );
  t.after(async () => {
    await clips.close();
    await rings.close();
    await kept?.close();
  });
  // None of its pictures fits into the pipe: ffmpeg, which has pieces of all that it has read, is never far ahead of who looks.
  const device = (url: string) =>
    ({
      setup: {
        id: 'cam',
        driver: 'camera',
        subject: 'cam',
        settings: camera.settings.parse({ url, fps: 5, diagnosis: 'off', width: 640, height: 480, ...settings }),
        everyMs: 1000,
        timeoutMs: 5000,
        points: [],
      },
      driver: camera,
    }) as unknown as OpenDevice;
  /** Plays it to its end, or until `see` says so. */
  async function play(
    url: string,
    see: (picture: Picture, pid: number) => boolean | void,
    by: OpenDevice['driver'] = camera,
  ): Promise<void> {
    const {
      driver,
      setup: { settings: checked },
    } = rings.wrapDevice({ ...device(url), driver: by });
    const link = await driver.open(checked, [], world);
    const ending = new AbortController();
    try {
      for await (const frame of link.frames?.(ending.signal) ?? [])
        if (see(frame as Picture, (link as unknown as { pid: number }).pid)) break;
    } catch (error) {
      if (!/CV_VIDEO|CV_LINK|CV_CAMERA/.test((error as Error).name)) throw error;
    } finally {
      ending.abort();
      await link.close();
    }
  }
  const made = () => drafts.map(({ evidence }) => evidence?.[0] as Clip);
  const faults = () =>
    told.flatMap((event) => (event.kind === 'fault' ? event.fault.code : event.kind === 'evidence_lost' ? event.reason : []));
  return { dir, world, setup, rings, clips, play, device, drafts, made, faults, kept: kept as EvidenceFolder, told };
}

const want = (clips: EventClips, { ptsMs }: Pick<Picture, 'ptsMs'>, point = 'yard.intrusion') =>
  clips.request({ device: 'cam', ptsMs, at: AT + ptsMs, points: [point] });

/** What ffprobe says of it, and the hash of each of its packets. */
async function probe(path: string) {
  const { stdout } = await run('ffprobe', [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'format=duration:stream=codec_name,nb_read_packets:packet=flags',
    '-count_packets',
    '-of',
    'json',
    path,
  ]);
  const { packets, streams, format } = JSON.parse(stdout) as {
    packets: { flags: string }[];
    streams: { codec_name: string }[];
    format: { duration: string };
  };
  const { stdout: hashes } = await run('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:v:0', '-c', 'copy', '-f', 'framemd5', '-']);
  return {
    codec: streams[0]?.codec_name,
    startsWithKey: packets[0]?.flags.startsWith('K'),
    seconds: Number(format.duration),
    hashes: hashes
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(',').at(-1)?.trim()),
  };
}

test('a clip is what came around the event, as it came: from a key frame on, not encoded anew, named by its hash in an event of its own', async (t) => {
  const { dir, play, clips, made, drafts, kept, setup, faults } = await rig(t, { settings: { speed: 'max', motion: 'off' } });
  const source = await clipIn(dir);
  await play(`file:${source}`, (picture) => { if (picture.ptsMs === 9000) want(clips, picture); });
  await clips.settled();
  const [clip] = made();
  assert.ok(clip);
  assert.deepEqual(
    [clip.mime, clip.codec, clip.width, clip.height, clip.short, clip.blurred, clip.of],
    ['video/mp4', 'h264', 64, 48, false, false, [{ point: 'yard.intrusion', at: AT + 9000 }]],
  );
  assert.deepEqual([clip.fromAt - AT, clip.toAt - AT, clip.durationMs], [4000, 12_000, 8000]);
  const [draft] = drafts;
  assert.deepEqual(
    [draft?.device, draft?.point, draft?.kind, draft?.value, draft?.subject, draft?.occurredAt],
    ['cam', 'clip', 'occurrence', 'yard.intrusion', 'yard', AT + 9000],
  );
  assert.equal(eventProblem({ ...draft, edge: 'e1', stream: 'state', epoch: 1, seq: 1 }), null);
  const path = kept.pathOf(clip.sha256) ?? '';
  assert.equal((await stat(path)).size, clip.bytes);
  const [is, was] = [await probe(path), await probe(source)];
  assert.deepEqual([is.codec, is.startsWithKey, is.hashes.length], ['h264', true, 80]);
  assert.ok(Math.abs(is.seconds - 8) <= 0.1, String(is.seconds));
  assert.deepEqual(is.hashes, was.hashes.slice(40, 120));
  assert.equal((await stat(setup.dir)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dir, 'evidence', 'cityvitals-ring-e1'))).mode & 0o777, 0o700);
  assert.deepEqual(faults(), []);
});

test('pictures are the same with and without clips', async (t) => {
  const { dir, play, device } = await rig(t, { settings: { speed: 'max', motion: 'off' } });
  const url = `file:${await clipIn(dir, 4)}`;
  const line = ({ index, ptsMs, yuv }: Picture) => `${index} ${ptsMs} ${Buffer.from(yuv).toString('base64')}`;
  const [ringed, plain]: [string[], string[]] = [[], []];
  await play(url, (picture) => {
    ringed.push(line(picture));
  });
  const link = await camera.open(
    device(url).setup.settings as never,
    [],
    realWorld(() => {}),
  );
  const reading = (async () => {
    for await (const picture of link.frames?.(new AbortController().signal) ?? []) plain.push(line(picture as Picture));
  })();
  await assert.rejects(reading, { name: 'CV_VIDEO_ENDED' });
  await link.close();
  assert.equal(ringed.length, 20);
  assert.deepEqual(ringed, plain);
});

/** A ring that is filled by hand: pieces of 2 s, each one of `source`. */
async function handRing(rings: CameraRings, device: OpenDevice, dir: string) {
  const whole = join(dir, 'whole.mkv');
  await run('ffmpeg', ['-v', 'error', '-i', await clipIn(dir, 2), '-c', 'copy', '-y', whole]);
  const content = await readFile(whole);
  let opening: RingOpening | null | undefined;
  const { driver } = rings.wrapDevice({
    ...device,
    driver: {
      ...camera,
      open: async (_settings, _points, world) => {
        opening = await world.ring?.begin();
        return { close: async () => {} };
      },
    } as OpenDevice['driver'],
  });
  const begin = async () => {
    await driver.open(device.setup.settings, [], realWorld(() => {}));
    opening?.is({ codec: 'h264', width: 64, height: 48 });
  };
  await begin();
  /** The piece that ends there. */
  const came = async (toS: number) => {
    await writeFile(join(opening?.dir ?? '', '0.mkv'), content);
    opening?.took({ name: '0.mkv', fromMs: (toS - 2) * 1000, toMs: toS * 1000, durationMs: 2000 });
  };
  return { begin, came, bytes: content.length, end: () => opening?.end(), opening: () => opening };
}

test('events while a clip is coming share it, later ones have one of their own; the camera that had just begun, or is gone, gives a shorter one, said', async (t) => {
  const { dir, rings, clips, made, device, faults } = await rig(t);
  const { came, begin, end } = await handRing(rings, device('file:x'), dir);
  await came(2);
  want(clips, { ptsMs: 2000 }, 'a.intrusion');
  await came(4);
  want(clips, { ptsMs: 4000 }, 'b.intrusion');
  for (const toS of [6, 8, 10]) await came(toS);
  await clips.settled();
  for (const toS of [12, 14, 16, 18]) await came(toS);
  want(clips, { ptsMs: 18_000 }, 'c.intrusion');
  await came(20);
  end();
  await clips.settled();
  await begin();
  want(clips, { ptsMs: 21_000 }, 'd.intrusion');
  end();
  await clips.settled();
  assert.deepEqual(
    made().map(({ of, short, fromAt, toAt, durationMs }) => [
      of.map(({ point }) => point[0]).join(''),
      short,
      fromAt - AT,
      toAt - AT,
      durationMs,
    ]),
    [
      ['ab', true, 0, 8000, 8000],
      ['c', true, 12_000, 20_000, 8000],
    ],
  );
  assert.deepEqual(faults(), ['clip_unmade', 'CV_CLIP_UNMADE']);
});

test('a clock that is set while a clip is coming sets its times too; they are whole milliseconds', async (t) => {
  let jumped = 0;
  const { dir, rings, clips, made, drafts, device } = await rig(t, {
    jumpedMs: () => jumped,
    copy: async ({ device: of, clip }) => ({ device: of, clip: { ...clip, blurred: true } }),
  });
  const { came, end } = await handRing(rings, device('file:x'), dir);
  await came(2);
  clips.request({ device: 'cam', ptsMs: 1000, at: 5000.4, points: ['a.intrusion'] });
  jumped = AT;
  end();
  await clips.settled();
  assert.deepEqual(
    made().map(({ fromAt, toAt, of, blurred }) => [fromAt, toAt, of, blurred]),
    [false, true].map((blurred) => [AT + 4000, AT + 6000, [{ point: 'a.intrusion', at: AT + 5000 }], blurred]),
  );
  assert.deepEqual(
    drafts.map(({ occurredAt, clock }) => [occurredAt, clock]),
    [
      [AT + 5000, 'edge'],
      [AT + 5000, 'edge'],
    ],
  );
  for (const [seq, draft] of drafts.entries())
    assert.equal(eventProblem({ ...draft, edge: 'e1', stream: 'state', epoch: 1, seq: seq + 1 }), null);
});

test('the ring is bounded by time, by bytes of a camera and of all; a piece that does not end is emptied; what was left of before is deleted', async (t) => {
  const { dir, rings, device, faults, clips, made } = await rig(t, { clip: { ring: { camera: '1MB', maxBytes: '1MB' } } });
  const left = join(dir, 'evidence', 'cityvitals-ring-e1', 'cam', '9');
  await mkdir(left, { recursive: true });
  await writeFile(join(left, 'piece-1'), 'x');
  const { came, bytes, opening, begin } = await handRing(rings, device('file:x'), dir);
  await assert.rejects(stat(left), { code: 'ENOENT' });
  const ring = rings.of('cam');
  for (let toS = 2; toS <= 40; toS += 2) await came(toS);
  assert.equal(ring?.bytes, 6 * bytes, '5 s before, 5 s until a picture is looked at, and the piece at their edge');
  assert.equal((await readdir(opening()?.dir ?? '')).length, 6);
  want(clips, { ptsMs: 38_000 });
  for (let toS = 42; toS <= 46; toS += 2) await came(toS);
  await clips.settled();
  assert.equal(made().length, 1);
  assert.equal(ring?.bytes, 6 * bytes, 'what a clip held goes when it is made');
  const growing = join(opening()?.dir ?? '', '1.mkv');
  await writeFile(growing, Buffer.alloc(2 << 20));
  await ring?.watch();
  assert.equal((await stat(growing)).size, 0);
  opening()?.took({ name: '1.mkv', fromMs: 46_000, toMs: 99_000, durationMs: 53_000 });
  assert.equal(ring?.current?.newestMs, 46_000);
  assert.deepEqual(faults(), ['CV_CLIP_KEYFRAMES']);
  await begin();
  assert.equal(ring?.bytes, 0, 'pieces of another opening are of no use');
});

test('clips are kept within bytes and days like pictures; what a crash left half made is gone at the next start', async (t) => {
  const { dir, world, rings, clips, made, device, kept, setup } = await rig(t, { clip: { maxBytes: '40KB', keep: '1h' } });
  const { came, end } = await handRing(rings, device('file:x'), dir);
  for (const toS of [2, 4, 6, 8]) await came(toS);
  for (const ptsMs of [3000, 3001]) {
    clips.request({ device: 'cam', ptsMs, at: AT + 2 * ptsMs, points: [`p${ptsMs}`] });
    await clips.settled();
  }
  assert.ok((made()[0]?.bytes ?? 0) > 20_480 && made().length === 2, `${made()[0]?.bytes}`);
  assert.deepEqual(made().map(({ sha256 }) => kept.has(sha256)), [false, true], 'the older one gave way');
  // Of two hours ago.
  clips.request({ device: 'cam', ptsMs: 3000, at: AT - 7_200_000, points: ['old'] });
  await clips.settled();
  assert.equal(kept.has(made()[2]?.sha256 ?? ''), false);
  end();
  await writeFile(join(setup.dir, 'kept', 'coming-7'), 'half');
  const again = await EvidenceFolder.open({ ...setup, isPrivate: true }, world.clock);
  await again.close();
  assert.deepEqual(await readdir(join(setup.dir, 'kept')), [`${made()[1]?.fromAt}-${made()[1]?.sha256}.mp4`]);
});

test('bytes bound a ring whatever is held: the oldest goes, and the clip is shorter', async (t) => {
  const { dir, rings, device, clips, made } = await rig(t, { clip: { before: '30s', ring: { camera: '1MB' } } });
  const { came, bytes } = await handRing(rings, device('file:x'), dir);
  const fits = Math.floor((1 << 20) / bytes);
  const last = 2 * (fits + 20);
  for (let toS = 2; toS <= last - 4; toS += 2) await came(toS);
  assert.ok((rings.of('cam')?.bytes ?? 0) <= 1 << 20);
  want(clips, { ptsMs: (last - 4) * 1000 });
  for (let toS = last - 2; toS <= last; toS += 2) await came(toS);
  await clips.settled();
  assert.equal(made()[0]?.toAt, AT + last * 1000);
});

test('a ring or a folder that cannot be written costs the clip alone, and is said; so is a camera with a privacy mask', async (t) => {
  const { dir, play, clips, made, faults, rings, device } = await rig(t, { settings: { speed: 'max', motion: 'off' } });
  await mkdir(join(dir, 'evidence', 'cityvitals-ring-e1'), { recursive: true });
  const url = `file:${await clipIn(dir, 4)}`;
  let pictures = 0;
  const masked = device(url);
  (masked.setup as { settings: unknown }).settings = { ...masked.setup.settings as object, mask: [[[0, 0], [1, 0], [1, 1]]] };
  assert.equal(rings.wrapDevice(masked).driver, camera);
  // Its folder goes when the first piece is whole, before that is taken out of it: ffmpeg is ahead of the pictures by chance.
  const losing: OpenDevice['driver'] = {
    ...camera,
    async open(settings, points, world, signal) {
      const opening = (await world.ring?.begin()) as RingOpening;
      const took = opening.took.bind(opening);
      opening.took = (piece) => {
        opening.took = took;
        renameSync(opening.dir, `${opening.dir}-gone`);
        took(piece);
      };
      return camera.open(settings as never, points, { ...world, ring: { begin: async () => opening } }, signal);
    },
  };
  await play(url, (picture) => {
    pictures += 1;
    if (pictures === 1) want(clips, picture);
  }, losing);
  await clips.settled();
  assert.equal(pictures, 20);
  assert.deepEqual(made(), []);
  assert.deepEqual([...new Set(faults())].toSorted(), ['CV_CLIP_DISK', 'CV_CLIP_MASKED', 'CV_CLIP_UNMADE', 'clip_unmade']);
});

test('where there can be no ring the camera gives its pictures without one, said', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFile(join(dir, 'plain'), 'a file');
  const { play, clips, made, faults } = await rig(t, {
    clip: { ring: { dir: join(dir, 'plain') } },
    settings: { speed: 'max', motion: 'off' },
  });
  let pictures = 0;
  await play(`file:${await clipIn(dir, 2)}`, (picture) => {
    pictures += 1;
    want(clips, picture);
  });
  await clips.settled();
  assert.deepEqual([pictures, made(), faults()], [10, [], ['CV_CLIP_DISK', ...Array.from({ length: 10 }, () => 'clip_unmade')]]);
});

test('a clip whose folder could not be opened, and one that is coming when the edge ends, are lost, counted, and leave nothing', async (t) => {
  const { dir, rings, device, clips, faults, setup } = await rig(t, { folder: null });
  const { came, end } = await handRing(rings, device('file:x'), dir);
  await came(2);
  want(clips, { ptsMs: 1000 });
  end();
  await clips.settled();
  want(clips, { ptsMs: 1000 });
  const next = await rig(t);
  const other = await handRing(next.rings, next.device('file:x'), next.dir);
  await other.came(2);
  want(next.clips, { ptsMs: 1000 });
  await next.clips.close();
  await next.rings.close();
  await clips.settled();
  assert.deepEqual([faults(), next.faults()], [['clip_unmade', 'CV_CLIP_UNMADE', 'clip_unmade'], ['shutdown']]);
  assert.deepEqual(await readdir(join(next.dir, 'evidence')), ['clips']);
  assert.deepEqual((await readdir(next.setup.dir)).toSorted(), ['kept', 'waiting']);
  await assert.rejects(stat(setup.dir));
});

test('an RTSP camera gives clips of its own stream; one of MJPEG, which players of MP4 do not know, gives Matroska', async (t) => {
  const { play, clips, made, kept } = await rig(t, { clip: { before: '2s', after: '1s' } });
  const rtsp = await startRtspCamera({ pictures: h264Pictures() });
  const {
    dir,
    play: playUrl,
    clips: others,
    made: fromHttp,
    kept: folder,
  } = await rig(t, { clip: { before: '2s', after: '1s' }, settings: { speed: 'max', motion: 'off' } });
  try {
    let from = -1;
    await play(rtsp.url, ({ ptsMs }) => {
      if (from < 0 && ptsMs >= 4000) {
        from = ptsMs;
        want(clips, { ptsMs });
      }
      return from >= 0 && ptsMs > from + 5000;
    });
  } finally {
    await rtsp.stop();
  }
  await clips.settled();
  const path = kept.pathOf(made()[0]?.sha256 ?? '') ?? '';
  const is = await probe(path);
  assert.deepEqual([is.codec, is.startsWithKey, made()[0]?.short], ['h264', true, false]);
  assert.ok(Math.abs(is.seconds * 1000 - (made()[0]?.durationMs ?? 0)) <= 200, `${is.seconds}`);
  await playUrl(`file:${await clipIn(dir, 8, ['-c:v', 'mjpeg'])}`, ({ ptsMs }) => {
    if (ptsMs === 3000) want(others, { ptsMs });
  });
  await others.settled();
  assert.deepEqual([fromHttp()[0]?.mime, fromHttp()[0]?.codec], ['video/x-matroska', 'mjpeg']);
  assert.equal((await probe(folder.pathOf(fromHttp()[0]?.sha256 ?? '') ?? '')).codec, 'mjpeg');
});
