/** Faults of video, made by ffmpeg's filters of clips that have none. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PictureFinding } from '../../scene/picture-findings.ts';

const run = promisify(execFile);

const SECONDS = 24;
/** When it begins; the camera has shown its scene until then. */
const AT = 8;
const from = `enable='gte(t,${AT})'`;

/** What a clip is passed through; more than one where a fault has more than one face. */
export const FILTERS: Partial<Record<PictureFinding, readonly string[]>> = {
  'black': ['drawbox=c=black:t=fill', `drawbox=c=black:t=fill:${from}`],
  'under-exposed': ['eq=brightness=-0.4', `lutyuv=y='16+(val-16)*0.15':${from}`],
  'over-exposed': ['eq=brightness=0.5', `lutyuv=y='min(val*2.5,255)':${from}`],
  'frozen': [`trim=0:${AT},tpad=stop_mode=clone:stop_duration=${SECONDS - AT}`],
  'noisy': ['noise=alls=60:allf=t+u', `noise=alls=100:allf=t:${from}`],
  'colour-cast': ['colorbalance=rs=.5:rm=.5:rh=.5', `colorchannelmixer=rr=0.5:gg=1:bb=0.5:${from}`],
  blurred: ['gblur=sigma=8', `gblur=sigma=4:${from}`, 'boxblur=8:2'],
  occluded: [`drawbox=x=0:y=0:w=iw*0.6:h=ih:c=gray:t=fill:${from}`, 'drawbox=x=iw*0.2:y=0:w=iw*0.7:h=ih:c=0x303030:t=fill'],
  shaking: [
    "crop=iw-48:ih-48:'24+20*sin(n*2.1)':'24+16*cos(n*1.7)',scale=768:-2",
    "crop=iw-32:ih-32:'16+random(1)*14-7':'16+random(2)*14-7',scale=768:-2",
  ],
};

/** @returns the path of a new clip below `folder` */
export async function filterClip(source: string, filter: string, folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.mkv`);
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-t', String(SECONDS), '-i', source, '-vf', filter, '-an', ...ENCODED, '-y', path]);
  return path;
}

/** One clip, then another: the camera was turned. */
export async function changeClip(source: string, other: string, folder: string): Promise<string> {
  const path = join(folder, 'wrong-scene.mkv');
  const like = 'scale=768:432,fps=10,setsar=1';
  await run('ffmpeg', [
    '-v',
    'error',
    '-nostdin',
    '-t',
    String(AT),
    '-i',
    source,
    '-t',
    String(SECONDS - AT),
    '-i',
    other,
    '-filter_complex',
    `[0:v]${like}[a];[1:v]${like}[b];[a][b]concat`,
    '-an',
    ...ENCODED,
    '-y',
    path,
  ]);
  return path;
}

/** A source that stops in the middle and keeps its line open; until it stops there is enough to see what it is. The caller ends it. */
export async function stopClip(source: string, folder: string): Promise<{ path: string; child: ChildProcess }> {
  const path = join(folder, 'stalled.pipe');
  await run('mkfifo', [path]);
  // A shell that opens the pipe once, so that it stays open when ffmpeg has gone.
  const child = spawn(
    'sh',
    [
      '-c',
      'exec 3<>"$2"; ffmpeg -v error -nostdin -re -t 12 -i "$1" -an -c:v mpeg2video -q:v 4 -f mpegts -y pipe:3; exec sleep 60',
      'sh',
      source,
      path,
    ],
    { stdio: 'ignore' },
  );
  return { path, child };
}

const ENCODED = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-threads', '1'];
