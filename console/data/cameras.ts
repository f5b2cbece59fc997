/** Which cameras there are, sought, sifted, and put together by where they stand. Pure. */
import type { DeviceView } from '../../api/devices.ts';
import { isImpaired } from './device-state.ts';

export type CameraFilter = 'all' | 'well' | 'faulty';
export const CAMERA_FILTERS: readonly CameraFilter[] = ['all', 'well', 'faulty'];

export interface CameraGroup {
  centre: string;
  edge: string;
  cameras: DeviceView[];
}

/** Views that are open at one time: each is a stream that this browser decodes by itself. */
export const MAX_OPEN = 4;

export const camerasOf = (devices: readonly DeviceView[]): DeviceView[] =>
  devices.filter(({ picture, driver }) => picture !== null || driver === 'camera');

/** What is wrong with its pictures though they come, as video diagnosis names it; null: nothing that is known. */
export function findingOf({ values }: Pick<DeviceView, 'values'>): string | null {
  const video = values.find(({ point }) => point === 'video')?.value;
  return typeof video === 'string' && video !== '' && video !== 'good' ? video : null;
}

export const isHealthy = (camera: DeviceView): boolean => camera.freshness === 'fresh' && !isImpaired(camera) && findingOf(camera) === null;

/** @param search words that must all occur in what names it or where it is */
export function filterCameras(cameras: readonly DeviceView[], search: string, sift: CameraFilter): DeviceView[] {
  const wanted = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return cameras.filter((camera) => {
    const text = `${camera.id} ${camera.subject} ${camera.edge} ${camera.centre}`.toLowerCase();
    return (sift === 'all' || isHealthy(camera) === (sift === 'well')) && wanted.every((word) => text.includes(word));
  });
}

/** By district, then edge. */
export function groupCameras(cameras: readonly DeviceView[]): CameraGroup[] {
  const groups = new Map<string, CameraGroup>();
  for (const camera of cameras) {
    const { centre, edge } = camera;
    const key = `${centre} ${edge}`;
    const group = groups.get(key) ?? { centre, edge, cameras: [] };
    groups.set(key, group);
    group.cameras.push(camera);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The one to show where nobody chose: the first that is well and has a picture. */
export function firstCameras(cameras: readonly DeviceView[]): DeviceView | undefined {
  return (
    cameras.find((camera) => camera.picture !== null && isHealthy(camera)) ?? cameras.find(({ picture }) => picture !== null) ?? cameras[0]
  );
}
