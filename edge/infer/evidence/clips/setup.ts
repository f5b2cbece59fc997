/** What an edge is told of clips around events: declared once. */
import { z } from 'zod';
import { complaint, durationMs, sizeBytes } from '../../../../core/setting.ts';
import { MAX_EVIDENCE_BYTES } from '../../../../core/wire/limits.ts';

const MINUTE_MS = 60_000;
const upToAMinute = () => durationMs().refine((ms) => ms <= MINUTE_MS, complaint('must be at most 1m', '不能超过 1m'));
const kept = () => durationMs().refine((ms) => ms >= MINUTE_MS, complaint('must be at least 1m', '不能小于 1m'));

export const CLIP_SCHEMA = z.strictObject({
  cameras: z.array(z.string().min(1)).min(1).optional().meta({ zh: '哪些摄像机的事件带短视频；默认全部（设有隐私遮挡的除外）', en: 'cameras whose events bring one; default: all that have no privacy mask' }),
  before: upToAMinute().prefault('5s').meta({ zh: '事件之前多久', en: 'how long before the event it begins' }),
  after: upToAMinute().prefault('10s').meta({ zh: '事件之后多久', en: 'how long after the event it ends' }),
  upload: z.enum(['never', 'blurred']).default('never').meta({ zh: 'never 只留在本机；blurred 另制一份逐帧抹去人脸的小视频上送，原片仍只留在本机', en: 'never: it stays here; blurred: a small copy with faces wiped out of each picture goes to the gateway, the clip itself stays' }),
  keep: kept().prefault('7d').meta({ zh: '在本机保留多久', en: 'how long they are kept here' }),
  maxBytes: sizeBytes().prefault('1GB').meta({ zh: '在本机最多占用', en: 'most that they take up here' }),
  ring: z.strictObject({
    dir: z.string().min(1).optional().meta({ zh: '循环缓存目录；默认与短视频同处，可设在内存盘以保护存储卡', en: 'folder of what came last; default: beside the clips; one in memory spares a card', examples: ['/dev/shm'] }),
    camera: sizeBytes().prefault('64MB').meta({ zh: '每台摄像机最多占用', en: 'most that a camera takes up in it' }),
    maxBytes: sizeBytes().prefault('512MB').meta({ zh: '全部摄像机最多占用', en: 'most that all take up in it' }),
  }).prefault({}).meta({ zh: '循环缓存：最近的码流，不重新编码', en: 'what came last, as it came' }),
  copy: z.strictObject({
    width: z.int().min(160).max(1920).multipleOf(2).default(640).meta({ zh: '最大宽度，像素', en: 'widest, in pixels' }),
    fps: z.number().min(1).max(30).default(8).meta({ zh: '每秒帧数；每帧都要检测人脸', en: 'pictures a second, each of which is looked at for faces' }),
    size: sizeBytes().refine((bytes) => bytes >= 64 << 10 && bytes <= MAX_EVIDENCE_BYTES, complaint('must be from 64KB to 4MB', '必须在 64KB 到 4MB 之间')).prefault('2MB').meta({ zh: '文件大小上限', en: 'largest that it gets' }),
  }).prefault({}).meta({ zh: '上送的那一份（upload: blurred）', en: 'what goes to the gateway with upload: blurred' }),
});

/** Cameras that are named and are none of these, or may not be recorded. */
export function clipProblems(cameras: readonly string[], devices: readonly { id: string; settings?: unknown }[]): { at: number; problem: ReturnType<typeof complaint> }[] {
  return cameras.flatMap((id, at) => {
    const device = devices.find((one) => one.id === id);
    if (!device) return { at, problem: complaint(`"${id}" is no device of this edge`, `“${id}”不是本边缘节点的设备`) };
    return isMasked(device.settings) ? { at, problem: complaint(`"${id}" has a privacy mask, and what comes from it does not: set the mask in the camera itself, or leave it out here`, `“${id}”设有隐私遮挡，而其码流没有：请在摄像机内设置遮挡，或不列入此处`) } : [];
  });
}

/** Nobody may see there, and what comes from the camera has it. */
export const isMasked = (settings: unknown): boolean => ((settings as { mask?: unknown[] } | null)?.mask?.length ?? 0) > 0;

export type ClipSetup = Omit<z.output<typeof CLIP_SCHEMA>, 'ring' | 'keep'> & {
  dir: string;
  keepMs: number;
  ring: { dir: string; camera: number; maxBytes: number };
};

/** @param dir of pictures and clips, absolute */
export function clipSetup({ ring, keep, ...rest }: z.output<typeof CLIP_SCHEMA>, dir: string, resolve: (path: string) => string): ClipSetup {
  return { ...rest, keepMs: keep, dir: `${dir}/clips`, ring: { ...ring, dir: ring.dir === undefined ? dir : resolve(ring.dir) } };
}
