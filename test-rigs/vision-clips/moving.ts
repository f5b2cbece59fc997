/** Boxes that move as they are told to, rendered to a clip: what happens in it, and when, is known exactly. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ActorClass } from './blobs.ts';
import { COLOURS } from './blobs.ts';

export interface MovingActor {
  class: ActorClass;
  /** Fractions of the picture. */
  width: number;
  height: number;
  /** Where it stands (the middle of its lower edge) at this second; null while it is not there. */
  foot(second: number): readonly [x: number, y: number] | null;
}

export interface MovingClip {
  width: number;
  height: number;
  fps: number;
  seconds: number;
  actors: readonly MovingActor[];
}

const BACKGROUND = { y: 112, u: 128, v: 128 };

/** @throws Error what ffmpeg said */
export async function renderClip(path: string, clip: MovingClip): Promise<void> {
  const { width, height, fps, seconds } = clip;
  const child = spawn(
    'ffmpeg',
    [
      '-v',
      'error',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${width}x${height}`,
      '-r',
      String(fps),
      '-i',
      'pipe:0',
      '-c:v',
      'mpeg4',
      '-q:v',
      '2',
      '-y',
      path,
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const ended = once(child, 'close');
  for (let index = 0; index < Math.round(seconds * fps); index += 1) {
    if (!child.stdin.write(drawn(clip, index / fps))) await Promise.race([once(child.stdin, 'drain'), ended]);
  }
  child.stdin.end();
  const [code] = await ended as [number | null];
  if (code !== 0) throw new Error(said);
}

function drawn({ width, height, actors }: MovingClip, second: number): Uint8Array {
  const luma = width * height;
  const frame = new Uint8Array((luma * 3) / 2)
    .fill(BACKGROUND.y, 0, luma)
    .fill(BACKGROUND.u, luma, luma * 1.25)
    .fill(BACKGROUND.v, luma * 1.25);
  for (const actor of actors) {
    const foot = actor.foot(second);
    if (!foot) continue;
    const [left, right] = [(foot[0] - actor.width / 2) * width, (foot[0] + actor.width / 2) * width];
    const [top, bottom] = [(foot[1] - actor.height) * height, foot[1] * height];
    const { y, u, v } = COLOURS[actor.class];
    fill(frame, 0, width, height, [left, top, right, bottom], y);
    fill(frame, luma, width / 2, height / 2, [left / 2, top / 2, right / 2, bottom / 2], u);
    fill(frame, luma * 1.25, width / 2, height / 2, [left / 2, top / 2, right / 2, bottom / 2], v);
  }
  return frame;
}

function fill(
  frame: Uint8Array,
  offset: number,
  columns: number,
  rows: number,
  [left, top, right, bottom]: readonly [number, number, number, number],
  value: number,
): void {
  const [from, to] = [Math.max(0, Math.round(left)), Math.min(columns, Math.round(right))];
  for (let row = Math.max(0, Math.round(top)); row < Math.min(rows, Math.round(bottom)); row += 1) {
    if (to > from) frame.fill(value, offset + row * columns + from, offset + row * columns + to);
  }
}
