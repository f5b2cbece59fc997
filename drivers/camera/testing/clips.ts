/** Clips for tests, made on the spot: what a camera would send, picture by picture. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_CODE = Buffer.from([0, 0, 1]);
const DELIMITER = 9;

export interface ClipOptions {
  size?: string;
  pictures?: number;
  /** Pictures from one I-frame to the next. */
  every?: number;
}

/** H.264 as cameras send it: each picture is a list of units, without start codes. */
export function h264Pictures({ size = '64x48', pictures = 40, every = 5 }: ClipOptions = {}): Buffer[][] {
  const stream = execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=10`,
    '-frames:v',
    String(pictures),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-x264-params',
    `keyint=${every}:scenecut=0:aud=1:sliced-threads=0:log-level=none`,
    '-pix_fmt',
    'yuv420p',
    '-f',
    'h264',
    'pipe:1',
  ]);
  const found: Buffer[][] = [];
  for (let at = stream.indexOf(START_CODE); at >= 0;) {
    const next = stream.indexOf(START_CODE, at + START_CODE.length);
    const unit = trimmed(stream.subarray(at + START_CODE.length, next < 0 ? undefined : next));
    if (((unit[0] ?? 0) & 0x1f) === DELIMITER) found.push([]);
    else found.at(-1)?.push(unit);
    at = next;
  }
  return found;
}

/** A longer start code begins with a zero that belongs to no unit. */
function trimmed(unit: Buffer): Buffer {
  return unit.at(-1) === 0 ? unit.subarray(0, -1) : unit;
}

export function jpegs(pictures: number): Buffer[] {
  const stream = execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=64x48:rate=10',
    '-frames:v',
    String(pictures),
    '-c:v',
    'mjpeg',
    '-f',
    'mjpeg',
    'pipe:1',
  ]);
  const starts: number[] = [];
  for (let at = stream.indexOf(Buffer.from([0xff, 0xd8])); at >= 0; at = stream.indexOf(Buffer.from([0xff, 0xd8]), at + 2)) starts.push(at);
  return starts.map((at, number) => stream.subarray(at, starts[number + 1]));
}

export function flv(seconds: number): Buffer {
  return execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=64x48:rate=10:duration=${seconds}`,
    '-c:v',
    'flv',
    '-f',
    'flv',
    'pipe:1',
  ]);
}

/** Files of a second each, and `live.m3u8`, which names them. */
export function hls(seconds: number): Map<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'cv-hls-'));
  try {
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=64x48:rate=10:duration=${seconds}`,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-g',
      '10',
      '-f',
      'hls',
      '-hls_time',
      '1',
      '-hls_list_size',
      '0',
      join(folder, 'live.m3u8'),
    ]);
    return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
