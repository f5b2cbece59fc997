/** The demo's acts, in seconds after `demo running`: what happens by itself and what the viewer may look at and try. */
import type { BilingualText } from '../../core/bilingual-text.ts';

export interface DemoAct {
  atSeconds: number;
  /** What the rig does, besides saying the words. */
  does?: 'kill-edge' | 'cut-network';
  /** Only where the demo's own clip is played. */
  needs?: 'clip';
  /** Only in unattended runs; with a viewer, these are theirs to press. */
  unattended?: boolean;
  /** From when on nothing of it is felt any more; an unattended run that ends before leaves it out. */
  healsBySeconds?: number;
  words: BilingualText;
}

export const CUT_SECONDS = 20;
/** The storm raises the water to its limit at about this time; a warning is expected soon after, and its end later. */
export const RAISED_BY_SECONDS = 45;
export const CLEARED_BY_SECONDS = 80;

export const DEMO_ACTS: readonly DemoAct[] = [
  {
    atSeconds: 0,
    words: {
      en: 'calm: pump station, air station and camera report; look at the values moving',
      zh: '平静：泵站、空气站和摄像机正常上报；请看数值变化',
    },
  },
  {
    atSeconds: 8,
    does: 'kill-edge',
    unattended: true,
    healsBySeconds: 20,
    words: { en: 'the edge is killed (−9) and started again', zh: '边缘节点被强制终止（−9）后重新启动' },
  },
  { atSeconds: 15, words: { en: 'rain: the water level rises', zh: '降雨：水位上涨' } },
  { atSeconds: 50, words: { en: 'the rain ends: the water falls, the warning will clear', zh: '雨停：水位回落，预警将解除' } },
  {
    atSeconds: 52,
    needs: 'clip',
    words: {
      en: 'the camera: people on the road and in the bay are counted, crossings at the entry; when somebody steps on the lawn, a warning',
      zh: '摄像机：统计道路上的人数、停车位的车辆和入口的进出；有人踏上草坪时发出预警',
    },
  },
  {
    atSeconds: 60,
    words: {
      en: 'try: press c to cut the network for 20 s, k to kill the edge; watch the edge log and "missing 0, twice 0"',
      zh: '试一试：按 c 断网 20 秒，按 k 终止边缘节点；观察边缘缓存与“缺失 0，重复 0”',
    },
  },
  {
    atSeconds: 62,
    does: 'cut-network',
    unattended: true,
    healsBySeconds: 62 + CUT_SECONDS + 5,
    words: { en: `the network is cut for ${CUT_SECONDS} s; the edge keeps everything`, zh: `断网 ${CUT_SECONDS} 秒；边缘节点全部留存` },
  },
];
