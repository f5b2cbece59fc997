/** What an edge is told of pictures for events: its part of the configuration, declared once. */
import { z } from 'zod';
import { settingIssue, durationMs, sizeBytes } from '../../../core/setting.ts';
import { isManifestPath } from '../../../models/manifest.ts';
import { CLIP_SETTINGS, clipSetup, type ClipSetup } from './clips/setup.ts';

/** Measures of zones and lines whose events may bring a picture. */
export const PICTURE_MEASURES = [
  'intrusion',
  'loitering',
  'wrong-way',
  'stopped',
  'abandoned',
  'removed',
  'crowd',
  'crossing',
  'present',
] as const;
export type PictureMeasure = (typeof PICTURE_MEASURES)[number];

const KB = 1024;

const SETTINGS = z
  .strictObject({
    of: z
      .array(z.enum(PICTURE_MEASURES))
      .default(['intrusion', 'loitering', 'wrong-way', 'abandoned', 'removed'])
      .meta({
        zh: '哪些事件带画面：区域的测量名，crossing 为越线，present 为模型类别出现',
        en: 'events with a picture: measures of zones; crossing is for lines, present for the presence of a class of the model',
      }),
    blur: z
      .strictObject({
        faces: z
          .boolean()
          .default(true)
          .meta({ zh: '模糊人脸；关闭前须有法律依据', en: 'make faces unrecognisable; switching it off requires a legal basis' }),
        plates: z
          .string()
          .min(1)
          .optional()
          .meta({
            zh: '模糊车牌：找车牌的模型编号或说明文件路径（本程序不附带）',
            en: 'make number plates unrecognisable: id or manifest path of a model that finds them (none is shipped)',
            examples: ['./plates.yaml'],
          }),
      })
      .prefault({})
      .meta({
        zh: '离开本机之前抹去什么；做不到时不外发任何画面',
        en: 'what is made unrecognisable before a picture leaves this machine; where that fails, no picture leaves',
      }),
    format: z.enum(['jpeg', 'webp']).default('jpeg').meta({ zh: '文件格式', en: 'file format' }),
    width: z.int().min(160).max(3840).default(1280).meta({ zh: '画面最大宽度，像素', en: 'maximum width of a picture, pixels' }),
    size: sizeBytes()
      .refine((bytes) => bytes >= 8 * KB && bytes <= 2048 * KB, settingIssue('must be from 8KB to 2MB', '必须在 8KB 到 2MB 之间'))
      .prefault('200KB')
      .meta({ zh: '每个文件的大小上限', en: 'maximum size of a file' }),
    language: z.enum(['zh-CN', 'en']).default('zh-CN').meta({ zh: '写在画面上的文字', en: 'language of the text in the picture' }),
    send: z
      .boolean()
      .default(true)
      .meta({ zh: '是否上送网关；否则只留在本机', en: 'send to the gateway; otherwise pictures stay on this machine' }),
    dir: z
      .string()
      .min(1)
      .optional()
      .meta({ zh: '保存目录；默认为日志目录下的 evidence', en: 'folder; default: evidence in the folder of the log' }),
    keep: durationMs()
      .refine((ms) => ms >= 60_000, settingIssue('must be at least 1m', '不能小于 1m'))
      .prefault('7d')
      .meta({ zh: '在本机保留多久', en: 'how long to keep on this machine' }),
    maxBytes: sizeBytes()
      .refine((bytes) => bytes >= 4 * KB * KB, settingIssue('must be at least 4MB', '不能小于 4MB'))
      .prefault('500MB')
      .meta({
        zh: '在本机最多占用的磁盘；超出时最旧的先删，已上送的优先',
        en: 'maximum disk space on this machine; the oldest are deleted first, those already sent before the others',
      }),
    main: z
      .union([
        z.literal('off'),
        durationMs().refine((ms) => ms >= 200 && ms <= 30_000, settingIssue('must be from 200ms to 30s', '必须在 200ms 到 30s 之间')),
      ])
      .prefault('3s')
      .meta({
        zh: '摄像机有主码流（mainUrl）时，事件后多久之内取一幅主码流画面随后补上；off 为不取',
        en: 'for cameras with a main stream (mainUrl): how long after an event a picture of it may be taken, which follows the event; off: none',
        examples: ['off', '2s'],
      }),
    clip: CLIP_SETTINGS.optional().meta({
      zh: '事件前后的短视频，只留在本机；省略即不录',
      en: 'a clip around each of these events, which stays on this machine; omitted: none',
      examples: [{ before: '5s', after: '10s' }],
    }),
  })
  .check((context) => {
    const { clip, blur } = context.value;
    if (clip?.upload !== 'blurred' || blur.faces || blur.plates !== undefined) return;
    context.issues.push({
      code: 'custom',
      path: ['clip', 'upload'],
      input: context.value,
      ...settingIssue(
        'nothing to make unrecognisable: with `blur: { faces: false }` and no `plates`, clips must stay on this machine',
        '没有可抹去的内容：`blur: { faces: false }` 且无 `plates` 时短视频只能留在本机',
      ),
    });
  });

export const EVIDENCE_SCHEMA = z
  .union([z.literal('off'), SETTINGS])
  .prefault({})
  .meta({
    zh: '随事件保存的画面；off 为不保存',
    en: 'pictures of events; off: none',
    examples: ['off', { of: ['intrusion', 'crossing'], keep: '3d' }],
  });

export interface EvidenceSetup {
  of: readonly PictureMeasure[];
  blur: { faces: boolean; plates?: string | undefined };
  format: 'jpeg' | 'webp';
  width: number;
  size: number;
  language: 'zh-CN' | 'en';
  send: boolean;
  dir: string;
  keepMs: number;
  maxBytes: number;
  /** How much later a picture of the main stream may be; null: none is fetched. */
  mainMs: number | null;
  /** null: events bring no clips. */
  clip: ClipSetup | null;
}

/** @param logDir of this edge's log, absolute */
export function evidenceSetup(
  written: z.infer<typeof EVIDENCE_SCHEMA>,
  logDir: string,
  resolve: (path: string) => string,
): EvidenceSetup | null {
  if (written === 'off') return null;
  const {
    dir: folder,
    keep,
    clip,
    main,
    blur: { faces, plates },
    ...rest
  } = written;
  const dir = folder === undefined ? `${logDir}/evidence` : resolve(folder);
  return {
    ...rest,
    blur: { faces, ...(plates !== undefined && { plates: isManifestPath(plates) ? resolve(plates) : plates }) },
    keepMs: keep,
    dir,
    mainMs: main === 'off' ? null : main,
    clip: clip ? clipSetup(clip, dir, resolve) : null,
  };
}
