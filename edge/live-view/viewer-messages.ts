/** What people who watch a camera are told beside its pictures: where its zones and lines are, and what is seen there. Pure. */
import type { LiveScene, LiveSeen } from '../../api/live-view.ts';
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import type { ModelSpec } from '../../core/model.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import type { PictureSettings } from '../../scene/picture-settings.ts';
import { shownBoxes } from '../infer/count/point-values.ts';
import type { MeasureValue } from '../infer/zones/zone.ts';
import type { Track } from '../infer/track/tracker.ts';

/** A picture, and what its camera's zones and lines had to say of it. */
export interface AnalysedPicture {
  device: string;
  picture: Pick<Picture, 'ptsMs'>;
  /** ms UTC. */
  at: number;
  boxes: readonly Box[];
  tracks: readonly Track[];
  measures: readonly Pick<MeasureValue, 'point' | 'kind' | 'value'>[];
  model?: Pick<ModelSpec, 'classes' | 'classesZh'> | undefined;
}

/** By point: what each measurement and state of a camera said last. */
export type LastMeasures = Readonly<Record<string, number>>;

/** @param settings of a camera, checked */
export function sceneMessage(settings: unknown, isReplay: boolean): LiveScene {
  const { zones = [], lines = [], mask = [] } = (settings ?? {}) as Partial<SceneSettings & PictureSettings>;
  const named = ({ id, zh = id, en = id }: { id: string; zh?: string | undefined; en?: string | undefined }) => ({ id, name: { zh, en } });
  return {
    kind: 'scene', isReplay, masks: mask,
    zones: zones.map((zone) => ({ ...named(zone), polygon: zone.polygon })),
    lines: lines.map((line) => ({ ...named(line), from: line.from, to: line.to, inside: line.inside })),
  };
}

/** States are said when they change: who comes later is told what they stand at. */
export function updateLastMeasures(before: LastMeasures = {}, readings: AnalysedPicture['measures']): LastMeasures {
  const lasting = readings.filter(({ kind }) => kind !== 'occurrence');
  return lasting.length === 0 ? before : { ...before, ...Object.fromEntries(lasting.map(({ point, value }) => [point, value])) };
}

export function detectionsMessage({ picture, at, boxes, tracks, measures, model }: AnalysedPicture, standing: LastMeasures): LiveSeen {
  const nameOf = (label: string) => model?.classesZh?.[model.classes.indexOf(label)];
  return {
    kind: 'seen', at, ptsMs: picture.ptsMs, values: standing,
    happened: Object.fromEntries(measures.filter(({ kind }) => kind === 'occurrence').map(({ point, value }) => [point, value])),
    boxes: shownBoxes({ tracks, boxes }).map(({ class: label, x, y, width, height, track }) => {
      const zh = nameOf(label);
      return { class: label, ...(zh !== undefined && { zh }), ...(track !== undefined && { track }), x, y, width, height };
    }),
  };
}
