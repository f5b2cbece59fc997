/** A camera with a ring and clips, outside an edge: the driver, ffmpeg and the disk are the real ones. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Picture } from '../../core/driver.ts';
import type { Clip, Draft } from '../../core/event.ts';
import { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realWorld, type World } from '../../core/world.ts';
import camera from '../../drivers/camera/driver.ts';
import type { CameraLink } from '../../drivers/camera/link.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import { EventClips } from '../../edge/infer/evidence/clips/event-clips.ts';
import { CameraRings } from '../../edge/infer/evidence/clips/camera-rings.ts';
import { CLIP_SETTINGS, clipSetup } from '../../edge/infer/evidence/clips/setup.ts';

export interface ClipCamera {
  dir: string;
  world: World;
  told: TelemetryEvent[];
  kept: EvidenceFolder;
  clips: EventClips;
  made(): Clip[];
  /** Its fault ends the pictures, and is given back. */
  play(
    url: string,
    see: (picture: Picture, link: CameraLink) => void,
    settings?: Record<string, unknown>,
  ): Promise<{ pictures: number; fault: string }>;
  close(): Promise<void>;
}

export async function clipCamera(written: Record<string, unknown>): Promise<ClipCamera> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-clips-'));
  const told: TelemetryEvent[] = [];
  const world = realWorld((event) => { told.push(event); });
  const setup = clipSetup(CLIP_SETTINGS.parse(written), join(dir, 'evidence'), (path) => path);
  const rings = new CameraRings(setup, 'rig', world);
  const kept = await EvidenceFolder.open({ ...setup, isPrivate: true }, world.clock);
  const drafts: Draft[] = [];
  const clips = new EventClips(
    {
      edge: 'rig',
      centre: '500112001',
      setup,
      workDir: join(setup.dir, 'kept'),
      ringOf: (id) => rings.of(id),
      folder: () => kept,
      deviceOf: () => undefined,
      record: (draft) => {
        drafts.push(draft);
      },
    },
    world,
  );
  return {
    dir, world, told, kept, clips,
    made: () => drafts.flatMap(({ evidence = [] }) => evidence.filter((one) => one.kind === 'clip')),
    async play(url, see, settings = {}) {
      const device: OpenDevice = {
        setup: {
          id: 'cam',
          driver: 'camera',
          subject: 'cam',
          settings: camera.settings.parse({ url, diagnosis: 'off', ...settings }),
          everyMs: 1000,
          timeoutMs: 5000,
          points: [],
        },
        driver: camera,
      };
      const link = (await rings.wrapDevice(device).driver.open(device.setup.settings, [], world)) as unknown as CameraLink;
      let pictures = 0;
      try {
        for await (const picture of link.frames(new AbortController().signal)) {
          pictures += 1;
          see(picture, link);
        }
        return { pictures, fault: '' };
      } catch (error) {
        return { pictures, fault: (error as Error).name };
      } finally {
        await link.close();
      }
    },
    async close() {
      await clips.close();
      await rings.close();
      await kept.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** One picture in ten is a key frame. */
export function patternClip(path: string, seconds: number, size = '320x240'): void {
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=10:duration=${seconds}`,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '10',
    '-pix_fmt',
    'yuv420p',
    '-y',
    path,
  ]);
}
