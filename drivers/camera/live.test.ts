import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { Picture } from '../../core/driver.ts';
import { explain, type FaultError } from '../../core/faults.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { settle, testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { realWorld, seededRandom, type World } from '../../core/world.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';
import { open } from './link.ts';
import { startFfmpeg } from './player.ts';
import { settings as schema } from './settings.ts';
import { cameraSourceOf } from './source.ts';
import { flv, h264Pictures, hls, jpegs } from './testing/clips.ts';
import { startHttpCamera } from './testing/http-camera.ts';
import { startRtspCamera, type CameraOptions } from './testing/rtsp-camera.ts';

const pictures = h264Pictures();
/** One that every rule of an address stumbles over, and every rule of a quoted line. */
const PASSWORD = "p@ss:1/?#é'";
const LOGIN = { user: 'cam', password: PASSWORD };

function told(): { world: World; events: TelemetryEvent[]; faults(): string[] } {
  const events: TelemetryEvent[] = [];
  return {
    world: realWorld((event) => {
      events.push(event);
    }),
    events,
    faults: () => events.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : [])),
  };
}

async function camera(t: TestContext, options: Partial<CameraOptions> = {}) {
  const started = await startRtspCamera({ pictures, ...options });
  t.after(() => started.stop());
  return started;
}

const isAlive = (pid: number | undefined) => { try { return process.kill(pid as number, 0); } catch { return false; } };

/** As many pictures as come, and why there were no more. */
async function watch(
  written: Record<string, unknown>,
  most: number,
  world: World,
): Promise<{ pictures: Picture[]; fault: FaultError | null }> {
  const seen: Picture[] = [];
  let pid: number | undefined;
  try {
    const link = await open(schema.parse({ fps: 10, ...written }), [], world);
    pid = link.pid;
    for await (const picture of link.frames(new AbortController().signal)) if (seen.push(picture) >= most) break;
    return { pictures: seen, fault: null };
  } catch (error) {
    return { pictures: seen, fault: error as FaultError };
  } finally {
    if (pid !== undefined) assert.equal(isAlive(pid), false);
  }
}

const faultOf = async (written: Record<string, unknown>, world = told().world) => (await watch(written, 1, world)).fault?.fault;

test('RTSP with digest: pictures keep the times of the stream, and nobody on this machine sees the password', async (t) => {
  const { url, answers, left } = await camera(t, LOGIN);
  const { world: hurried } = told();
  // On a starved machine a farewell takes as long as it takes.
  const world: World = { ...hurried, clock: { ...hurried.clock, after: (delayMs, run) => hurried.clock.after(100 * delayMs, run) } };
  const link = await open(schema.parse({ url, ...LOGIN, fps: 10 }), [], world);
  for (const shown of ['cmdline', 'environ']) assert.doesNotMatch(readFileSync(`/proc/${link.pid}/${shown}`, 'utf8'), /p(@|%40)ss/, shown);
  const seen: Picture[] = [];
  for await (const picture of link.frames(new AbortController().signal)) if (seen.push(picture) === 12) break;
  assert.ok(seen.every((picture) => decode(picture).ok && picture.ptsMs % 100 === 0));
  assert.ok(
    seen.every(
      ({ ptsMs, takenAt = 0 }, at) =>
        at === 0 || (ptsMs > (seen[at - 1] as Picture).ptsMs && takenAt >= ((seen[at - 1] as Picture).takenAt ?? 0)),
    ),
  );
  assert.equal(isAlive(link.pid), false);
  // On a starved machine ffmpeg's farewell does not always go out; it does not fail three times.
  await left();
  for (let more = 2; more > 0 && answers.at(-1) !== 'TEARDOWN 200'; more -= 1) await watch({ url, ...LOGIN }, 2, world);
  await left();
  assert.equal(answers.at(-1), 'TEARDOWN 200');
});

test('fewer pictures a second are taken evenly; of keyframes alone come those that need no other', async (t) => {
  const { url } = await camera(t);
  const times = async (changes: object) => {
    const { pictures: [first, ...rest] } = await watch({ url, ...changes }, 4, told().world);
    return rest.map(({ ptsMs }) => ptsMs - (first?.ptsMs ?? 0));
  };
  // The first may be any; from then on they lie on the grid.
  const evenly = await times({ fps: 5 });
  assert.ok(
    evenly.every((ptsMs, at) => ptsMs % 100 === 0 && (at === 0 || (ptsMs - (evenly[at - 1] as number)) % 200 === 0)),
    String(evenly),
  );
  assert.ok((await times({ decode: 'keyframes' })).every((ptsMs) => ptsMs % 500 === 0));
});

test('a wrong password is told without it, and is not tried again at once; another is', async (t) => {
  const { url, answers } = await camera(t, LOGIN);
  const { world } = told();
  const wrong = { url, user: 'cam', password: 'tiger lily' };
  const fault = await faultOf(wrong, world);
  assert.equal(fault?.code, 'CV_CAMERA_LOGIN');
  for (const language of ['en', 'zh-CN'] as const)
    assert.ok(!/tiger|lily/.test(Object.values(explain(fault as NonNullable<typeof fault>, language)).join()));
  const asked = answers.length;
  assert.equal((await faultOf(wrong, world))?.code, 'CV_CAMERA_LOGIN');
  assert.equal(answers.length, asked, 'the camera was left alone');
  assert.equal(await faultOf({ url, ...LOGIN }, world), undefined);
  const player = await startFfmpeg(
    { source: cameraSourceOf(wrong), fps: 10, size: 'own', loop: false, decode: 'all', hardware: 'none' },
    world.clock,
  );
  await player.exit;
  assert.ok(player.log.opening.includes(url), 'what ffmpeg says of the address is kept');
  assert.doesNotMatch(player.log.opening, /tiger|lily|cam:/);
});

test('what a camera refuses, and what is no camera, is said for what it is', async (t) => {
  const { url, port, stop } = await camera(t);
  assert.equal((await faultOf({ url: `rtsp://127.0.0.1:${port}/none` }))?.code, 'CV_CAMERA_NO_STREAM');
  const busy = await camera(t, { refuses: '453 Not Enough Bandwidth' });
  assert.equal((await faultOf({ url: busy.url }))?.code, 'CV_CAMERA_BUSY');
  const page = await startHttpCamera(Buffer.from('<html>a web page</html>'));
  t.after(() => page.stop());
  assert.equal((await faultOf({ url: page.url }))?.code, 'CV_CAMERA_NO_VIDEO');
  const single = await startHttpCamera(jpegs(1)[0] as Buffer);
  t.after(() => single.stop());
  assert.deepEqual((await watch({ url: single.url }, Infinity, told().world)).fault?.fault, {
    code: 'CV_CAMERA_NO_VIDEO',
    params: { address: single.url, detail: 'it is a single picture', detailZh: '只是一幅图片' },
  });
  await assert.rejects(probe(schema.parse({ url: single.url }), [], told().world, new AbortController().signal), {
    name: 'CV_CAMERA_NO_VIDEO',
  });
  // Nothing but its own kind is fetched: a list of files on this machine is none.
  const list = await startHttpCamera(Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n'));
  t.after(() => list.stop());
  assert.equal((await faultOf({ url: list.url }))?.code, 'CV_CAMERA_NO_VIDEO');
  await stop();
  assert.equal((await faultOf({ url }))?.code, 'CV_LINK_REFUSED');
  assert.equal((await faultOf({ url: 'rtsp://no-such-host.invalid/1' }))?.code, 'CV_LINK_UNREACHABLE');
});

test('a camera that falls silent is let go when its time is over, one that hangs up at once', async (t) => {
  const clock = new VirtualClock();
  const silent = await camera(t, { pictureLimit: { count: 30, end: 'silent' } });
  const link = await open(schema.parse({ url: silent.url, fps: 10, silence: '20s' }), [], testWorld(clock));
  const watching = (async () => {
    for await (const _ of link.frames(new AbortController().signal));
  })().then(
    () => null,
    (error: FaultError) => error,
  );
  let fault: FaultError | null = null;
  void watching.then((error) => { fault = error; });
  // ffmpeg runs in real time, the clock does not.
  for (let turn = 0; fault === null && turn < 100_000; turn += 1) {
    await settle();
    await clock.advanceMs(100);
  }
  assert.equal((await watching)?.fault.code, 'CV_CAMERA_SILENT');
  assert.equal(isAlive(link.pid), false);
  const gone = await camera(t, { pictureLimit: { count: 30, end: 'gone' } });
  const { pictures: seen, fault: ended } = await watch({ url: gone.url }, Infinity, told().world);
  assert.ok(seen.length > 0);
  assert.equal(ended?.fault.code, 'CV_CAMERA_CLOSED');
});

test('a clock that leaps back or ahead is told, and presentation times go on', async (t) => {
  const { url } = await camera(t, {
    timeMs: (number) => (number < 15 ? 500_000 + number * 100 : number < 30 ? number * 100 : 3_600_000 + number * 100),
  });
  const { world, faults } = told();
  const { pictures: seen } = await watch({ url }, 60, world);
  assert.equal(seen.length, 60);
  // Nor is it told again at each opening of a stream that always begins with one.
  await watch({ url }, 60, world);
  assert.ok(seen.every(({ ptsMs }, at) => at === 0 || ptsMs > (seen[at - 1] as Picture).ptsMs));
  assert.ok((seen.at(-1)?.ptsMs ?? Infinity) < 60_000);
  assert.deepEqual(faults(), ['CV_CAMERA_TIME']);
});

test('another size in the middle of the stream opens it anew; every thousandth byte wrong is counted and goes on', async (t) => {
  const changing = await camera(t, { pictures: [...pictures, ...h264Pictures({ size: '96x64' })] });
  const { pictures: seen, fault } = await watch({ url: changing.url }, Infinity, told().world);
  assert.equal(fault?.fault.code, 'CV_CAMERA_CHANGED');
  assert.ok(seen.every(({ width }) => width === 64));
  let byte = 0;
  const { url } = await camera(t, {
    pictures: h264Pictures({ size: '320x240' }),
    spoil: (packet) => packet.map((value) => { byte += 1; return byte % 1000 === 0 ? value ^ 0xff : value; }) as Buffer,
  });
  const { world, events } = told();
  assert.equal((await watch({ url }, 60, world)).pictures.length, 60);
  assert.ok(events.filter(({ kind }) => kind === 'picture_damaged').length > 0);
});

test('a hardware decoder that is not here: in software instead, and said', async (t) => {
  const { url } = await camera(t);
  const link = await open(schema.parse({ url, hardware: 'rkmpp' }), [], told().world);
  assert.equal(link.standingFault?.code, 'CV_CAMERA_SOFTWARE');
  for await (const picture of link.frames(new AbortController().signal)) { if (decode(picture).ok) break; }
});

test('over HTTP: FLV by its own times, single pictures by when they came', async (t) => {
  const stream = await startHttpCamera(flv(3));
  const single = await startHttpCamera(jpegs(10));
  t.after(() => Promise.all([stream.stop(), single.stop()]));
  const ended = await watch({ url: stream.url }, Infinity, told().world);
  assert.equal(ended.fault?.fault.code, 'CV_CAMERA_CLOSED');
  assert.ok(ended.pictures.every(({ ptsMs }) => ptsMs % 100 === 0));
  const startedMs = performance.now();
  const { pictures: seen } = await watch({ url: single.url, fps: 60 }, 30, told().world);
  assert.equal(seen.length, 30);
  // ffmpeg would have it that they are 40 ms apart.
  assert.ok((seen.at(-1)?.ptsMs ?? Infinity) <= performance.now() - startedMs);
});

test('of single pictures over HTTP as many are taken a second as were asked for, not as if 25 came a second', async (t) => {
  const slow = await startHttpCamera(jpegs(10), { everyMs: 200, most: 10 });
  t.after(() => slow.stop());
  const { pictures: seen } = await watch({ url: slow.url, motion: 'off' }, Infinity, told().world);
  assert.ok(seen.length >= 8, `${seen.length} of 10`);
});

test('the main stream is opened only when somebody asks; a probe says what is there and what would be cheaper', async (t) => {
  const sub = await camera(t);
  const main = await camera(t, { pictures: h264Pictures({ size: '1280x720', pictures: 5 }) });
  const settings = schema.parse({ url: sub.url, mainUrl: main.url, fps: 10 });
  const link = await open(settings, [], told().world);
  assert.equal(main.answers.length, 0);
  const still = await link.still?.(new AbortController().signal);
  assert.deepEqual([still?.width, still?.height], [1280, 720]);
  await main.left();
  await link.close();
  const findings = (await probe(settings, [], told().world, new AbortController().signal)).map(({ en }) => en).join('\n');
  assert.match(findings, /h264, 64 × 48, 10 pictures[^]*1280 × 720/);
  const large = await probe(schema.parse({ url: main.url }), [], told().world, new AbortController().signal);
  assert.ok(large.some(({ en, zh }) => /mainUrl/.test(en) && /mainUrl/.test(zh)));
});

test('noise of any kind ends in a fault and no child', async (t) => {
  const random = seededRandom(5);
  const noise = await startHttpCamera(Buffer.from(Array.from({ length: 20_000 }, () => Math.floor(random.next() * 256))));
  t.after(() => noise.stop());
  assert.match((await faultOf({ url: noise.url }))?.code ?? '', /^CV_CAMERA_(NO_VIDEO|CODEC|CLOSED)$/);
});

test('what is opened once more goes on in number and time', async (t) => {
  const { url } = await camera(t);
  const { world } = told();
  const [before, after] = [await watch({ url }, 3, world), await watch({ url }, 3, world)].map((one) => one.pictures);
  const [last, first] = [before?.at(-1) as Picture, after?.[0] as Picture];
  assert.ok(first.index > last.index && first.ptsMs > last.ptsMs);
});

test('HLS comes in pieces and is read in its own time', async (t) => {
  const pieces = await startHttpCamera(hls(3));
  t.after(() => pieces.stop());
  const link = await open(schema.parse({ url: pieces.url.replace(/live$/, 'live.m3u8'), fps: 10 }), [], told().world);
  const startedMs = performance.now();
  const seen: Picture[] = [];
  for await (const picture of link.frames(new AbortController().signal)) if (seen.push(picture) === 10) break;
  assert.ok(seen.every(({ ptsMs }) => ptsMs % 100 === 0));
  // A piece at once would be there within a moment.
  assert.ok(performance.now() - startedMs > 500);
});

test('a camera that shows the same all the time gives a picture a second; what came between is counted as still', async (t) => {
  const { url, stop } = await startHttpCamera(jpegs(1));
  t.after(() => stop());
  const { world, events } = told();
  const { pictures: given } = await watch({ url }, 3, world);
  const [first, , last] = given as [Picture, Picture, Picture];
  const still = events.filter(({ kind }) => kind === 'picture_still').length;
  assert.ok(still > 0 && still >= last.index - first.index + 1 - given.length, `${still} of ${last.index}`);
  assert.ok(
    given.every(({ yuv, ptsMs }, at) => at === 0 || (ptsMs > (given[at - 1] as Picture).ptsMs && Buffer.compare(yuv, first.yuv) === 0)),
  );
});

test('whose pictures come to nothing gives fewer, down to the declared least, counts them, and says when that is too many', async (t) => {
  const { url } = await camera(t);
  const { world, events, faults } = told();
  const link = await open(schema.parse({ url, fps: 10, minFps: 2, motion: 'off' }), [], world);
  const seen: Picture[] = [];
  for await (const picture of link.frames(new AbortController().signal)) {
    picture.late?.();
    if (seen.push(picture) === 50) break;
  }
  const steps = seen.slice(-10).map(({ ptsMs }, at) => ptsMs - (seen.at(at - 11) as Picture).ptsMs);
  assert.ok(steps.every((ms) => ms >= 500), String(steps));
  assert.deepEqual(faults(), ['CV_CAMERA_SLOW']);
  assert.ok(events.some((event) => event.kind === 'fault_cleared' && event.code === 'CV_CAMERA_SLOW'), 'no word of it is left standing');
  const lost = events.reduce((sum, event) => sum + (event.kind === 'samples_lost' && event.reason === 'picture_late' ? event.count : 0), 0);
  assert.equal(lost, ((seen.at(-1) as Picture).index - (seen[0] as Picture).index + 1 - seen.length) * 3);
});
