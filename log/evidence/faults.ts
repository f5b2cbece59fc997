import { defineFaults } from '../../core/faults.ts';

/** Pictures that go with events. */
const EVIDENCE_FAULTS = defineFaults({
  CV_EVIDENCE_UNBLURRED: {
    stage: 'infer',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      'faces could not be looked for, so no picture leaves ({cause}: {detail}); events go on without',
      'see {cause}; with CV_MODEL_MISSING or CV_MODEL_HASH make the face model anew: node models/convert/main.ts',
    ],
    zh: [
      '无法检测人脸，因此不外发任何画面（{cause}：{detail}）；事件照常，不带图',
      '按 {cause} 处理；若为 CV_MODEL_MISSING 或 CV_MODEL_HASH，重新生成人脸模型：node models/convert/main.ts',
    ],
  },
  CV_EVIDENCE_PICTURE: {
    stage: 'infer', retry: 'next', actor: 'developer',
    en: ['no picture could be made of {device}: {detail}; its event goes on without', 'if it repeats, report it'],
    zh: ['{device} 的画面无法生成：{detail}；事件照常，不带图', '若反复出现，请报告'],
  },
  CV_EVIDENCE_MAIN: {
    stage: 'infer',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      'the main stream of {device} gave no picture in time for an event ({cause}: {detail}); the event has the picture in which it was seen',
      'see {cause}; a key frame each second and a free session on the camera help; or raise evidence.main, or set it to off',
    ],
    zh: [
      '{device} 的主码流未能及时给出事件画面（{cause}：{detail}）；事件已附触发画面',
      '按 {cause} 处理；摄像机每秒一个关键帧、留有空闲会话会有帮助；也可调大 evidence.main，或设为 off',
    ],
  },
  CV_EVIDENCE_DISK: {
    stage: 'keep',
    retry: 'next',
    actor: 'operator',
    en: [
      'a picture cannot be kept in {dir}: {detail}',
      'free disk space, or check that the folder may be written; events go on without pictures meanwhile',
    ],
    zh: ['画面无法保存到 {dir}：{detail}', '释放磁盘空间，或检查目录是否可写；其间事件照常，不带图'],
  },
  CV_EVIDENCE_REFUSED: {
    stage: 'accept', retry: 'never', actor: 'developer',
    en: ['picture {sha256} of {edge} is not taken: {detail}', 'if it repeats, update that edge and report it; the event itself is there'],
    zh: ['不接收 {edge} 的画面 {sha256}：{detail}', '若反复出现，升级该边缘节点并报告；事件本身已收到'],
  },
  CV_CLIP_DISK: {
    stage: 'keep',
    retry: 'next',
    actor: 'operator',
    en: [
      'what {device} sends cannot be kept in {dir}: {detail}; its events go on without clips',
      'free disk space, or check that the folder may be written; see evidence.clip.ring',
    ],
    zh: ['{device} 的码流无法保存到 {dir}：{detail}；其事件照常，不带短视频', '释放磁盘空间，或检查目录是否可写；见 evidence.clip.ring'],
  },
  CV_CLIP_KEYFRAMES: {
    stage: 'keep',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      '{device} sends pictures that need no other too seldom ({seconds} s apart, 0: none): its clips begin long before their event, or there are none',
      'set its I-frame interval to 4 s or less, and turn "smart" codecs (H.264+, H.265+) off',
    ],
    zh: [
      '{device} 的 I 帧过少（间隔 {seconds} 秒，0 为没有）：短视频会早于事件很多才开始，或无法生成',
      '把摄像机的 I 帧间隔设为 4 秒以内，并关闭智能编码（H.264+、H.265+）',
    ],
  },
  CV_CLIP_MASKED: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      'no clips are kept of {device}: it has a privacy mask, and what comes from the camera does not',
      'set the mask in the camera itself and take it out here, or name the cameras that bring clips in evidence.clip.cameras',
    ],
    zh: [
      '不保存 {device} 的短视频：它设有隐私遮挡，而摄像机的码流没有',
      '在摄像机内设置遮挡并删除此处的遮挡，或在 evidence.clip.cameras 中只列出可录的摄像机',
    ],
  },
  CV_CLIP_UNMADE: {
    stage: 'keep',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      'no clip could be made of an event of {device}: {detail}; the event went on without',
      'if the stream had just begun or broken off, nothing is to be done; else see what is told of {device}, and report it if it repeats',
    ],
    zh: [
      '{device} 的事件短视频无法生成：{detail}；事件照常，不带短视频',
      '若码流刚开始或刚中断，无需处理；否则查看 {device} 的其他提示，反复出现请报告',
    ],
  },
  CV_CLIP_UNBLURRED: {
    stage: 'keep',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      'the copy of a clip of {device} that was to go to the gateway was not made ({cause}: {detail}): nothing of it leaves',
      'see {cause}; the clip itself is on the edge (cityvitals evidence list); an encoder that is missing comes with an ffmpeg that has libx264',
    ],
    zh: [
      '{device} 的短视频上送副本未生成（{cause}：{detail}），其内容不外发',
      '按 {cause} 处理；原片在边缘节点上（cityvitals evidence list）；缺少编码器时请安装带 libx264 的 ffmpeg',
    ],
  },
  CV_CLIP_GONE: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['there is no clip {sha256} on this edge', 'list those that there are: cityvitals evidence list'],
    zh: ['本边缘节点没有短视频 {sha256}', '查看现有的：cityvitals evidence list'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { evidence: typeof EVIDENCE_FAULTS }
}
