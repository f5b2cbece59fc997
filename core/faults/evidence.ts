import type { FaultRow } from './row.ts';

/** Pictures that go with events. */
export const EVIDENCE_FAULTS = {
  CV_EVIDENCE_UNBLURRED: {
    stage: 'infer', retry: 'next', actor: 'field-engineer',
    en: ['faces could not be looked for, so no picture leaves ({cause}: {detail}); events go on without', 'see {cause}; with CV_MODEL_MISSING or CV_MODEL_HASH make the face model anew: node models/convert/main.ts'],
    zh: ['无法检测人脸，因此不外发任何画面（{cause}：{detail}）；事件照常，不带图', '按 {cause} 处理；若为 CV_MODEL_MISSING 或 CV_MODEL_HASH，重新生成人脸模型：node models/convert/main.ts'],
  },
  CV_EVIDENCE_PICTURE: {
    stage: 'infer', retry: 'next', actor: 'developer',
    en: ['no picture could be made of {device}: {detail}; its event goes on without', 'if it repeats, report it'],
    zh: ['{device} 的画面无法生成：{detail}；事件照常，不带图', '若反复出现，请报告'],
  },
  CV_EVIDENCE_DISK: {
    stage: 'keep', retry: 'next', actor: 'operator',
    en: ['a picture cannot be kept in {dir}: {detail}', 'free disk space, or check that the folder may be written; events go on without pictures meanwhile'],
    zh: ['画面无法保存到 {dir}：{detail}', '释放磁盘空间，或检查目录是否可写；其间事件照常，不带图'],
  },
  CV_EVIDENCE_REFUSED: {
    stage: 'accept', retry: 'never', actor: 'developer',
    en: ['picture {sha256} of {edge} is not taken: {detail}', 'if it repeats, update that edge and report it; the event itself is there'],
    zh: ['不接收 {edge} 的画面 {sha256}：{detail}', '若反复出现，升级该边缘节点并报告；事件本身已收到'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
