/** The points that follow from zones and lines: `<zone>.<measure>`, `<line>.in`, `<line>.out`. Pure. */
import type { FixedPoint } from '../core/driver.ts';
import { classesOf, countPointOf, countUnitOf } from './kinds.ts';
import type { LineSettings, SceneSettings, ZoneSettings } from './settings.ts';

type Named = Pick<ZoneSettings, 'id' | 'zh' | 'en'>;
/** Of something whose kind has an indicator of its own for people and for vehicles. */
type PersonOrVehicle = readonly [person: string, vehicle: string];

/** Of people, of vehicles; of anything else the file has to say it. Numbers from 901 on are local ones (configs/catalogue, -vision.yaml). */
const INDICATORS = {
  count: ['SH-CRD-003', 'SS-TRF-004'],
  density: 'SH-CRD-001',
  crowd: 'SH-CRD-901',
  dwell: ['SH-CRD-902', 'SS-TRF-911'],
  loitering: ['SH-CRD-903', 'SS-TRF-912'],
  intrusion: 'SH-SEC-001',
  wrongWay: ['SH-SEC-902', 'SS-TRF-003'],
  queue: ['SH-CRD-904', 'SS-TRF-913'],
  queueLength: ['SH-CRD-905', 'SS-TRF-914'],
  stopped: ['SH-CRD-906', 'SS-TRF-003'],
  abandoned: 'SH-SEC-903',
  removed: 'SH-SEC-904',
  in: ['SH-CRD-907', 'SS-TRF-915'],
  out: ['SH-CRD-908', 'SS-TRF-916'],
} as const satisfies Record<string, string | PersonOrVehicle>;

const VEHICLES = classesOf(['vehicle']);

function indicatorFor(what: keyof typeof INDICATORS, of: readonly string[] = []): { indicator?: string } {
  const codes: string | PersonOrVehicle = INDICATORS[what];
  if (typeof codes === 'string') return { indicator: codes };
  if (of.every((kind) => kind === 'person')) return { indicator: codes[0] };
  return of.every((kind) => kind === 'vehicle' || VEHICLES.has(kind)) ? { indicator: codes[1] } : {};
}

/** The one that all of these stand for by the model, or by whoever set it up. */
function indicatorOf(indicators: ByClass, of: readonly string[]): string | undefined {
  const codes = new Set(of.map((kind) => indicators[kind]));
  return codes.size === 1 ? [...codes][0] : undefined;
}

type ByClass = Readonly<Record<string, string>>;

/** Every point of a checked scene, in the order of its zones and lines. */
export function scenePoints({
  zones,
  lines,
  homography,
  indicators = {},
}: Pick<SceneSettings, 'zones' | 'lines'> & { homography?: unknown; indicators?: ByClass }): Record<string, FixedPoint> {
  return Object.fromEntries([
    ...zones.flatMap((zone) => zonePoints(zone, homography !== undefined, indicators)),
    ...lines.flatMap(linePoints),
  ]);
}

function zonePoints(zone: ZoneSettings, hasGround: boolean, indicators: ByClass): [string, FixedPoint][] {
  const { count = [], density, crowd, dwell, loitering, intrusion, wrongWay, queue, stopped, abandoned, removed, present } = zone;
  const state = (of: readonly string[]) => ({ unit: countUnitOf(of), kind: 'state' as const });
  const given = (indicator: string | undefined) => (indicator === undefined ? {} : { indicator });
  const happens = { unit: '{event}', kind: 'occurrence' as const };
  return [
    ...count.map((kind): [string, FixedPoint] => {
      const { point, unit, zh, en } = countPointOf(kind);
      return pointOf(zone, point, {
        zh,
        en,
        unit,
        range: [0, 1000],
        ...indicatorFor('count', [kind]),
        ...given(indicatorOf(indicators, [kind])),
      });
    }),
    ...(density
      ? [
          pointOf(zone, 'density', {
            zh: '人群密度',
            en: 'people a square metre',
            unit: '{person}/m2',
            range: [0, 20],
            ...indicatorFor('density'),
          }),
        ]
      : []),
    ...(crowd ? [pointOf(zone, 'crowd', { zh: '拥挤等级', en: 'crowd grade', unit: '1', kind: 'state', ...indicatorFor('crowd') })] : []),
    ...(dwell ? [pointOf(zone, 'dwell', { zh: '最长停留时间', en: 'longest stay', unit: 's', ...indicatorFor('dwell', dwell.of) })] : []),
    ...(loitering
      ? [
          pointOf(zone, 'loitering', {
            zh: '徘徊数量',
            en: 'number that loiters',
            ...state(loitering.of),
            ...indicatorFor('loitering', loitering.of),
          }),
        ]
      : []),
    ...(intrusion
      ? [pointOf(zone, 'intrusion', { zh: '入侵数量', en: 'number of intruders', ...state(intrusion.of), ...indicatorFor('intrusion') })]
      : []),
    ...(wrongWay
      ? [pointOf(zone, 'wrong-way', { zh: '逆行', en: 'going the wrong way', ...happens, ...indicatorFor('wrongWay', wrongWay.of) })]
      : []),
    ...(queue
      ? [
          pointOf(zone, 'queue', {
            zh: '排队数量',
            en: 'number that waits',
            unit: countUnitOf(queue.of),
            ...indicatorFor('queue', queue.of),
          }),
        ]
      : []),
    ...(queue && hasGround
      ? [pointOf(zone, 'queue-length', { zh: '排队长度', en: 'length of the queue', unit: 'm', ...indicatorFor('queueLength', queue.of) })]
      : []),
    ...(stopped
      ? [
          pointOf(zone, 'stopped', {
            zh: '停住数量',
            en: 'number that stands still',
            ...state(stopped.of),
            ...indicatorFor('stopped', stopped.of),
          }),
        ]
      : []),
    ...(abandoned
      ? [pointOf(zone, 'abandoned', { zh: '遗留物数量', en: 'things left behind', ...state(abandoned.of), ...indicatorFor('abandoned') })]
      : []),
    ...(removed
      ? [pointOf(zone, 'removed', { zh: '物品拿取', en: 'a thing was taken away', ...happens, ...indicatorFor('removed') })]
      : []),
    ...present.map((one) =>
      pointOf(zone, one.id, {
        zh: one.zh ?? one.of.join('、'),
        en: one.en ?? one.of.join(', '),
        unit: '{event}',
        kind: 'state',
        ...given(one.indicator ?? indicatorOf(indicators, one.of)),
      }),
    ),
  ];
}

function linePoints(line: LineSettings): [string, FixedPoint][] {
  const { of } = line;
  return [
    pointOf(line, 'in', { zh: '进入数量', en: 'crossings inwards', unit: countUnitOf(of), kind: 'occurrence', ...indicatorFor('in', of) }),
    pointOf(line, 'out', { zh: '离开数量', en: 'crossings outwards', unit: countUnitOf(of), kind: 'occurrence', ...indicatorFor('out', of) }),
  ];
}

function pointOf({ id, zh, en }: Named, measure: string, point: FixedPoint): [string, FixedPoint] {
  return [`${id}.${measure}`, { ...point, zh: `${zh ?? id}：${point.zh}`, en: `${en ?? id}: ${point.en}` }];
}
