/** What can be wrong with a camera's pictures, as data. In order of precedence: one cause gives one finding, the first. */

export interface FindingKind {
  id: string;
  zh: string;
  en: string;
  /** How long it must show, ms of presentation time, before it is said; and how long it must not, before it is taken back. */
  onMs: number;
  offMs: number;
}

/**
 * A black picture is dark, flat and unchanging as well; a bright one loses its colours and edges; snow hides both; who sees
 * nothing sharp, or nothing but a cover, sees nothing change; and who shakes sees another scene at each look.
 */
export const FINDINGS = [
  { id: 'stalled', zh: '无画面（视频流中断）', en: 'no pictures (the stream stands still)', onMs: 0, offMs: 0 },
  { id: 'black', zh: '黑屏', en: 'black', onMs: 2000, offMs: 3000 },
  { id: 'under-exposed', zh: '过暗（欠曝）', en: 'too dark (under-exposed)', onMs: 3000, offMs: 5000 },
  { id: 'over-exposed', zh: '过亮（过曝）', en: 'too bright (over-exposed)', onMs: 3000, offMs: 5000 },
  { id: 'noisy', zh: '雪花噪声', en: 'snow (noise)', onMs: 2000, offMs: 5000 },
  { id: 'colour-cast', zh: '偏色', en: 'colour cast', onMs: 3000, offMs: 5000 },
  { id: 'blurred', zh: '模糊（失焦）', en: 'blurred (out of focus)', onMs: 3000, offMs: 5000 },
  { id: 'occluded', zh: '遮挡', en: 'covered', onMs: 3000, offMs: 5000 },
  { id: 'frozen', zh: '画面冻结', en: 'frozen', onMs: 1000, offMs: 3000 },
  { id: 'shaking', zh: '抖动', en: 'shaking', onMs: 1000, offMs: 5000 },
  { id: 'wrong-scene', zh: '场景变更（摄像机被移动）', en: 'another scene (the camera was moved)', onMs: 5000, offMs: 5000 },
] as const satisfies readonly FindingKind[];

export type Finding = (typeof FINDINGS)[number]['id'];

/** How much of it there is, 0 to 1; 0.5 is where it is called a fault, unless a camera's settings say otherwise. */
export type Scores = Readonly<Record<Finding, number>>;

/** 0.5 at `limit`, 1 at twice of it. */
export function scoreAbove(value: number, limit: number): number {
  return Math.min(1, Math.max(0, value / (2 * limit)));
}

/** 0.5 at `limit`, 1 at nothing. */
export function scoreBelow(value: number, limit: number): number {
  return Math.min(1, Math.max(0, 1 - value / (2 * limit)));
}
