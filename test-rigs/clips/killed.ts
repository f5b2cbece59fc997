/** An ffmpeg that is killed in the middle of a piece: what was whole before is the clip, and no process is left. */
import { join } from 'node:path';
import { clipCamera, patternClip } from './camera.ts';
import type { Finding } from './finding.ts';

const KILLED_AT_MS = 9000;

export async function killedFfmpeg(): Promise<Finding> {
  const camera = await clipCamera({ before: '3s', after: '20s' });
  try {
    const source = join(camera.dir, 'source.mkv');
    patternClip(source, 120);
    let pid = 0;
    const { fault } = await camera.play(`file:${source}`, ({ ptsMs }, link) => {
      pid = link.pid ?? 0;
      if (ptsMs === 8000) camera.clips.request({ device: 'cam', ptsMs, at: Date.now(), points: ['p'] });
      if (ptsMs === KILLED_AT_MS) process.kill(pid, 'SIGKILL');
    }, { fps: 2 });
    await camera.clips.settled();
    const [clip] = camera.made();
    const ok = fault === 'CV_VIDEO_STOPPED' && clip?.short === true && clip.durationMs >= 3000 && !isThere(pid);
    return { ok, fault, short: clip?.short, durationMs: clip?.durationMs };
  } finally {
    await camera.close();
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
