/** What an edge is told of clips around events: declared once. */
import { z } from 'zod';
import { settingIssue, durationMs, sizeBytes } from '../../../../core/setting.ts';
import { MAX_EVIDENCE_BYTES } from '../../../../core/wire/limits.ts';

const MINUTE_MS = 60_000;
const upToAMinute = () => durationMs().refine((ms) => ms <= MINUTE_MS, settingIssue('must be at most 1m', '不能超过 1m'));
const kept = () => durationMs().refine((ms) => ms >= MINUTE_MS, settingIssue('must be at least 1m', '不能小于 1m'));

export const CLIP_SETTINGS = z.strictObject({
  cameras: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      zh: '哪些摄像机的事件带短视频；默认全部（设有隐私遮挡的除外）',
      en: 'cameras whose events have a clip; default: all without a privacy mask',
    }),
  before: upToAMinute().prefault('5s').meta({ zh: '事件之前多久', en: 'how long before the event the clip starts' }),
  after: upToAMinute().prefault('10s').meta({ zh: '事件之后多久', en: 'how long after the event the clip ends' }),
  upload: z
    .enum(['never', 'blurred'])
    .default('never')
    .meta({
      zh: 'never 只留在本机；blurred 另制一份逐帧抹去人脸的小视频上送，原片仍只留在本机',
      en: 'never: it stays on this machine; blurred: a small copy with faces made unrecognisable in every picture is sent to the gateway, the clip itself stays',
    }),
  keep: kept().prefault('7d').meta({ zh: '在本机保留多久', en: 'how long to keep on this machine' }),
  maxBytes: sizeBytes().prefault('1GB').meta({ zh: '在本机最多占用', en: 'maximum disk space on this machine' }),
  ring: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .meta({
          zh: '循环缓存目录；默认与短视频同处，可设在内存盘以保护存储卡',
          en: 'folder of the ring buffer; default: beside the clips; a RAM disk spares a memory card',
          examples: ['/dev/shm'],
        }),
      camera: sizeBytes().prefault('64MB').meta({ zh: '每台摄像机最多占用', en: 'maximum size for each camera' }),
      maxBytes: sizeBytes().prefault('512MB').meta({ zh: '全部摄像机最多占用', en: 'maximum size for all cameras' }),
    })
    .prefault({})
    .meta({ zh: '循环缓存：最近的码流，不重新编码', en: 'ring buffer: the latest stream data, not re-encoded' }),
  copy: z
    .strictObject({
      width: z.int().min(160).max(1920).multipleOf(2).default(640).meta({ zh: '最大宽度，像素', en: 'maximum width, pixels' }),
      fps: z
        .number()
        .min(1)
        .max(30)
        .default(8)
        .meta({ zh: '每秒帧数；每帧都要检测人脸', en: 'frames a second; faces are detected in each' }),
      size: sizeBytes()
        .refine(
          (bytes) => bytes >= 64 << 10 && bytes <= MAX_EVIDENCE_BYTES,
          settingIssue('must be from 64KB to 4MB', '必须在 64KB 到 4MB 之间'),
        )
        .prefault('2MB')
        .meta({ zh: '文件大小上限', en: 'maximum file size' }),
    })
    .prefault({})
    .meta({ zh: '上送的那一份（upload: blurred）', en: 'the copy sent with upload: blurred' }),
});

/** Cameras that are named and are none of these, or may not be recorded. */
export function clipProblems(
  cameras: readonly string[],
  devices: readonly { id: string; settings?: unknown }[],
): { at: number; problem: ReturnType<typeof settingIssue> }[] {
  return cameras.flatMap((id, at) => {
    const device = devices.find((one) => one.id === id);
    if (!device) return { at, problem: settingIssue(`"${id}" is not a device of this edge`, `“${id}”不是本边缘节点的设备`) };
    return isMasked(device.settings)
      ? {
          at,
          problem: settingIssue(
            `"${id}" has a privacy mask, but its stream does not: set the mask in the camera itself, or do not list it here`,
            `“${id}”设有隐私遮挡，而其码流没有：请在摄像机内设置遮挡，或不列入此处`,
          ),
        }
      : [];
  });
}

/** Nobody may see there, and what comes from the camera has it. */
export const isMasked = (settings: unknown): boolean => ((settings as { mask?: unknown[] } | null)?.mask?.length ?? 0) > 0;

export type ClipSetup = Omit<z.output<typeof CLIP_SETTINGS>, 'ring' | 'keep'> & {
  dir: string;
  keepMs: number;
  ring: { dir: string; camera: number; maxBytes: number };
};

/** @param dir of pictures and clips, absolute */
export function clipSetup(
  { ring, keep, ...rest }: z.output<typeof CLIP_SETTINGS>,
  dir: string,
  resolve: (path: string) => string,
): ClipSetup {
  return { ...rest, keepMs: keep, dir: `${dir}/clips`, ring: { ...ring, dir: ring.dir === undefined ? dir : resolve(ring.dir) } };
}
