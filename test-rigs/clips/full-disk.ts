/** A ring on a disk that is too small for it, then is not: pictures come as before, clips do without, said once, and come again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clipCamera, patternClip } from './camera.ts';
import type { ClipCheckFinding } from './check-finding.ts';

const SECONDS = 40;
const DISK_BYTES = 2 << 20;
/** Until when the disk is full, presentation time; the clip is played in its own time, as a full disk is tried again in ours. */
const FREED_MS = 16_000;

export async function fullDisk(): Promise<ClipCheckFinding> {
  const disk = mkdtempSync(join(tmpdir(), 'cv-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    rmSync(disk, { recursive: true, force: true });
    return { ok: null, why: 'no disk of its own may be mounted here (needs root)' };
  }
  const camera = await clipCamera({ before: '3s', after: '3s', ring: { dir: disk } });
  try {
    const source = join(camera.dir, 'source.mkv');
    patternClip(source, SECONDS);
    const filler = join(disk, 'filler');
    let isFree = false;
    const { pictures, fault } = await camera.play(`file:${source}`, ({ ptsMs }) => {
      if (ptsMs === 4000) writeUntilFull(filler);
      if (ptsMs >= FREED_MS && !isFree) {
        isFree = true;
        rmSync(filler);
      }
      if ([11_000, 30_000].includes(ptsMs)) camera.clips.request({ device: 'cam', ptsMs, at: Date.now(), points: [`p${ptsMs}`] });
    }, { fps: 5 });
    await camera.clips.settled();
    const faults = camera.told.flatMap((event) =>
      event.kind === 'fault' ? event.fault.code : event.kind === 'fault_cleared' ? `${event.code} cleared` : [],
    );
    const whole = camera.made().filter(({ short }) => !short);
    const ok =
      pictures === SECONDS * 5 &&
      fault === 'CV_VIDEO_ENDED' &&
      faults.includes('CV_CLIP_DISK') &&
      faults.includes('CV_CLIP_DISK cleared') &&
      whole.length === 1 &&
      whole[0]?.of[0]?.point === 'p30000';
    return { ok, pictures, fault, faults, clips: camera.made().map(({ of, short, durationMs }) => [of[0]?.point, short, durationMs]) };
  } finally {
    await camera.close();
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  }
}

function writeUntilFull(path: string): void {
  for (let bytes = DISK_BYTES; bytes >= 4096; bytes /= 2) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      // So much does not fit any more.
    }
  }
}
