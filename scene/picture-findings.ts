/** What can be wrong with a camera's pictures, as data. In order of precedence: one cause gives one finding, the first. */

export interface PictureFindingKind {
  id: string;
  zh: string;
  en: string;
  /** How long it must show, ms of presentation time, before it is said; and how long it must not, before it is taken back. */
  onMs: number;
  offMs: number;
}

/**
 * A black picture is dark, flat and unchanging as well; a bright one loses its colours and edges; snow hides both; a cover has
 * a colour of its own; who sees nothing sharp, or nothing but a cover, sees nothing change; and who shakes sees another scene
 * at each look.
 */
export const PICTURE_FINDINGS = [
  { id: 'ended', zh: '视频文件已播完（循环播放请设 loop: true）', en: 'the video file is over (`loop: true` plays it again)', onMs: 0, offMs: 0 },
  { id: 'stalled', zh: '无画面（视频流中断）', en: 'no pictures (the stream stands still)', onMs: 0, offMs: 0 },
  { id: 'black', zh: '黑屏', en: 'black', onMs: 2000, offMs: 3000 },
  { id: 'under-exposed', zh: '过暗（欠曝）', en: 'too dark (under-exposed)', onMs: 3000, offMs: 5000 },
  { id: 'over-exposed', zh: '过亮（过曝）', en: 'too bright (over-exposed)', onMs: 3000, offMs: 5000 },
  { id: 'noisy', zh: '雪花噪声', en: 'snow (noise)', onMs: 2000, offMs: 5000 },
  { id: 'blurred', zh: '模糊（失焦）', en: 'blurred (out of focus)', onMs: 3000, offMs: 5000 },
  { id: 'occluded', zh: '遮挡', en: 'covered', onMs: 3000, offMs: 5000 },
  { id: 'colour-cast', zh: '偏色', en: 'colour cast', onMs: 3000, offMs: 5000 },
  { id: 'frozen', zh: '画面冻结', en: 'frozen', onMs: 1000, offMs: 3000 },
  { id: 'shaking', zh: '抖动', en: 'shaking', onMs: 1000, offMs: 5000 },
  { id: 'wrong-scene', zh: '场景变更（摄像机被移动）', en: 'another scene (the camera was moved)', onMs: 5000, offMs: 5000 },
] as const satisfies readonly PictureFindingKind[];

export type PictureFinding = (typeof PICTURE_FINDINGS)[number]['id'];

/** What a camera's point `video` says when nothing is wrong. */
export const GOOD_PICTURE = 'good';
