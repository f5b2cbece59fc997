/** gst-rtsp-server as cameras: three codecs behind digest authentication, a wrong password, and a server that dies again and again. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Picture } from '../../core/driver.ts';
import type { FaultError } from '../../core/faults.ts';
import { realWorld } from '../../core/world.ts';
import driver from '../../drivers/camera/driver.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings } from '../../drivers/camera/settings.ts';
import { read } from '../../edge/read/read.ts';
import { isPicture } from '../../edge/item.ts';
import { freePort } from '../../core/free-port.ts';

export const LOGIN = { user: 'cam', password: 'p@ss:1/?' };
export const CODECS = ['h264', 'h265', 'mjpeg'] as const;
const KILLS = 10;
const DEFAULT_MINUTES = 2.5;
const FREEZE_MS = 30_000;
/** From the kill on; the server needs a part of it to come up again. */
const BACK_WITHIN_MS = 10_000;
const PERIOD_MS = 100;

export const peers: { name: string; run(options: { minutes?: number }): Promise<void> }[] = [
  { name: 'rtsp: H.264, H.265 and MJPEG of gst-rtsp-server by TCP and UDP, behind digest; a wrong password is told', run: speaks },
  {
    name: `rtsp: the server is killed ${KILLS} times, and pictures are back each time (--minutes 30)`,
    run: ({ minutes = DEFAULT_MINUTES }) => survives(minutes),
  },
  { name: 'rtsp: the same address comes back with another codec, and pictures with it', run: changes },
  { name: 'rtsp: the server stands still for 30 s, which is told, and then goes on', run: freezes },
];

async function speaks(): Promise<void> {
  const port = await freePort();
  const server = await startServer(port);
  const world = realWorld(() => {});
  try {
    for (const codec of CODECS) {
      for (const transport of ['tcp', 'udp'] as const) {
        const link = await open(settings.parse({ url: `rtsp://127.0.0.1:${port}/${codec}`, ...LOGIN, fps: 10, transport }), [], world);
        const pictures: Picture[] = [];
        for await (const picture of link.frames(new AbortController().signal)) if (pictures.push(picture) === 10) break;
        assert.ok(pictures.every(({ width, height }) => width === 320 && height === 240));
        const steps = pictures.slice(1).map(({ ptsMs }, index) => Math.round(ptsMs - (pictures[index] as Picture).ptsMs));
        // Where a packet is lost, or nobody had the time to look, a picture is left out.
        assert.ok(steps.every((ms) => ms % PERIOD_MS === 0), `${codec} ${transport}: ${steps.join(' ')} ms`);
      }
    }
    const refused = async (change: object) =>
      open(settings.parse({ url: `rtsp://127.0.0.1:${port}/h264`, ...LOGIN, ...change }), [], world).then(
        (link) => link.close(),
        (error: FaultError) => error.fault.code,
      );
    assert.equal(await refused({ password: 'wrong' }), 'CV_CAMERA_LOGIN');
    assert.equal(await refused({ url: `rtsp://127.0.0.1:${port}/none` }), 'CV_CAMERA_NO_STREAM');
  } finally {
    await stopServer(server);
  }
}

/** An edge's host with a camera of each kind. */
async function watching(port: number, paths: readonly string[] = CODECS) {
  const cameras = new Map<string, { count: number; wake: () => void }>(paths.map((codec) => [codec, { count: 0, wake: () => {} }]));
  const point = {
    id: 'persons',
    indicator: 'T',
    unit: '{person}',
    scale: 1,
    offset: 0,
    faultCodes: [],
    limits: [],
    kind: 'measurement' as const,
    own: { id: 'persons' },
  };
  const devices = paths.map((codec) => ({
    driver,
    setup: {
      id: codec,
      driver: 'camera',
      subject: codec,
      everyMs: 1000,
      timeoutMs: 10_000,
      points: [point],
      settings: settings.parse({ url: `rtsp://127.0.0.1:${port}/${codec}`, ...LOGIN, fps: 10 }),
    },
  }));
  const faults = new Map<string, number>();
  const host = read(
    devices,
    realWorld((event) => {
      if (event.kind === 'fault') faults.set(event.fault.code, (faults.get(event.fault.code) ?? 0) + 1);
    }),
  );
  await host.open?.((items) => {
    for (const item of items.filter(isPicture)) {
      const camera = cameras.get(item.device);
      if (!camera) continue;
      camera.count += 1;
      camera.wake();
    }
  });
  return {
    /** When the next picture of each is there: ms from now. */
    back: () => {
      const fromMs = performance.now();
      return Promise.all(
        [...cameras.values()].map(
          (camera) =>
            new Promise<number>((resolve) => {
              camera.wake = () => resolve(performance.now() - fromMs);
            }),
        ),
      );
    },
    said: () =>
      `${[...cameras].map(([codec, { count }]) => `${codec} ${count}`).join(', ')} pictures; faults ${[...faults].map(([code, count]) => `${code} ${count}`).join(', ')}`,
    faults,
    close: async () => host.close?.(),
  };
}

const wait = (delayMs: number) => new Promise((resolve) => { setTimeout(resolve, delayMs); });

async function survives(minutes: number): Promise<void> {
  const port = await freePort();
  let server = await startServer(port);
  const watch = await watching(port);
  const memory: number[] = [];
  const sampling = setInterval(() => { memory.push(process.memoryUsage().rss / 2 ** 20); }, 1000);
  const backMs: number[] = [];
  try {
    await watch.back();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await wait((minutes * 60_000) / (KILLS + 1));
      assert.equal(children().length, CODECS.length + 1, 'one ffmpeg a camera, and the server');
      await stopServer(server, 'SIGKILL');
      const back = watch.back();
      server = await startServer(port);
      backMs.push(...await back);
    }
    await wait((minutes * 60_000) / (KILLS + 1));
  } finally {
    clearInterval(sampling);
    await watch.close();
    await stopServer(server);
  }
  const [early, late] = [median(part(memory, 1)), median(part(memory, 4))];
  process.stdout.write(
    `  ${minutes} min, ${KILLS} kills: back after ${Math.round(median(backMs))} ms (median), ${Math.round(Math.max(...backMs))} ms at most; ${watch.said()}; memory ${early.toFixed(0)} → ${late.toFixed(0)} MB\n`,
  );
  assert.ok(Math.max(...backMs) <= BACK_WITHIN_MS, backMs.map(Math.round).join(' '));
  assert.ok(late <= early * 1.1 + 5, 'memory is flat');
  assert.deepEqual(children(), [], 'no child is left');
}

/** Somebody sets the camera to another codec: it hangs up, and its address gives another stream. */
async function changes(): Promise<void> {
  const port = await freePort();
  let server = await startServer(port, 'h264');
  const watch = await watching(port, ['cam']);
  const backMs: number[] = [];
  try {
    await watch.back();
    for (const codec of ['h265', 'mjpeg', 'h264'] as const) {
      await stopServer(server, 'SIGKILL');
      const back = watch.back();
      server = await startServer(port, codec);
      backMs.push(...await back);
    }
  } finally {
    await watch.close();
    await stopServer(server);
  }
  process.stdout.write(`  H.265, MJPEG, H.264: back after ${backMs.map(Math.round).join(', ')} ms; ${watch.said()}\n`);
  assert.ok(Math.max(...backMs) <= BACK_WITHIN_MS, backMs.map(Math.round).join(' '));
  assert.deepEqual(children(), [], 'no child is left');
}

/** Nothing is closed, and nothing comes: a switch that hangs, a camera that is busy with itself. */
async function freezes(): Promise<void> {
  const port = await freePort();
  const server = await startServer(port);
  const watch = await watching(port);
  try {
    await watch.back();
    server.kill('SIGSTOP');
    await wait(FREEZE_MS);
    assert.equal(watch.faults.get('CV_CAMERA_SILENT'), CODECS.length);
    const back = watch.back();
    server.kill('SIGCONT');
    const backMs = await back;
    process.stdout.write(`  back ${Math.round(Math.max(...backMs))} ms after ${FREEZE_MS / 1000} s of nothing; ${watch.said()}\n`);
  } finally {
    server.kill('SIGCONT');
    await watch.close();
    await stopServer(server);
  }
  assert.deepEqual(children(), [], 'no child is left');
}

/** The nth fifth. */
const part = (values: readonly number[], fifth: number) =>
  values.slice(Math.floor((values.length * fifth) / 5), Math.floor((values.length * (fifth + 1)) / 5));
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Of this process. */
function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== ''),
  );
}

/** @param codec what is at /cam */
export async function startServer(port: number, codec?: (typeof CODECS)[number]): Promise<ChildProcess> {
  // Its bindings belong to Debian's own Python, which need not be the first in PATH.
  const child = spawn(
    '/usr/bin/python3',
    [join(import.meta.dirname, 'rtsp-server.py'), String(port), LOGIN.user, LOGIN.password, ...(codec === undefined ? [] : [codec])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`gst-rtsp-server ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', () => resolve());
  });
  child.removeAllListeners('exit');
  return child;
}

export async function stopServer(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => { child.once('close', resolve); });
  child.kill(signal);
  await gone;
}
