/** Settings of how pictures are processed, whatever is detected: privacy mask, motion gate, diagnosis. */
import { z } from 'zod';
import { PICTURE_FINDINGS } from './picture-findings.ts';
import { polygonArea } from './geometry.ts';
import { settingIssue, durationMs } from '../core/setting.ts';

const DAY_MS = 86_400_000;
const span = () => durationMs().refine((ms) => ms <= DAY_MS, settingIssue('must be at most 1d', '不能超过 1d'));
const fraction = z.number().min(0).max(1);

const LEAST_AREA = 1e-6;
const polygon = z
  .array(z.tuple([fraction, fraction]))
  .min(3)
  .max(64)
  .refine(
    (corners) => corners.length < 3 || polygonArea(corners) >= LEAST_AREA,
    settingIssue('hides nothing: its corners lie on one line, or it crosses itself', '没有遮住任何部分：各顶点在一条直线上，或边界自相交'),
  );

const gate = z.strictObject({
  contrast: z
    .number()
    .min(1)
    .max(128)
    .default(10)
    .meta({ zh: '一处灰度与背景相差多少才算变化（0–255）', en: 'grey levels (of 255) by which a place must differ from the background' }),
  share: z
    .number()
    .min(0)
    .max(100)
    .default(0.1)
    .meta({ zh: '连成一片的变化达到画面多大比例才检测，%', en: 'share of the picture that something must cover to be a change, %' }),
  adapt: span()
    .refine((ms) => ms >= 1000, settingIssue('must be at least 1s', '不能短于 1s'))
    .prefault('3s')
    .meta({ zh: '静止不动多久后视为背景', en: 'how long something must stay as it is to become background' }),
  settle: span().prefault('1s').meta({ zh: '变化停止后继续检测多久', en: 'how long it goes on looking after the last change' }),
  closer: z
    .boolean()
    .optional()
    .meta({
      zh: '变化处未检出目标时，放大该处再检测一次；适合目标很小的远景，多用两到四成检测时间；默认不做',
      en: 'where something small moves and nothing is found, look once more at the part around it: for far views; takes a fifth to two fifths more of the detector; default: no',
    }),
  every: span()
    .refine((ms) => ms > 0, settingIssue('must be above 0', '必须大于 0'))
    .prefault('1m')
    .meta({ zh: '即使没有变化，最长多久检测一次', en: 'longest time without a look, even if nothing changes' }),
});
export type GateSettings = z.infer<typeof gate>;

const threshold = z.union([z.literal('off'), z.number().gt(0).max(1)]);

const diagnosis = z.strictObject({
  every: span()
    .refine((ms) => ms >= 100, settingIssue('must be at least 100ms', '不能短于 100ms'))
    .prefault('1s')
    .meta({ zh: '多久完整检查一次', en: 'time between two full looks' }),
  silence: span()
    .refine((ms) => ms >= 1000, settingIssue('must be at least 1s', '不能短于 1s'))
    .prefault('5s')
    .meta({ zh: '多久没有新画面即为中断', en: 'longest time without a picture before the stream is called stalled' }),
  thresholds: z
    .partialRecord(z.enum(PICTURE_FINDINGS.map(({ id }) => id)), threshold)
    .default({})
    .meta({
      zh: `各项判定的分数阈值（0–1，默认 0.5），off 为不判：${PICTURE_FINDINGS.map(({ id, zh }) => `${id} ${zh}`).join('、')}`,
      en: `score (0 to 1, default 0.5) from which each counts, or off: ${PICTURE_FINDINGS.map(({ id, en }) => `${id}: ${en}`).join('; ')}`,
    }),
});
export type DiagnosisSettings = z.infer<typeof diagnosis>;

/** For a camera's settings, beside its own. */
export const PICTURE_FIELDS = {
  mask: z
    .array(polygon)
    .max(32)
    .default([])
    .meta({
      zh: '隐私遮挡：多边形的顶点，画面比例 [横, 纵]，左上角为 [0, 0]；遮挡后任何环节都看不到',
      en: 'what nobody may see: corners of polygons, fractions of the picture [across, down] from its upper left corner; painted over before anything looks',
      examples: [
        [
          [
            [0, 0],
            [0.3, 0],
            [0.3, 0.4],
            [0, 0.4],
          ],
        ],
      ],
    }),
  diagnosis: z
    .union([z.literal('off'), diagnosis])
    .prefault({})
    .meta({
      zh: '画面质量诊断，结果见测点 video；off 为不做',
      en: 'whether the pictures can be relied on, said by the point video; off: nobody looks',
      examples: ['off', { thresholds: { shaking: 'off', blurred: 0.6 } }],
    }),
  motion: z
    .union([z.literal('off'), gate])
    .prefault({})
    .meta({
      zh: '画面有变化才检测；off 为每幅都检测',
      en: 'a picture is looked at only when something has changed; off: every one is',
      examples: ['off', { contrast: 8, every: '30s' }],
    }),
};

const pictureSettings = z.object(PICTURE_FIELDS);
export type PictureSettings = z.infer<typeof pictureSettings>;
