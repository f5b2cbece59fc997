/** What an installer writes for a camera. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { sceneProblems } from '../../core/scene/check.ts';
import { SCENE_FIELDS } from '../../core/scene/settings.ts';
import { complaint } from '../../core/setting.ts';
import { SIGHT_FIELDS } from '../../core/sight.ts';
import { modelById } from '../../models/index.ts';

/** Planes of colour have half of it. */
const side = () => z.int().min(16).max(4096).multipleOf(2);

export const settings = z.object({
  url: z.string().check((context) => {
    const problem = pathProblem(context.value);
    if (problem) context.issues.push({ code: 'custom', ...problem, input: context.value });
  }).meta({ zh: '画面来源：file: 加视频文件路径（相对路径以配置文件所在目录为准）', en: 'Where pictures come from: file: and the path of a video file (a relative one counts from the folder of the configuration file)', path: true, examples: ['file:./clips/gate.avi'] }),
  fps: z.number().min(0.01).max(60).default(5).meta({ zh: '每秒取几幅图像', en: 'Pictures taken a second' }),
  model: z.string().default('centernet-320').meta({ zh: '检测模型：名称（cityvitals models list）或模型说明文件（.yaml）的路径', en: 'Detector that looks at them: its name (`cityvitals models list`), or the path of a manifest (.yaml)', path: 'yaml', examples: ['centernet-320', './models/helmets/model.yaml'] }),
  width: side().optional().meta({ zh: '图像宽度（像素，偶数）；只写一边时另一边按比例，都省略时不超过 768 的画面保持原样，更大的缩小到长边 640', en: 'Width of a picture in pixels, even; with one side the other follows, with none pictures of up to 768 stay as they are and larger ones are made 640 long' }),
  height: side().optional().meta({ zh: '图像高度（像素，偶数）', en: 'Height of a picture in pixels, even' }),
  speed: z.union([z.literal(1), z.literal('max')]).default(1).meta({ zh: '1 按视频自身时间播放，来不及处理的图像丢弃；max 尽快播放，一幅不丢', en: "1 plays in the clip's own time and drops pictures that come too fast; max plays as fast as it can and drops none" }),
  loop: z.boolean().default(false).meta({ zh: '播完后从头再播', en: 'Begins again when it ends' }),
  ...SIGHT_FIELDS,
  ...SCENE_FIELDS,
}).check((context) => {
  for (const { path, en, zh } of sceneProblems(context.value, modelById(context.value.model)?.classes ?? null)) {
    context.issues.push({ code: 'custom', path, input: context.value, ...complaint(en, zh) });
  }
});
export type CameraSettings = z.infer<typeof settings>;

/** Path of a checked url: `file:clip.avi`, `file:./clip.avi`, `file:/clips/gate.avi` or `file:///clips/gate.avi`. */
export function clipPath({ url }: Pick<CameraSettings, 'url'>): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}

function pathProblem(url: string): ReturnType<typeof complaint> | null {
  if (!url.startsWith('file:')) return complaint(`"${url}" is no video file: write file: and a path`, `“${url}”不是视频文件：请写 file: 加路径`);
  try {
    return clipPath({ url }) === '' || clipPath({ url }).includes('\0') ? complaint(`"${url}" names no file`, `“${url}”没有指明文件`) : null;
  } catch (error) {
    // file://host/… and bad escapes: the reason is in the error's code.
    const code = (error as NodeJS.ErrnoException).code ?? 'invalid';
    return complaint(`"${url}" is no path of this machine (${code})`, `“${url}”不是本机路径（${code}）`);
  }
}
