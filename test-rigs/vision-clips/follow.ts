/** Real clips through the camera's link, a real detector and the tracker, against what a person saw in them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import type { GateSettings } from '../../scene/picture-settings.ts';
import { FaultError } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import { sharedFolder } from '../../core/testing/shared.ts';
import { realWorld } from '../../core/world.ts';
import { open } from '../../drivers/camera/link.ts';
import { settings as cameraSettings } from '../../drivers/camera/settings.ts';
import { cropOf } from '../../edge/infer/evidence/crop.ts';
import { mergeSecondLook } from '../../edge/infer/detect/second-look.ts';
import { cameraPipeline, type CameraPipeline } from '../../edge/infer/camera-pipeline.ts';
import { LOW_SCORE_SHARE } from '../../edge/infer/detect/open-detectors.ts';
import { EMPTY_TRACKER, updateTracks } from '../../edge/infer/track/tracker.ts';
import type { Detector } from '../../models/detector.ts';
import { openDetector } from '../../models/load.ts';

export interface DetectedClip {
  ptsMs: number;
  boxes: Box[];
  lowScoreBoxes: Box[];
  aspect: number;
  /** Nothing moved: what the look before it saw. */
  isHeld?: boolean;
}

/** Every picture of a clip with what the model sees in it. @param untilMs presentation time at which to stop. @param motion the gate that a camera would have; none: every picture is looked at */
export async function detectClip(
  path: string,
  spec: ModelSpec,
  fps: number,
  untilMs = Infinity,
  motion?: Partial<GateSettings>,
): Promise<DetectedClip[]> {
  const world = realWorld(() => {});
  const detector = await openDetector(spec, { scoreThreshold: spec.scoreThreshold * LOW_SCORE_SHARE }, world);
  const looks: DetectedClip[] = [];
  const sight = motion ? cameraPipeline(cameraSettings.parse({ url: `file:${path}`, motion }), spec.scoreThreshold) : null;
  try {
    const link = await open(cameraSettings.parse({ url: `file:${path}`, fps, speed: 'max', motion: motion ?? 'off' }), [], world);
    try {
      for await (const picture of link.frames(new AbortController().signal)) {
        const { ptsMs, width, height, aspect = width / height } = picture;
        if (ptsMs > untilMs) break;
        const last = looks.at(-1);
        if (sight?.heldDetections(picture) && last) {
          looks.push({ ...last, ptsMs, isHeld: true });
          continue;
        }
        const boxes = await lookTwice(detector, picture, sight);
        sight?.setDetections(boxes, spec.id, picture.index);
        const isSure = ({ score }: Box) => score >= spec.scoreThreshold;
        looks.push({ ptsMs, boxes: boxes.filter(isSure), lowScoreBoxes: boxes.filter((box) => !isSure(box)), aspect });
      }
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.code !== 'CV_VIDEO_ENDED') throw error;
    } finally {
      await link.close();
    }
  } finally {
    await detector.close();
  }
  return looks;
}

/** As the infer station does. */
async function lookTwice(detector: Detector, picture: Picture, sight: CameraPipeline | null): Promise<Box[]> {
  const { boxes } = await detector.detect(picture);
  const part = sight?.secondLookArea(boxes);
  const crop = part && cropOf(picture, part);
  return crop ? mergeSecondLook(boxes, (await detector.detect(crop.picture)).boxes.map(crop.toWhole), part) : boxes;
}

/** A thing that was followed, and the presentation times at which it was seen. */
export interface TrackedClip {
  id: number;
  class: string;
  group: string;
  seenMs: number[];
}

/** @param every takes each such picture, as a camera with that part of the rate would give them */
export function trackClip(looks: readonly DetectedClip[], every = 1): TrackedClip[] {
  const things = new Map<number, TrackedClip>();
  let state = EMPTY_TRACKER;
  for (const look of looks.filter((_, index) => index % every === 0)) {
    state = updateTracks(state, look);
    for (const { id, class: label, group, isConfirmed, seenMs } of state.tracks) {
      if (!isConfirmed || seenMs !== look.ptsMs) continue;
      const thing = things.get(id) ?? { id, class: label, group, seenMs: [] };
      thing.seenMs.push(look.ptsMs);
      things.set(id, { ...thing, class: label });
    }
  }
  return [...things.values()];
}

export interface Visits {
  visits: number;
  tracks: number;
  /** Visits in which somebody was followed, and how often the number changed within one. */
  found: number;
  switches: number;
}

/** One person at a time: each visit should be one track and each track one visit. @param windows ms from and to */
export function judgeVisits(followed: readonly TrackedClip[], windows: readonly (readonly [number, number])[]): Visits {
  const people = followed.filter(({ group }) => group === 'person');
  const inEach = windows.map(([from, to]) => people.filter(({ seenMs }) => seenMs.some((ms) => ms >= from && ms <= to)).length);
  return {
    visits: windows.length,
    tracks: people.length,
    found: inEach.filter((tracks) => tracks > 0).length,
    switches: inEach.reduce((sum, tracks) => sum + Math.max(0, tracks - 1), 0),
  };
}

/** What the manifest of the footage says of a clip. */
export function truthOf(clip: string): string {
  const row = readFileSync(sharedFolder('footage', 'FOOTAGE.tsv') as string, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${clip}\t`));
  if (!row) throw new Error(`${clip} is not in the manifest`);
  return row.split('\t')[9] as string;
}

/** `… about 60-190; …`: numbers of pictures, as times. */
export function visitWindows(clip: string, fps: number): [number, number][] {
  return [...truthOf(clip).matchAll(/\b(\d+)-(\d+)\b/g)].map(([, from, to]) => [(Number(from) * 1000) / fps, (Number(to) * 1000) / fps]);
}

export const scenarioClipPath = (clip: string): string | null => {
  const folder = sharedFolder('footage');
  return folder && join(folder, clip);
};
