import type { FaultRow } from './row.ts';

/** Cameras, clips and detectors. */
export const VISION_FAULTS = {
  CV_MODEL_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['unknown model {model}', 'use one of: {known}; or the path of a manifest of your own (.yaml)'],
    zh: ['没有名为 {model} 的模型', '可用的模型：{known}；或写自己的模型说明文件路径（.yaml）'],
  },
  CV_MODEL_MISSING: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['the graph of model {model} is not there: {path}', 'put it there; those that come with us are made by: node models/convert/main.ts'],
    zh: ['缺少模型 {model} 的模型文件文件：{path}', '将文件放到该处；自带模型的生成方法：node models/convert/main.ts'],
  },
  CV_MODEL_NOT_PULLED: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['the graph of model {model} was not fetched yet: {path}', 'read its licence with `cityvitals models list`, then fetch it with: cityvitals models pull {model}'],
    zh: ['模型 {model} 的模型文件尚未下载：{path}', '先用 `cityvitals models list` 查看其许可，再下载：cityvitals models pull {model}'],
  },
  CV_MODEL_HASH: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{path} is not the file that model {model} was checked with: SHA-256 {got}, {want} wanted', 'delete the file, then make it anew (node models/convert/main.ts) or fetch it again (cityvitals models pull); a graph of your own that you have changed needs its new SHA-256 in the manifest'],
    zh: ['{path} 与模型 {model} 校验过的文件不一致：SHA-256 为 {got}，应为 {want}', '删除该文件后重新生成（node models/convert/main.ts）或重新下载（cityvitals models pull）；自己改动过的模型文件请在说明文件中写入新的 SHA-256'],
  },
  CV_MODEL_SHAPE: {
    stage: 'open', retry: 'after-change', actor: 'developer', flag: 'config',
    en: ['model {model}: {tensor} is {got}, {want} wanted', "correct the model's description, or take the graph that belongs to it"],
    zh: ['模型 {model}：{tensor} 为 {got}，应为 {want}', '修正模型说明，或换用与之匹配的模型文件'],
  },
  CV_MODEL_OPSET: {
    stage: 'open', retry: 'after-change', actor: 'developer', flag: 'config',
    en: ['model {model} uses operator set {got}, {want} wanted', "correct the model's description, or export the graph with that operator set"],
    zh: ['模型 {model} 使用算子集 {got}，应为 {want}', '修正模型说明，或用该算子集重新导出模型文件'],
  },
  CV_MODEL_PROVIDER: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['this machine cannot run models on "{provider}"', 'use one of: {known}; all but cpu need a build of onnxruntime that has them: docs/hardware.md'],
    zh: ['本机无法使用 "{provider}" 运行模型', '可用：{known}；除 cpu 外均需带有该后端的 onnxruntime：见 docs/hardware.zh-CN.md'],
  },
  CV_MODEL_GRAPH: {
    stage: 'setup', retry: 'after-change', actor: 'developer',
    en: ['the graph cannot be read: {detail}', 'check that the file is whole and of the kind that is expected'],
    zh: ['无法读取模型文件：{detail}', '确认文件完整且类型正确'],
  },
  CV_MODEL_CONVERTED: {
    stage: 'setup', retry: 'after-change', actor: 'developer',
    en: ['converting model {model} gave SHA-256 {got}, {want} wanted', 'install the versions that package-lock.json names: npm ci'],
    zh: ['转换模型 {model} 得到的 SHA-256 为 {got}，应为 {want}', '按 package-lock.json 安装依赖：npm ci'],
  },
  CV_MODEL_OPERATOR: {
    stage: 'setup', retry: 'after-change', actor: 'developer',
    en: ['the converter does not know the operator {operator} (node {node})', 'add a row for it to models/convert/operators.ts'],
    zh: ['转换器不支持算子 {operator}（节点 {node}）', '在 models/convert/operators.ts 中为其增加一行'],
  },
  CV_MODEL_FAILED: {
    stage: 'infer', retry: 'next', actor: 'developer', flag: 'other',
    en: ['model {model} failed on a picture: {detail}', 'if it repeats, report it with the picture'],
    zh: ['模型 {model} 处理图像失败：{detail}', '若反复出现，请附图报告'],
  },
  CV_MODEL_OUTPUT: {
    stage: 'infer', retry: 'next', actor: 'developer', flag: 'other',
    en: ['model {model}: {problem}', 'check family, options and input (mean, scale, colours) of its description against what the graph was exported with; if it is right at other pictures, report it with the picture'],
    zh: ['模型 {model}：{problem}', '对照模型文件导出时的设置，检查模型说明中的系列、选项和输入（均值、比例、颜色顺序）；若其他图像正常，请附图报告'],
  },
  CV_MODEL_MANIFEST: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{path}, line {line}: {problem}', 'correct the manifest, or its path: see docs/models.md'],
    zh: ['{path} 第 {line} 行：{problem}', '修正模型说明文件或其路径：见 docs/models.zh-CN.md'],
  },
  CV_MODEL_FAMILY: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['model {model}: unknown family {family}', 'use one of: {known}'],
    zh: ['模型 {model}：没有名为 {family} 的系列', '可用的系列：{known}'],
  },
  CV_DETECTOR_DIED: {
    stage: 'infer', retry: 'next', actor: 'operator', flag: 'other',
    en: ['the worker process of model {model} exited: {detail}; it is restarted', 'if it repeats: free memory on this machine, then report it'],
    zh: ['模型 {model} 的工作进程已退出：{detail}；正在重启', '若反复出现：释放本机内存后报告此问题'],
  },
  CV_DETECTOR_CLOSED: {
    stage: 'infer', retry: 'never', actor: 'nobody',
    en: ['the detector of model {model} is closed', ''],
    zh: ['模型 {model} 的检测器已关闭', ''],
  },
  CV_FFMPEG_MISSING: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['ffmpeg, which reads video, is not installed on this machine', 'install it: sudo apt-get install -y --no-install-recommends ffmpeg'],
    zh: ['本机没有读取视频所需的程序 ffmpeg', '请安装：sudo apt-get install -y --no-install-recommends ffmpeg'],
  },
  CV_VIDEO_MISSING: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['video file {path} does not exist', 'correct `url`, or put the file there'],
    zh: ['没有视频文件 {path}', '修正 `url`，或将文件放到该处'],
  },
  CV_VIDEO_UNREADABLE: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{path} cannot be read as a video: {detail}', 'play it with another program; if that fails too, copy or record it again'],
    zh: ['{path} 无法作为视频读取：{detail}', '用其他程序播放试试；若同样失败，请重新复制或录制'],
  },
  CV_VIDEO_STOPPED: {
    stage: 'read', retry: 'backoff', actor: 'operator', flag: 'comm',
    en: ['reading {path} was interrupted: {detail}', 'if it repeats: check free memory, and what else ends programs on this machine'],
    zh: ['读取 {path} 中断：{detail}', '若反复出现：检查可用内存，以及本机上是否有其他程序终止进程'],
  },
  CV_VIDEO_ENDED: {
    stage: 'read', retry: 'never', actor: 'field-engineer', flag: 'stale',
    en: ['end of {path} after {pictures} pictures', 'to play it in a loop, set `loop: true`'],
    zh: ['{path} 已播完，共 {pictures} 幅图像', '若需循环播放，设置 `loop: true`'],
  },
  CV_VIDEO_CUT_SHORT: {
    stage: 'read', retry: 'never', actor: 'field-engineer', flag: 'stale',
    en: ['only {seconds} s of the {wholeSeconds} s of {path} could be read: {detail}', 'the rest is damaged or uses another codec: copy or record it again, or split it there'],
    zh: ['{path} 全长 {wholeSeconds} 秒，只读出 {seconds} 秒：{detail}', '其后已损坏，或改用了其他编码：请重新复制或录制，或在该处分成两个文件'],
  },
  CV_IMAGE_UNREADABLE: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['{path} cannot be read as an image: {detail}', 'give a JPEG, PNG, WebP or TIFF file'],
    zh: ['{path} 无法作为图像读取：{detail}', '请提供 JPEG、PNG、WebP 或 TIFF 文件'],
  },
  CV_SCORE_INVALID: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['"{got}" is no score', 'give a number from 0 to 1'],
    zh: ['"{got}" 不是有效置信度', '请给出 0 到 1 之间的数'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
