/** What an installer writes for a camera. */
import { z } from 'zod';
import { sceneProblems } from '../../scene/check.ts';
import { SCENE_FIELDS } from '../../scene/settings.ts';
import { settingIssue } from '../../core/setting.ts';
import { PICTURE_FIELDS } from '../../scene/picture-settings.ts';
import { modelById } from '../../models/index.ts';
import { ADDRESS_FIELDS } from './address.ts';

/** PicturePlanes of colour have half of it. */
const side = () => z.int().min(16).max(4096).multipleOf(2);

export const settings = z
  .object({
    ...ADDRESS_FIELDS,
    fps: z.number().min(0.01).max(60).default(5).meta({ zh: '每秒取几幅图像', en: 'Pictures taken a second' }),
    model: z
      .string()
      .default('centernet-320')
      .meta({
        zh: '检测模型：名称（cityvitals models list）或模型说明文件（.yaml）的路径',
        en: 'Detector that looks at them: its name (`cityvitals models list`), or the path of a manifest (.yaml)',
        path: 'yaml',
        examples: ['centernet-320', './models/helmets/model.yaml'],
      }),
    width: side()
      .optional()
      .meta({
        zh: '图像宽度（像素，偶数）；只写一边时另一边按比例，都省略时不超过 768 的画面保持原样，更大的缩小到长边 640',
        en: 'Width of a picture in pixels, even; with one side the other follows, with none pictures of up to 768 stay as they are and larger ones are made 640 long',
      }),
    height: side().optional().meta({ zh: '图像高度（像素，偶数）', en: 'Height of a picture in pixels, even' }),
    speed: z
      .union([z.literal(1), z.literal('max')])
      .default(1)
      .meta({
        zh: '1 按视频自身时间播放，来不及处理的图像舍弃；max 尽快播放，一幅不丢',
        en: "1 plays in the clip's own time and drops pictures that come too fast; max plays as fast as it can and drops none",
      }),
    loop: z.boolean().default(false).meta({ zh: '播完后从头再播', en: 'Begins again when it ends' }),
    ...PICTURE_FIELDS,
    ...SCENE_FIELDS,
  })
  .check((context) => {
    for (const { path, en, zh } of sceneProblems(context.value, modelById(context.value.model) ?? null)) {
      context.issues.push({ code: 'custom', path, input: context.value, ...settingIssue(en, zh) });
    }
  });
export type CameraSettings = z.infer<typeof settings>;

/** The main stream; where none is named there is but one. */
export function mainUrlOf({ url, mainUrl }: Pick<CameraSettings, 'url' | 'mainUrl'>): string {
  return mainUrl ?? url;
}

/** What counts as a change of a picture, where those without one are not handed on. */
export function stillBelowOf({ motion }: Pick<CameraSettings, 'motion'>): number | undefined {
  return motion === 'off' ? undefined : motion.contrast;
}

/** Pictures that are wanted seldom may come seldom. */
export function silenceMsOf({ silence, fps }: Pick<CameraSettings, 'silence' | 'fps'>): number {
  return Math.max(silence, (PICTURES_IN_SILENCE * 1000) / fps);
}

const PICTURES_IN_SILENCE = 3;
