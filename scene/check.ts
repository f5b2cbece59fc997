/** What no single field of a scene shows: names that stand twice, classes that the model does not have, no ground. Pure. */
import { nearestName } from '../core/config/nearest.ts';
import type { SettingProblem } from '../core/driver.ts';
import type { ModelSpec } from '../core/model.ts';
import { polygonArea, type PicturePoint } from './geometry.ts';
import { homographyOf, toGround } from './homography.ts';
import { KIND_NAMES, classesOf, countPointOf } from './kinds.ts';
import { scenePoints } from './points.ts';
import type { SceneSettings, ZoneSettings } from './settings.ts';

type Classes = Pick<ModelSpec, 'classes' | 'classesZh'>;

/** @param model of the camera; null where it is not known */
export function sceneProblems(scene: SceneSettings, model: Classes | null): SettingProblem[] {
  const { zones, lines } = scene;
  const ids = [
    ...zones.map(({ id }, at) => ({ id, path: ['zones', at, 'id'] })),
    ...lines.map(({ id }, at) => ({ id, path: ['lines', at, 'id'] })),
  ];
  return [
    ...ids.flatMap(({ id, path }, at) =>
      ids.findIndex((one) => one.id === id) < at
        ? [{ path, en: `"${id}" is the name of another zone or line`, zh: `“${id}”已是另一区域或计数线的编号` }]
        : [],
    ),
    ...zones.flatMap((zone, at) => [
      ...measuresNothing(zone, at),
      ...pointNameless(zone, at, model),
      ...pointTwice(zone, at),
      ...withoutGround(scene, zone, at),
    ]),
    ...(model ? kindsIn(scene).flatMap(({ kind, path }) => unknownKind(kind, path, model)) : []),
  ];
}

function measuresNothing(zone: ZoneSettings, at: number): SettingProblem[] {
  if (Object.keys(scenePoints({ zones: [zone], lines: [] })).length > 0) return [];
  return [
    {
      path: ['zones', at],
      en: `zone "${zone.id}" measures nothing: give it count, intrusion or another measure`,
      zh: `区域“${zone.id}”没有任何指标：请写 count、intrusion 等`,
    },
  ];
}

/** Names of points are letters and digits, so that a class with none, as one that is named in Chinese alone, would share its point with others. */
function pointNameless({ count = [] }: ZoneSettings, at: number, model: Classes | null): SettingProblem[] {
  return count.flatMap((kind, index) =>
    hasLetters(kind) || (model && !isOf(model, kind))
      ? []
      : [
          {
            path: ['zones', at, 'count', index],
            en: `"${kind}" has no letters to name its point by: give the class an English name in the model's manifest, { en: helmet, zh: ${kind} }, and write that; or use present, which has an id`,
            zh: `“${kind}”中没有可作测点名的字母或数字：请在模型说明中为该类别写英文名，如 { en: helmet, zh: ${kind} }，并在此使用英文名；或改用带 id 的 present`,
          },
        ],
  );
}

const hasLetters = (kind: string) => /[A-Za-z0-9]/.test(countPointOf(kind).point);

/** A class may be counted twice, or two whose points are called alike; `present` may call its point what another measure is called. */
function pointTwice(zone: ZoneSettings, at: number): SettingProblem[] {
  const taken = new Set(Object.keys(scenePoints({ zones: [{ ...zone, count: undefined, present: [] }], lines: [] })));
  const named = [
    ...(zone.count ?? []).flatMap((kind, index) =>
      hasLetters(kind) ? [{ point: `${zone.id}.${countPointOf(kind).point}`, path: ['count', index] }] : [],
    ),
    ...zone.present.map(({ id }, index) => ({ point: `${zone.id}.${id}`, path: ['present', index, 'id'] })),
  ];
  return named.flatMap(({ point, path }) => {
    if (!taken.has(point)) return taken.add(point) && [];
    return [{ path: ['zones', at, ...path], en: `the zone has a point "${point}" already`, zh: `该区域已有测点“${point}”` }];
  });
}

function withoutGround({ homography }: SceneSettings, { id, polygon, density, crowd }: ZoneSettings, at: number): SettingProblem[] {
  const asks = density ? 'density' : crowd ? 'crowd' : null;
  if (!asks) return [];
  if (!homography)
    return [
      {
        path: ['zones', at, asks],
        en: `${asks} needs homography: without it nobody knows how large the zone is`,
        zh: `${asks} 需要 homography：没有它就不知道区域的面积`,
      },
    ];
  return groundArea(homography, polygon) === null
    ? [
        {
          path: ['zones', at, 'polygon'],
          en: `zone "${id}" reaches up to the horizon of the homography, so it has no area`,
          zh: `区域“${id}”超出 homography 的地平线，没有面积`,
        },
      ]
    : [];
}

/** Square metres; null for a polygon that does not lie on the ground altogether. */
export function groundArea(homography: NonNullable<SceneSettings['homography']>, polygon: readonly PicturePoint[]): number | null {
  const h = homographyOf(homography);
  const corners = h ? polygon.map((corner) => toGround(h, corner, homography.picture[0] as PicturePoint)) : [];
  const grounded = corners.filter((corner) => corner !== null);
  return grounded.length === polygon.length ? polygonArea(grounded) : null;
}

/** Every name of a kind or class in the scene, and where it stands. */
export function kindsIn({
  zones,
  lines,
  indicators,
}: Pick<SceneSettings, 'zones' | 'lines' | 'indicators'>): { kind: string; path: (string | number)[] }[] {
  const each = (of: readonly string[] | undefined, path: (string | number)[]) =>
    (of ?? []).map((kind, at) => ({ kind, path: [...path, at] }));
  return [
    ...zones.flatMap((zone, at) => [
      ...each(zone.count, ['zones', at, 'count']),
      ...(['dwell', 'loitering', 'intrusion', 'wrongWay', 'queue', 'stopped', 'abandoned', 'removed'] as const).flatMap((measure) =>
        each(zone[measure]?.of, ['zones', at, measure, 'of']),
      ),
      ...zone.present.flatMap(({ of }, index) => each(of, ['zones', at, 'present', index, 'of'])),
    ]),
    ...lines.flatMap(({ of }, at) => each(of, ['lines', at, 'of'])),
    ...Object.keys(indicators).map((kind) => ({ kind, path: ['indicators', kind] })),
  ];
}

const isOf = ({ classes }: Classes, kind: string) => [...classesOf([kind])].some((name) => classes.includes(name));

function unknownKind(kind: string, path: (string | number)[], model: Classes): SettingProblem[] {
  if (isOf(model, kind)) return [];
  const { classes, classesZh = [] } = model;
  const near = classes[classesZh.indexOf(kind)] ?? nearestName(kind, [...KIND_NAMES, ...classes]);
  return [{
    path,
    en: `the model has no class "${kind}"${near ? `: did you mean "${near}"?` : '; a model of your own that has it can be given as model'}`,
    zh: `模型没有类别“${kind}”${near ? `：是否想写“${near}”？` : '；可用 model 指定含有它的模型'}`,
  }];
}
