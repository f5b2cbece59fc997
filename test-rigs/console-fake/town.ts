/** A made-up town for the console: everything it shows moves, deterministically by the second, with no device behind it. */
import type { DemoView } from '../../api/demo.ts';
import type { DeviceView, Freshness, LastValue } from '../../api/devices.ts';
import type { SinkView } from '../../api/status.ts';
import type { WarningView } from '../../api/warnings.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { SNAPSHOT_INDICATOR, type Level, type Value } from '../../core/event.ts';
import { OWN_INDICATORS } from '../../core/own-indicators.ts';
import type { Clock } from '../../core/world.ts';
import type { DemoControls } from '../../gateway/http/sources.ts';
import { memoryGateway, type MemoryGateway } from '../../gateway/http/testing/memory-sources.ts';
import { moreCameras, pictureOf } from './more-cameras.ts';
import { sceneAt, walkersAt } from './scene.ts';
import '../../gateway/sinks/faults.ts';

const CENTRE = '500112001';
const CUT_MS = 20_000;
const DOWN_MS = 6000;
/** One storm: the water rises over both limits and falls again. */
const STORM_MS = 90_000;
const LIMITS: LastValue['limits'] = [{ level: 3, value: 2.5, direction: 'high' }, { level: 2, value: 3, direction: 'high' }];
const KEEP_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;

export interface FakeTown {
  gateway: MemoryGateway;
  /** Set, the camera can be watched. */
  livePath: string | null;
  /** Brings everything to the clock's time; call it as often as values are wanted. */
  turn(): Promise<void>;
}

interface Point {
  device: string;
  point: string;
  indicator: string;
  name: BilingualText;
  kind?: LastValue['kind'];
  unit: string;
  limits: LastValue['limits'];
  value(second: number): Value;
}

export const waterAt = (ms: number): number =>
  2.1 + 1.15 * Math.sin(((ms % STORM_MS) / STORM_MS - 0.2) * 2 * Math.PI) + 0.03 * Math.sin(ms / 700);

const POINTS: Point[] = [
  {
    device: 'pump-07-plc',
    point: 'level',
    indicator: 'YJ-FLD-001',
    name: { zh: '河道水位', en: 'river stage' },
    unit: 'm',
    limits: LIMITS,
    value: (second) => waterAt(second * 1000),
  },
  {
    device: 'pump-07-plc',
    point: 'running',
    indicator: 'SS-DRN-011',
    name: { zh: '水泵运行', en: 'pump running' },
    unit: '{state}',
    limits: [],
    value: (second) => waterAt(second * 1000) > 2.3,
  },
  {
    device: 'air-01',
    point: 'pm25',
    indicator: 'ST-AIR-001',
    name: { zh: '细颗粒物', en: 'PM2.5' },
    unit: 'ug/m3',
    limits: [{ level: 4, value: 75, direction: 'high' }],
    value: (second) => 38 + 6 * Math.sin(second / 17),
  },
  {
    device: 'air-01',
    point: 'o3',
    indicator: 'ST-AIR-003',
    name: { zh: '臭氧', en: 'ozone' },
    unit: 'ug/m3',
    limits: [],
    value: (second) => 71 + 9 * Math.sin(second / 29),
  },
  {
    device: 'gate-cam',
    point: 'persons',
    indicator: 'SH-CRD-003',
    name: { zh: '画面人数', en: 'persons in view' },
    unit: '{person}',
    limits: [],
    value: (second) => walkersAt(second * 1000).length,
  },
  // What follows an event as its evidence is no value of the town.
  {
    device: 'gate-cam',
    point: 'snapshot',
    indicator: SNAPSHOT_INDICATOR,
    name: OWN_INDICATORS[SNAPSHOT_INDICATOR],
    kind: 'occurrence',
    unit: '',
    limits: [],
    value: () => 'yard.intrusion',
  },
  {
    device: 'gate-cam',
    point: 'vehicles',
    indicator: 'SS-TRF-004',
    name: { zh: '画面车辆数', en: 'vehicles in view' },
    unit: '{vehicle}',
    limits: [],
    value: () => 1,
  },
];
const DEVICES: Record<string, string> = { 'pump-07-plc': 'modbus', 'air-01': 'opcua', 'gate-cam': 'camera' };

/** @param cameras how many there are; one is that of pump-07 */
export function fakeTown(clock: Clock, cameras = 1): FakeTown {
  const startedAt = clock.nowMs();
  let cutUntil = 0;
  let downUntil = 0;
  let kept = 0;
  let depth = 0;
  let serial = 0;
  let lastAt = 0;
  const away = () => clock.nowMs() < Math.max(cutUntil, downUntil);
  const demo: DemoControls = {
    user: 'demo',
    view: () => demoView(),
    cut: () => { cutUntil = Math.max(cutUntil, clock.nowMs() + CUT_MS); },
    kill: () => { downUntil = clock.nowMs() + DOWN_MS; },
  };
  const gateway = memoryGateway(demo);
  gateway.sources.picture = async (device) => gateway.pictures.get(device) ?? (await pictureOf(device, clock.nowMs()));
  gateway.series = POINTS.map(({ device, point, indicator, name, unit }) => ({
    view: { indicator, device, point, unit, centre: CENTRE, edge: 'pump-07', known: true, name, lastAt: startedAt },
    points: [],
  }));
  gateway.indicators = POINTS.map(({ indicator, name, unit }) => ({
    code: indicator,
    known: true,
    version: 1,
    name,
    unit,
    board: indicator.slice(0, 2),
    runway: indicator.slice(3, 6),
    seriesCount: 1,
  }));

  function demoView(): DemoView {
    const now = clock.nowMs();
    const cut = now < cutUntil;
    const down = now < downUntil;
    const act: BilingualText = cut
      ? { zh: '网络已断开：边缘缓存积压上升', en: 'the network is cut: the edge log fills' }
      : down
        ? { zh: '边缘进程已被终止，正在重启', en: 'the edge was killed and starts again' }
        : { zh: '暴雨来临，关注水位', en: 'the storm comes: watch the water' };
    return {
      seconds: (now - startedAt) / 1000,
      act,
      canCut: !cut,
      canKill: !down,
      networkCut: cut,
      edgeDown: down,
      witnessed: kept,
      missing: depth,
      twice: 0,
      checkedAt: now - 800,
    };
  }

  async function turn(): Promise<void> {
    const now = clock.nowMs();
    const freshness: Freshness = away() ? 'unobserved' : 'fresh';
    const written = now < downUntil ? 0 : POINTS.length;
    kept += written;
    depth = away() ? depth + written : 0;
    if (!away()) storeUpTo(now);
    gateway.devices = [
      ...Object.entries(DEVICES)
        .filter(([, driver]) => cameras > 0 || driver !== 'camera')
        .map(([id, driver]) => deviceView(id, driver, freshness, now)),
      ...moreCameras(cameras - 1, now),
    ];
    for (const device of gateway.devices) gateway.emit({ kind: 'device', device });
    if (!away()) judge(now);
    gateway.status = {
      ...gateway.status,
      gateway: 'town-01',
      centre: CENTRE,
      name: { zh: '龙溪镇', en: 'Longxi town' },
      exercise: true,
      now,
      startedAt,
      evaluatedTo: lastAt,
      devices: {
        total: gateway.devices.length,
        fresh: gateway.devices.filter((device) => device.freshness === 'fresh').length,
        lost: gateway.devices.filter((device) => device.freshness === 'lost').length,
        unobserved: gateway.devices.filter((device) => device.freshness === 'unobserved').length,
      },
      edges: [{ id: 'pump-07', centre: CENTRE, online: !away(), version: '0.1.0', logDepth: depth, clockOffsetMs: 0, seenAt: lastAt }],
      path: {
        ...gateway.status.path,
        edgeDepth: depth,
        accepted: kept - depth,
        stored: kept - depth,
        warningsOpen: gateway.warnings.filter(({ condition }) => condition === 'active').length,
        acceptMs: 24 + (now % 17),
        storeMs: 48 + (now % 23),
        warnMs: 55 + (now % 29),
      },
      sinks: sinksOf(kept - depth),
    };
    if (!away() && cameras > 0) gateway.pictures.set('gate-cam', await sceneAt('gate-cam', now));
  }

  /** What was missed while away comes in at once, as a drained backlog does. */
  function storeUpTo(now: number): void {
    const from = lastAt === 0 ? now - 60_000 : lastAt;
    for (const [nth, series] of gateway.series.entries()) {
      const { value, ...point } = POINTS[nth] as Point;
      for (let at = from + 500; at <= now; at += 500) series.points.push({ at, value: value(at / 1000), quality: 'good', flags: [] });
      series.points = series.points.filter(({ at }) => at > now - KEEP_MS);
      series.view.lastAt = now;
      gateway.emit({
        kind: 'value',
        indicator: point.indicator,
        device: point.device,
        point: point.point,
        at: now,
        value: value(now / 1000),
        unit: point.unit,
        quality: 'good',
        flags: [],
      });
    }
    lastAt = now;
  }

  function deviceView(id: string, driver: string, freshness: Freshness, now: number): DeviceView {
    const values = POINTS.filter(({ device }) => device === id).map(
      ({ indicator, point, name, kind = 'measurement', unit, limits, value }): LastValue => ({
        indicator,
        point,
        name,
        kind,
        unit,
        limits,
        value: value(lastAt / 1000),
        at: lastAt,
        quality: 'good',
        flags: [],
      }),
    );
    const reason = freshness === 'fresh' ? '' : 'edge pump-07 is away';
    return {
      id,
      edge: 'pump-07',
      centre: CENTRE,
      driver,
      subject: id,
      position: null,
      freshness,
      since: startedAt - HOUR_MS,
      reason,
      lastAt: Math.min(lastAt, now),
      picture: driver === 'camera' ? `/api/v1/devices/${id}/picture` : null,
      ...(driver === 'camera' && town.livePath !== null ? { live: town.livePath } : {}),
      values,
    };
  }

  function judge(now: number): void {
    // A reason cites a value that is in the store already.
    const citedAt = gateway.series.find(({ view }) => view.indicator === 'YJ-FLD-001')?.points.at(-1)?.at ?? now;
    const water = waterAt(now);
    const level: Level | null = water >= 3 ? 2 : water >= 2.5 ? 3 : null;
    const open = gateway.warnings.find(({ condition }) => condition === 'active');
    if (open && water < 2.35) return change({ ...open, condition: 'cleared', clearedAt: now, changedAt: now });
    if (!open && level !== null) {
      serial += 1;
      return change(warningOf(`${serial}`.padStart(16, '0'), level, water, now, citedAt));
    }
    if (open && level !== null && level < open.level)
      change({ ...warningOf(open.id, level, water, now, citedAt), onsetAt: open.onsetAt, raisedAt: open.raisedAt });
  }

  function change(warning: WarningView): void {
    gateway.warnings = [...gateway.warnings.filter(({ id }) => id !== warning.id), warning].slice(-50);
    gateway.emit({ kind: 'warning', warning });
  }

  const town: FakeTown = { gateway, livePath: null, turn };
  return town;
}

/** One that is well, and one whose target has been away for longer than the log holds. */
const sinksOf = (accepted: number): SinkView[] => [
  { id: 'district-victoria', kind: 'influxdb', lag: 0, written: accepted, setAside: 0, missed: 0, problem: null },
  {
    id: 'influxdb',
    kind: 'influxdb',
    lag: accepted,
    written: 1200,
    setAside: 3,
    missed: 48_210,
    problem: {
      code: 'CV_SINK_UNREACHABLE',
      zh: 'http://10.0.0.9:8086 无法连接：ECONNREFUSED',
      en: 'http://10.0.0.9:8086 cannot be reached: ECONNREFUSED',
    },
  },
];

function warningOf(id: string, level: Level, water: number, now: number, citedAt: number): WarningView {
  const cites = { indicator: 'YJ-FLD-001', device: 'pump-07-plc', point: 'level', at: citedAt, value: water, unit: 'm' };
  const limit = level === 2 ? 3 : 2.5;
  const rain = { ...cites, indicator: 'SS-DRN-011', point: 'running', value: true, unit: '' };
  return {
    id,
    rule: 'pump-level',
    version: 3,
    type: 'threshold',
    indicator: cites.indicator,
    device: cites.device,
    point: cites.point,
    subject: 'pump-07',
    centre: CENTRE,
    level,
    state: 'raised',
    condition: 'active',
    exercise: true,
    late: false,
    raisedBy: 'gateway:town-01',
    onsetAt: now,
    raisedAt: now,
    publishedAt: now,
    changedAt: now,
    clearedAt: null,
    previousId: null,
    title: { zh: '七号泵站水位超限', en: 'Water level at pump station 7 over its limit' },
    place: { zh: '龙溪镇 七号泵站', en: 'pump station 7, Longxi town', position: { lon: 106.577, lat: 29.557 } },
    reasons: [
      {
        zh: `水位 ${water.toFixed(2)} m，高于限值 ${limit.toFixed(1)} m`,
        en: `water level ${water.toFixed(2)} m, over the limit of ${limit.toFixed(1)} m`,
        cites,
      },
      { zh: '水泵已在运行，水位仍在上升', en: 'the pump is running and the level still rises', cites: rain },
    ],
    suggestion: {
      zh: '到场核实水位，检查格栅是否堵塞，准备启用备用泵。',
      en: 'Check the level on site, look for a clogged grate, make the spare pump ready.',
    },
    incomplete: ['plan', 'unit'],
  };
}
