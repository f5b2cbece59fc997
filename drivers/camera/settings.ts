/** Settings of a camera. */
import { z } from 'zod';
import { sceneProblems } from '../../scene/check.ts';
import { SCENE_FIELDS } from '../../scene/settings.ts';
import { settingIssue } from '../../core/setting.ts';
import { PICTURE_FIELDS } from '../../scene/picture-settings.ts';
import { modelById } from '../../models/index.ts';
import { ADDRESS_FIELDS } from './address.ts';

/** Even: colour planes have half the size. */
const side = () => z.int().min(16).max(4096).multipleOf(2);

export const settings = z
  .object({
    ...ADDRESS_FIELDS,
    fps: z.number().min(0.01).max(60).default(5).meta({ zh: '每秒取几幅图像', en: 'Pictures processed per second' }),
    model: z
      .string()
      .default('centernet-320')
      .meta({
        zh: '检测模型：名称（cityvitals models list）或模型说明文件（.yaml）的路径',
        en: 'Detection model: its name (`cityvitals models list`), or the path of a manifest (.yaml)',
        path: 'yaml',
        examples: ['centernet-320', './models/helmets/model.yaml'],
      }),
    width: side()
      .optional()
      .meta({
        zh: '图像宽度（像素，偶数）；只写一边时另一边按比例，都省略时不超过 768 的画面保持原样，更大的缩小到长边 640',
        en: 'Width of pictures in pixels, even; with one side given, the other keeps the proportions; with neither, pictures of up to 768 stay as they are and larger ones are scaled to 640 on the longer side',
      }),
    height: side().optional().meta({ zh: '图像高度（像素，偶数）', en: 'Height of pictures in pixels, even' }),
    speed: z
      .union([z.literal(1), z.literal('max')])
      .default(1)
      .meta({
        zh: '1 按视频自身时间播放，来不及处理的图像舍弃；max 尽快播放，一幅不丢',
        en: "1 plays at the clip's own rate and drops pictures that cannot be processed in time; max plays as fast as possible and drops none",
      }),
    loop: z.boolean().default(false).meta({ zh: '播完后从头再播', en: 'Starts again at the end' }),
    ...PICTURE_FIELDS,
    ...SCENE_FIELDS,
  })
  .check((context) => {
    for (const { path, en, zh } of sceneProblems(context.value, modelById(context.value.model) ?? null)) {
      context.issues.push({ code: 'custom', path, input: context.value, ...settingIssue(en, zh) });
    }
  });
export type CameraSettings = z.infer<typeof settings>;

/** The main stream; default: the only one. */
export function mainUrlOf({ url, mainUrl }: Pick<CameraSettings, 'url' | 'mainUrl'>): string {
  return mainUrl ?? url;
}

/** The change that a picture needs to be passed on; undefined: all are. */
export function stillBelowOf({ motion }: Pick<CameraSettings, 'motion'>): number | undefined {
  return motion === 'off' ? undefined : motion.contrast;
}

/** A low frame rate allows a longer silence. */
export function silenceMsOf({ silence, fps }: Pick<CameraSettings, 'silence' | 'fps'>): number {
  return Math.max(silence, (PICTURES_IN_SILENCE * 1000) / fps);
}

const PICTURES_IN_SILENCE = 3;
