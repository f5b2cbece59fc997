/**
 * What the contract suite plays: clips made on the spot, good and bad. A camera's frame is (clip, index, presentation
 * time); samples come from the detector, so a case is run through it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Driver, Picture } from '../../../core/driver.ts';
import type { Case, CaseLine } from '../../testing/cases.ts';
import { badTcpPeers, type DriverDouble, type Peer } from '../../testing/driver-double.ts';
import { seededRandom } from '../../../core/world.ts';
import { replayCamera } from '../../../test-rigs/replay/camera.ts';
import { h264Pictures, jpegs } from './clips.ts';
import { startHttpCamera } from './http-camera.ts';
import { startRtspCamera } from './rtsp-camera.ts';

const run = promisify(execFile);

/** A clip in a folder of its own, that goes with the peer. */
async function clipPeer(name: string, make: (path: string) => Promise<unknown>, settings: Record<string, unknown> = {}): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'cv-clip-'));
  const path = join(folder, name);
  await make(path);
  return {
    settings: { url: `file:${path}`, fps: 10, width: 32, height: 24, ...settings },
    probeFacts: [path, '32 × 24', 'mpeg4', '64 × 48'],
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

function pattern(path: string): Promise<unknown> {
  return run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=5', '-c:v', 'mpeg4', '-y', path]);
}

const HALF_BYTES = 15_000;

async function runCase(recorded: Case, driver: Driver): Promise<CaseLine[]> {
  const { lines, frames } = await replayCamera(recorded, driver);
  assert.deepEqual(frames, recorded.frames);
  return lines;
}

export const double: DriverDouble = {
  good: () => clipPeer('good.avi', pattern, { loop: true }),
  // A pipe into which nobody writes.
  silent: () => clipPeer('silent.avi', (path) => run('mkfifo', [path])),
  resetting: () => clipPeer('short.avi', async (path) => {
    await pattern(path);
    await truncate(path, HALF_BYTES);
  }, { speed: 'max' }),
  garbage: (seed) => clipPeer('garbage.avi', (path) => {
    const random = seededRandom(seed);
    return writeFile(path, Uint8Array.from({ length: 40_000 }, () => Math.floor(random.next() * 256)));
  }),
  runCase,
  frames: async () => [{ frame: { index: 0, ptsMs: 0, width: 4, height: 4, yuv: new Uint8Array(24) } satisfies Picture }],
  mutate(frame, random) {
    const keys = ['index', 'ptsMs', 'width', 'height', 'yuv'];
    const odd = [undefined, null, -1, 0, 0.5, Number.NaN, 1e9, 'x', [], {}, new Uint8Array(Math.floor(random.next() * 80))];
    const pick = <T>(from: readonly T[]) => from[Math.floor(random.next() * from.length)];
    return random.next() < 0.05 ? pick(odd) : { ...(frame as Picture), [pick(keys) as string]: pick(odd) };
  },
};

const networked = (scheme: string) => badTcpPeers((host, port) => ({ settings: { url: `${scheme}://${host}:${port}/live`, fps: 10 } }));

/** Over a network: what a camera does, and what stands in its place. */
export const doubleVariants: Record<string, DriverDouble> = {
  rtsp: {
    ...double, ...networked('rtsp'),
    async good() {
      const camera = await startRtspCamera({ pictures: h264Pictures(), user: 'cam', password: 'p@ss' });
      return {
        settings: { url: camera.url, user: 'cam', password: 'p@ss', fps: 10 },
        probeFacts: [camera.url, 'h264', '64 × 48'],
        connections: camera.connections,
        stop: camera.stop,
      };
    },
  },
  http: {
    ...double, ...networked('http'),
    async good() {
      const camera = await startHttpCamera(jpegs(10));
      return { settings: { url: camera.url, fps: 10 }, probeFacts: [camera.url, 'mjpeg', '64 × 48'], stop: camera.stop };
    },
  },
};
