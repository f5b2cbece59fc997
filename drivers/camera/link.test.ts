import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Picture } from '../../core/driver.ts';
import type { FaultCode, FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { settle, testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { decode } from './decode.ts';
import driver from './driver.ts';
import { examine } from './examine.ts';
import { probe } from './probe.ts';
import { open, type CameraLink } from './link.ts';
import { settings as schema, type CameraSettings } from './settings.ts';

const { dir: folder, remove } = await tempDir();
let clip: string;
before(async () => {
  clip = join(folder, 'a clip:1.mkv'); // a name that a shell or ffmpeg's protocols could stumble over
  // 2 s, 10 pictures a second; the grey of each tells its number: 10 × index.
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'color=black:size=64x48:rate=10:duration=2,format=gray,geq=lum=10*N',
    '-c:v',
    'ffv1',
    '-y',
    `file:${clip}`,
  ]);
});
after(remove);

const settings = (changes: Partial<CameraSettings> = {}): CameraSettings =>
  schema.parse({ url: `file:${clip}`, width: 32, height: 24, fps: 10, speed: 'max', ...changes });
const code = (wanted: FaultCode) => (error: FaultError) => error.fault?.code === wanted;
const never = () => new AbortController().signal;
const shade = ({ yuv, width, height }: Picture) => Math.round((((yuv[(width * height) / 2] as number) - 16) * 255) / 219 / 10);
const alive = (pid: number | undefined) => { try { return process.kill(pid as number, 0); } catch { return false; } };

async function play(changes: Partial<CameraSettings>, most = Infinity): Promise<{ pictures: Picture[]; fault: string | undefined }> {
  const link = await open(settings(changes), [], testWorld());
  const pictures: Picture[] = [];
  try {
    for await (const picture of link.frames(never())) if (pictures.push(picture) >= most) break;
    return { pictures, fault: undefined };
  } catch (error) {
    return { pictures, fault: (error as FaultError).fault.code };
  } finally {
    await link.close();
    assert.equal(alive(link.pid), false);
  }
}

test('every picture of the clip comes once, with its index, its presentation time and when it was taken', async () => {
  const startsAt = Date.UTC(2026, 0, 1);
  const { pictures, fault } = await play({});
  assert.equal(fault, 'CV_VIDEO_ENDED');
  assert.deepEqual(pictures.map(({ index }) => index), Array.from({ length: 20 }, (_, at) => at));
  assert.deepEqual(pictures.map(({ ptsMs }) => ptsMs), Array.from({ length: 20 }, (_, at) => at * 100));
  assert.deepEqual(pictures.map(({ takenAt }) => takenAt), Array.from({ length: 20 }, (_, at) => startsAt + at * 100));
  assert.deepEqual(pictures.map(shade), Array.from({ length: 20 }, (_, at) => at));
  assert.ok(pictures.every((picture) => picture.yuv.length === 32 * 24 * 1.5 && decode(picture).ok));
});

test('at another rate each picture is the newest that is not later than its time', async () => {
  assert.deepEqual(
    (await play({ fps: 2 })).pictures.map((picture) => [picture.ptsMs, shade(picture)]),
    [
      [0, 0],
      [500, 5],
      [1000, 10],
      [1500, 15],
    ],
  );
  assert.deepEqual(
    (await play({ fps: 20, motion: 'off' }, 4)).pictures.map((picture) => [picture.ptsMs, shade(picture)]),
    [
      [0, 0],
      [50, 0],
      [100, 1],
      [150, 1],
    ],
  );
});

test('a clip that loops goes on in time', async () => {
  const { pictures } = await play({ loop: true }, 45);
  assert.deepEqual(pictures.map(shade), Array.from({ length: 45 }, (_, at) => at % 20));
  assert.equal(pictures.at(-1)?.ptsMs, 4400);
});

test('in its own time, pictures come when they are due; who asks late gets the newest and the others are counted', async () => {
  const clock = new VirtualClock();
  const world = testWorld(clock);
  const link = await open(settings({ speed: 1 }), [], world);
  const frames = link.frames(never())[Symbol.asyncIterator]();
  const at = async (untilMs: number): Promise<number> => {
    const got: Picture[] = [];
    void frames.next().then(({ value }) => got.push(value as Picture));
    while (got.length === 0) {
      // ffmpeg runs in real time, the clock does not: it moves only while nothing has come.
      await settle();
      if (got.length === 0 && clock.monotonicMs() < untilMs) await clock.advanceMs(10);
    }
    return (got[0] as Picture).index;
  };
  assert.equal(await at(0), 0);
  assert.equal(clock.monotonicMs(), 0);
  assert.equal(await at(100), 1);
  assert.equal(clock.monotonicMs(), 100);
  while (clock.monotonicMs() < 900) await clock.advanceMs(100);
  // By now those up to 9 are due, and come when ffmpeg has them. Nobody asks: only the newest is kept.
  const late = () => world.told.filter((event) => event.kind === 'samples_lost');
  await until(() => late().length >= 7);
  assert.equal(await at(900), 9);
  assert.ok(late().every((event) => event.reason === 'picture_late' && event.count === 3));
  assert.equal(late().length, 7);
  await link.close();
  assert.equal((await frames.next()).done, true);
});

test('a picture that is as the one before comes once a second only, at any speed: it is counted as still, and numbers and times go on', async () => {
  const still = join(folder, 'still.mkv');
  // Nothing but one block, which has changed from the 17th picture on.
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    "color=gray:size=64x48:rate=10:duration=3,format=gray,geq=lum='if(gt(N,15)*lt(X,16)*lt(Y,16),200,100)'",
    '-c:v',
    'ffv1',
    '-y',
    still,
  ]);
  const given = async (changes: Partial<CameraSettings>) => {
    const clock = new VirtualClock();
    const world = testWorld(clock);
    // ffmpeg runs in real time, the clock does not: by the clock it may be silent for long.
    const link = await open({ ...settings({ url: `file:${still}`, ...changes }), silence: Infinity }, [], world);
    const seen: number[] = [];
    let isOver = false;
    const { fps = 10 } = changes;
    const watching = (async () => {
      for await (const { index, ptsMs } of link.frames(never())) assert.equal(seen.push(index) && ptsMs, (index * 1000) / fps);
    })()
      .catch(() => {})
      .finally(() => {
        isOver = true;
      });
    while (!isOver) {
      await settle();
      await clock.advanceMs(10);
    }
    await watching;
    const count = (kind: string) => world.told.filter((event) => event.kind === kind).length;
    return { seen, still: count('picture_still'), late: count('samples_lost') };
  };
  const all = Array.from({ length: 30 }, (_, at) => at);
  for (const speed of [1, 'max'] as const) assert.deepEqual(await given({ speed }), { seen: [0, 10, 16, 26], still: 25, late: 0 });
  assert.deepEqual((await given({ speed: 1, motion: 'off' })).seen, all);
  assert.deepEqual((await given({ speed: 1, fps: 1 })).seen, [0, 1, 2], 'few enough');
});

test('with speed max, nothing comes while two pictures are held', async () => {
  const link = await open(settings(), [], testWorld());
  const frames = link.frames(never())[Symbol.asyncIterator]();
  const taken = [await frames.next(), await frames.next()].map(({ value }) => (value as Picture).hold?.());
  let third: Picture | undefined;
  const asked = frames.next().then(({ value }) => { third = value as Picture; });
  await settle();
  await settle();
  assert.equal(third, undefined);
  taken[0]?.();
  taken[0]?.(); // a second call changes nothing
  await asked;
  assert.equal((third as Picture | undefined)?.index, 2);
  await frames.return?.();
  assert.equal(alive(link.pid), false);
});

async function endedBy(
  speed: CameraSettings['speed'],
  end: (link: CameraLink, abort: AbortController) => unknown,
): Promise<string | undefined> {
  const abort = new AbortController();
  const link = await open(settings({ speed, loop: true }), [], testWorld());
  assert.equal(alive(link.pid), true);
  const frames = link.frames(abort.signal)[Symbol.asyncIterator]();
  await frames.next();
  const rest = async () => { while (!(await frames.next()).done); };
  const resting = rest().then(() => undefined, (error: FaultError) => error.fault.code);
  end(link, abort);
  const fault = await resting;
  await link.close();
  await link.close();
  assert.equal(alive(link.pid), false);
  return fault;
}

test('abort, close and a killed ffmpeg end the pictures and leave no child', async () => {
  for (const speed of [1, 'max'] as const) {
    assert.equal(await endedBy(speed, (_link, abort) => abort.abort()), undefined);
    assert.equal(await endedBy(speed, (link) => link.close()), undefined);
  }
  assert.equal(await endedBy('max', (link) => process.kill(link.pid as number, 'SIGKILL')), 'CV_VIDEO_STOPPED');
  const unused = await open(settings(), [], testWorld());
  await unused.close();
  assert.equal(alive(unused.pid), false);
});

test('an ffmpeg that hangs is ended when its time is over', async () => {
  for (const speed of [1, 'max'] as const) {
    const world = testWorld();
    const link = await open(settings({ loop: true, speed }), [], world);
    process.kill(link.pid as number, 'SIGSTOP');
    let fault = '';
    const watching = (async () => {
      for await (const _picture of link.frames(never()));
    })().catch((error: FaultError) => {
      fault = `${error.fault.code} ${error.fault.params.detail}`;
    });
    // What it had already written is still read.
    for (let seconds = 0; seconds < 1000 && fault === ''; seconds += 1) await world.clock.advanceMs(1000);
    await link.close();
    await watching;
    assert.equal(fault, 'CV_VIDEO_STOPPED no picture for 8000 ms');
    assert.equal(alive(link.pid), false);
  }
});

test('an open that is aborted rejects and leaves no child, even when the source never says a word', async () => {
  const silent = join(folder, 'pipe');
  execFileSync('mkfifo', [silent]);
  const abort = new AbortController();
  const opening = open(settings({ url: `file:${silent}` }), [], testWorld(), abort.signal);
  await settle();
  abort.abort(new Error('enough'));
  await assert.rejects(opening, /enough/);
  await assert.rejects(open(settings(), [], testWorld(), AbortSignal.abort(new Error('before'))), /before/);
});

test('a clip that is missing, empty, no video or cut off is said for what it is', async () => {
  const at = (name: string) => ({ url: `file:${join(folder, name)}` });
  await writeFile(join(folder, 'empty.avi'), '');
  await writeFile(join(folder, 'text.avi'), 'this is no video\n'.repeat(100));
  await writeFile(join(folder, 'list.m3u8'), '#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n');
  await copyFile(clip, join(folder, 'cut.mkv'));
  await truncate(join(folder, 'cut.mkv'), Math.floor((await stat(clip)).size * 0.8));
  const refused = (name: string) => open(settings(at(name)), [], testWorld());
  await assert.rejects(refused('none.avi'), code('CV_VIDEO_MISSING'));
  await assert.rejects(refused('text.avi/none.avi'), code('CV_VIDEO_MISSING'));
  await assert.rejects(refused('.'), code('CV_VIDEO_UNREADABLE'));
  await assert.rejects(refused('empty.avi'), code('CV_VIDEO_UNREADABLE'));
  await assert.rejects(refused('text.avi'), code('CV_VIDEO_UNREADABLE'));
  await assert.rejects(refused('list.m3u8'), code('CV_VIDEO_UNREADABLE'));
  const cut = await play(at('cut.mkv'));
  assert.ok(cut.pictures.length > 0 && cut.pictures.length < 20);
  assert.match(cut.fault ?? '', /^CV_VIDEO_(ENDED|STOPPED)$/);
});

test('examine says everything that is missing at once; probe reads a picture', async () => {
  const codes = async (changes: Partial<CameraSettings>) => (await examine(settings(changes), [], testWorld())).map((fault) => fault.code);
  const path = process.env.PATH;
  try {
    process.env.PATH = folder;
    assert.deepEqual((await codes({ url: 'file:./none.avi', model: 'yolo' })).toSorted(), [
      'CV_FFMPEG_MISSING',
      'CV_MODEL_UNKNOWN',
      'CV_VIDEO_MISSING',
    ]);
    await assert.rejects(open(settings(), [], testWorld()), code('CV_FFMPEG_MISSING'));
  } finally {
    process.env.PATH = path;
  }
  assert.deepEqual((await codes({})).filter((found) => found !== 'CV_MODEL_MISSING'), []);
  const [finding] = await probe(settings({ speed: 1 }), [], testWorld(), never());
  assert.match(finding?.en ?? '', /32 × 24/);
});

test('a clip that goes on in another codec, or stops before its end, is said to have been cut short', async () => {
  const part = (codec: string, from: number) =>
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x48:rate=10:duration=4',
      '-c:v',
      codec,
      '-g',
      '5',
      '-output_ts_offset',
      String(from),
      '-f',
      'mpegts',
      'pipe:1',
    ]);
  const name = join(folder, 'two.ts');
  await writeFile(name, Buffer.concat([part('mpeg2video', 0), part('mpeg4', 4)]));
  const { fault, pictures } = await play({ url: `file:${name}`, motion: 'off' });
  assert.ok(pictures.length >= 35 && pictures.length < 60, String(pictures.length));
  assert.equal(fault, 'CV_VIDEO_CUT_SHORT');
});

test('an ffmpeg that is too old for cameras is told before any is opened; for files it will do', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const path = process.env.PATH;
  const codes = async (version: string, url: string) => {
    await writeFile(join(bin, 'ffmpeg'), `#!/bin/sh\necho 'ffmpeg version ${version} Copyright (c) 2000-2022 the FFmpeg developers'\n`, {
      mode: 0o755,
    });
    return (await examine(settings({ url }), [], testWorld())).map((fault) => fault.code).filter((found) => found !== 'CV_MODEL_MISSING');
  };
  try {
    process.env.PATH = bin;
    const live = 'rtsp://127.0.0.1/1';
    assert.deepEqual(await codes('4.4.2-0ubuntu0.22.04.1', live), ['CV_FFMPEG_OLD']);
    assert.deepEqual(await codes('5.0.1', live), ['CV_FFMPEG_OLD']);
    assert.deepEqual(await codes('4.4.2-0ubuntu0.22.04.1', settings({}).url), []);
    for (const version of ['5.1.6-0+deb12u1', 'n7.1', '10.0', 'N-118000-g1b8a3f', '2026-01-05-git-3c2b1a'])
      assert.deepEqual(await codes(version, live), [], version);
  } finally {
    process.env.PATH = path;
  }
});

test('settings: what is no address of pictures is refused, and so are odd sides', () => {
  const problems = (url: string) => schema.safeParse({ url }).error?.issues.map(({ path }) => path.join('.'));
  for (const url of [
    'ftp://127.0.0.1/1',
    'rtsp:///1',
    'rtsp://admin:1@127.0.0.1/1',
    'clip.avi',
    'file:',
    'file://host/clip.avi',
    'file:a\0b',
  ])
    assert.deepEqual(problems(url), ['url'], url);
  for (const url of [
    'rtsp://127.0.0.1/1',
    'rtsps://cam:322/a?b=1',
    'http://[::1]:80/live.flv',
    'file:./clip.avi',
    'file:/a/b.avi',
    'file:///a/b%20c.avi',
  ])
    assert.equal(problems(url), undefined, url);
  assert.deepEqual(
    schema.safeParse({ url: 'file:x', width: 33, height: 8 }).error?.issues.map(({ path }) => path.join('.')),
    ['width', 'height'],
  );
  assert.deepEqual(
    schema.safeParse({ url: 'file:x', fps: 0 }).error?.issues.map(({ path }) => path.join('.')),
    ['fps'],
  );
});

test('a picture is as large as a sub-stream, whatever the source, with even sides and its proportion', async () => {
  const sizeOf = async (source: string, changes: Partial<CameraSettings> = {}) => {
    const path = join(folder, `${source}.mkv`);
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${source}:rate=10:duration=0.2`,
      '-c:v',
      'ffv1',
      '-y',
      path,
    ]);
    const [picture] = (await play({ url: `file:${path}`, width: undefined, height: undefined, ...changes }, 1)).pictures;
    assert.ok(picture && decode(picture).ok);
    return [picture.width, picture.height, picture.aspect?.toFixed(2)];
  };
  assert.deepEqual(await sizeOf('768x576'), [768, 576, '1.33']);
  assert.deepEqual(await sizeOf('1280x720'), [640, 360, '1.78']);
  assert.deepEqual(await sizeOf('360x1280'), [180, 640, '0.28']);
  assert.deepEqual(await sizeOf('65x47'), [64, 46, '1.39']);
  assert.deepEqual(await sizeOf('640x360', { width: 320 }), [320, 180, '1.78']);
  assert.deepEqual(await sizeOf('640x360', { height: 90 }), [160, 90, '1.78']);
});

test('a picture knows the proportion it should be shown in, whatever it was stretched to', async () => {
  const make = (name: string, ...args: string[]) => {
    execFileSync('ffmpeg', ['-v', 'error', ...args, '-y', join(folder, name)]);
    return { url: `file:${join(folder, name)}`, width: 32, height: 32 };
  };
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=1', '-c:v', 'mpeg4'];
  const aspectOf = async (changes: Partial<CameraSettings>) => (await play(changes, 1)).pictures[0]?.aspect?.toFixed(4);
  assert.equal(await aspectOf({ width: 32, height: 32 }), (64 / 48).toFixed(4));
  const wide = make('wide.mp4', ...source, '-vf', 'setsar=2');
  assert.equal(await aspectOf(wide), (128 / 48).toFixed(4));
  const turned = make('turned.mp4', '-display_rotation', '90', '-i', join(folder, 'wide.mp4'), '-c', 'copy');
  assert.equal(await aspectOf(turned), (48 / 128).toFixed(4));
});

test('decode takes pictures and nothing else', () => {
  const picture: Picture = { index: 0, ptsMs: 0, width: 2, height: 2, yuv: new Uint8Array(6) };
  assert.deepEqual(decode(picture), { ok: true, picture });
  const garbage = [
    null,
    undefined,
    7,
    'x',
    {},
    new Uint8Array(9),
    { ...picture, yuv: new Uint8Array(5) },
    { ...picture, width: -2 },
    { ...picture, width: 3, height: 1 },
    { ...picture, ptsMs: NaN },
    { ...picture, index: 0.5 },
  ];
  for (const frame of garbage) assert.equal(driver.decode(frame).ok, false);
});
