/**
 * A camera's zones and lines made ready for pictures of one proportion. Lengths are heights of the picture from here on, so
 * that they mean the same across and down.
 */
import { groundArea } from '../../../scene/check.ts';
import { distanceFromLine, type PicturePoint } from '../../../scene/geometry.ts';
import { homographyOf, toGround } from '../../../scene/homography.ts';
import { classesOf } from '../../../scene/kinds.ts';
import type { LineSettings, SceneSettings, ZoneSettings } from '../../../scene/settings.ts';
import type { BoxRect } from '../track/rects.ts';

export interface ZoneGeometry {
  settings: ZoneSettings;
  polygon: readonly PicturePoint[];
  /** null without homography. */
  areaM2: number | null;
  /** Metres between two places of the picture; null without homography. */
  metres: ((a: PicturePoint, b: PicturePoint) => number | null) | null;
  /** Of its schedules. */
  timeZone: string | undefined;
}

export interface LineGeometry {
  settings: LineSettings;
  classes: ReadonlySet<string>;
  from: PicturePoint;
  to: PicturePoint;
  /** 1 or -1: makes distances from the line positive on its inner side. */
  inner: number;
}

export interface SceneGeometry {
  aspect: number;
  zones: readonly ZoneGeometry[];
  lines: readonly LineGeometry[];
}

export function sceneGeometry({ zones, lines, homography, timeZone }: SceneSettings, aspect: number): SceneGeometry {
  const tall = ([x, y]: PicturePoint): PicturePoint => [x * aspect, y];
  const metres = homography ? metresBy(homography, aspect) : null;
  return {
    aspect,
    zones: zones.map((settings) => ({
      settings,
      polygon: settings.polygon.map(tall),
      areaM2: homography ? groundArea(homography, settings.polygon) : null,
      metres,
      timeZone,
    })),
    lines: lines.map((settings) => {
      const [from, to] = [tall(settings.from), tall(settings.to)];
      return { settings, classes: classesOf(settings.of), from, to, inner: Math.sign(distanceFromLine(tall(settings.inside), from, to)) };
    }),
  };
}

/** Where a thing stands: the middle of its lower edge, never below the picture. */
export function footPoint({ x, y, width, height }: BoxRect, aspect: number): PicturePoint {
  return [Math.min(1, Math.max(0, x + width / 2)) * aspect, Math.min(1, y + height)];
}

function metresBy(homography: NonNullable<SceneSettings['homography']>, aspect: number): ZoneGeometry['metres'] {
  const h = homographyOf(homography);
  if (!h) return null;
  const ground = ([x, y]: PicturePoint) => toGround(h, [x / aspect, y], homography.picture[0] as PicturePoint);
  return (a, b) => {
    const [from, to] = [ground(a), ground(b)];
    return from && to ? Math.hypot(from[0] - to[0], from[1] - to[1]) : null;
  };
}
