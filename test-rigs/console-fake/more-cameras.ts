/** As many cameras as are wanted, at edges of eight in two districts: most are well, some are not, each in its own way. */
import type { DeviceView } from '../../api/devices.ts';
import type { PictureView } from '../../api/pictures.ts';
import { remedyOf } from '../../gateway/http/problem.ts';
import { sceneAt } from './scene.ts';

const AN_EDGE = 8;
const HOUR_MS = 3_600_000;
const NAMES = ['north-gate', 'market', 'school', 'bridge', 'bus-stop', 'car-park', 'river-bank', 'square'];

export function moreCameras(count: number, now: number): DeviceView[] {
  return Array.from({ length: Math.max(0, count) }, (_, index): DeviceView => {
    const edgeAt = Math.floor(index / AN_EDGE);
    const id = `${NAMES[index % AN_EDGE]}-${String(edgeAt + 1).padStart(2, '0')}-cam`;
    const isAway = index % 61 === 60;
    const isLost = index % 13 === 5;
    const freshness = isAway ? 'unobserved' : isLost ? 'lost' : 'fresh';
    const reason = isLost ? 'CV_CAMERA_LOGIN' : index % 19 === 11 ? 'CV_MODEL_OUTPUT' : 'ok';
    const video = index % 17 === 9 ? 'occluded' : 'good';
    return {
      id,
      edge: `town-${String(edgeAt + 1).padStart(2, '0')}`,
      centre: edgeAt % 3 === 2 ? '500112002' : '500112001',
      driver: 'camera',
      subject: id,
      position: null,
      freshness,
      since: now - (now % HOUR_MS) - index * 1000 * (isLost ? 60 : 3600),
      reason,
      ...remedyOf(reason),
      lastAt: now,
      picture: isAway ? null : `/api/v1/devices/${id}/picture`,
      ...(edgeAt === 0 ? { live: `/api/v1/devices/${id}/live-view` } : {}),
      values: [
        {
          indicator: 'SS-COM-901',
          point: 'video',
          name: { zh: '画面质量', en: 'picture quality' },
          kind: 'state',
          value: video,
          unit: '',
          at: now,
          quality: 'good',
          flags: [],
          limits: [],
        },
      ],
    };
  });
}

/** The same street at another hour for each; nobody's where it is none of those. */
export async function pictureOf(device: string, now: number): Promise<PictureView | null> {
  const number = Number(/-(\d+)-cam$/.exec(device)?.[1] ?? Number.NaN);
  if (Number.isNaN(number)) return null;
  const shiftMs = number * 7919 + device.length * 1301;
  return { ...(await sceneAt(device, now + shiftMs)), at: now };
}
