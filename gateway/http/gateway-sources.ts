/** What the API answers with, put together from the parts of a running gateway. */
import type { DeviceView, LastValue } from '../../api/devices.ts';
import type { PictureView } from '../../api/pictures.ts';
import type { SinkView, StatusView } from '../../api/status.ts';
import type { ConfigState } from '../../core/config/reload.ts';
import type { Catalogue, Normaliser } from '../../city/catalogue/catalogue.ts';
import { indicatorName } from '../../city/catalogue/name.ts';
import type { GatewayLog } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import type { ApiSources, CommandSource, DemoControls } from './sources.ts';
import { remedyOf } from './problem.ts';
import type { Access } from '../people/access.ts';
import type { Rebinding } from '../bindings/rebinding.ts';
import type { BrokerLink } from '../broker/link.ts';
import type { GatewaySetup } from '../config/setup.ts';
import type { Quarantine } from '../intake/quarantine.ts';
import type { GatewayLine } from '../line.ts';
import type { LiveViewService } from '../media/live-view/service.ts';
import type { RegisteredDevice, PresenceRegistry } from '../presence/registry.ts';
import { explain } from '../../core/faults.ts';
import type { OpenedSink, Sinks } from '../sinks/open.ts';
import { openStoreCheck } from '../store/check.ts';
import { indicatorViews } from '../store/indicators.ts';
import type { LastPoint, Store } from '../store/store.ts';
import type { HealthMonitor } from './health-monitor.ts';
import type { WarningLine } from '../warnings/types.ts';
import { deviceCounts } from '../presence/device-counts.ts';

export interface SourceParts {
  setup: GatewaySetup;
  log: GatewayLog;
  line: GatewayLine;
  registry: PresenceRegistry;
  store: Store;
  warnings: WarningLine;
  sinks: Pick<Sinks, 'all'>;
  catalogue: Catalogue;
  normaliser(): Normaliser;
  quarantine: Quarantine;
  /** Reads what edges send. */
  link: Pick<BrokerLink, 'connected'>;
  health: HealthMonitor;
  bindings: Rebinding;
  centresOf(edge: string): readonly string[];
  commands: CommandSource;
  picture(url: string, key: string | null): Promise<PictureView | null>;
  evidence: ApiSources['evidence'];
  liveView: LiveViewService;
  access: Access;
  people: ApiSources['people'];
  oidc(): ApiSources['oidc'];
  audit: ApiSources['audit'];
  /** Edges without TLS, and until when they are let in; ms UTC. null: nobody looks at it here. */
  plaintext: (() => { untilAt: number; edges: readonly string[] }) | null;
  enrolment: ApiSources['enrolment'];
  metrics(): Promise<string>;
  /** What became of a changed configuration file; absent where nobody watches one. */
  config?: (() => ConfigState) | undefined;
  demo?: DemoControls;
}

export function apiSources(parts: SourceParts, world: World): ApiSources {
  const { setup, log, line, registry, store, warnings, quarantine, health } = parts;
  const startedAt = world.clock.nowMs();
  let storeMs: number | null = null;
  store.onStored(({ newestAt }) => { storeMs = Math.max(0, world.clock.nowMs() - newestAt); });

  function lastValue(last: LastPoint): LastValue {
    const { indicator, point, kind, value, unit, at, quality, flags } = last;
    return {
      indicator,
      point,
      name: indicatorName(parts.catalogue, indicator),
      kind,
      value,
      unit,
      at,
      quality,
      flags,
      limits: warnings.limitsOf(last),
    };
  }

  function deviceView({ pictures, ...device }: RegisteredDevice, values: readonly LastPoint[]): DeviceView {
    const picture = pictures && registry.httpOf(device.edge) ? `/api/v1/devices/${encodeURIComponent(device.id)}/picture` : null;
    const live = pictures ? parts.liveView.pathOf(device.id, device.edge) : null;
    return { ...device, ...remedyOf(device.reason), picture, ...(live === null ? {} : { live }), values: values.map(lastValue) };
  }

  function centresOfEdge(edge: string): readonly string[] {
    const bound = parts.centresOf(edge);
    return bound.length > 0 ? bound : registry.edges().filter(({ id }) => id === edge).map(({ centre }) => centre);
  }

  function status(sees?: (centre: string) => boolean): StatusView {
    const isSeen = ({ centre }: { centre: string }): boolean => sees?.(centre) ?? true;
    const devices = registry.devices().filter(isSeen);
    const edges = registry.edges().filter(isSeen);
    const stats = line.stats();
    const plain = parts.plaintext?.();
    return {
      gateway: setup.gateway,
      centre: setup.centre,
      ...(setup.name ? { name: setup.name } : {}),
      exercise: setup.exercise,
      now: world.clock.nowMs(),
      startedAt,
      evaluatedTo: warnings.evaluatedTo(),
      devices: deviceCounts(devices),
      edges,
      ...(plain && world.clock.nowMs() < plain.untilAt && {
        plaintext: {
          until: Number.isFinite(plain.untilAt) ? plain.untilAt : null,
          edges: plain.edges.filter((edge) => edges.some(({ id }) => id === edge)),
        },
      }),
      path: {
        edgeDepth: edges.reduce((sum, { logDepth }) => sum + (logDepth ?? 0), 0),
        accepted: stats.accepted, duplicates: stats.duplicates, refused: stats.refused, stored: health.stored,
        storeLag: line.lag('store'), rulesLag: line.lag('warnings'), warningsOpen: warnings.openCount(sees),
        acceptMs: stats.acceptMs, storeMs, warnMs: warnings.delayMs(),
      },
      // Of the gateway as a whole.
      ...(parts.config && !sees ? { config: parts.config() } : {}),
      ...(sees ? {} : { sinks: parts.sinks.all.map((sink) => sinkView(sink, line.lag(sink.consumer.name))) }),
    };
  }

  return {
    status,
    problems: () => [
      ...health.problems(),
      ...(parts.link.connected ? [] : [{ code: 'CV_BROKER_UNREACHABLE', detail: 'the broker is away', detailZh: '代理连接中断' }]),
    ],
    devices() {
      const values = Map.groupBy(store.last(), ({ device }) => device);
      return registry.devices().map((device) => deviceView(device, values.get(device.id) ?? []));
    },
    device(id) {
      const device = registry.device(id);
      return device && deviceView(device, store.last({ device: id }));
    },
    unknownDevices: () => registry.unknownDevices(),
    indicators: () => indicatorViews(parts.catalogue, store),
    series: (filter) => store.series(filter),
    range: (query) => store.range(query),
    storeCheck: openStoreCheck(store, world),
    warnings: () => warnings.list(),
    warning: (id) => warnings.get(id),
    warningChangesHead: () => warnings.changesHead(),
    warningChanges: (n, limit) => warnings.changesAfter(n, limit),
    log,
    normaliser: parts.normaliser,
    quarantine: (before, limit) => quarantine.list(before, limit),
    async picture(id) {
      const device = registry.device(id);
      const http = device?.pictures ? registry.httpOf(device.edge) : null;
      return device && http ? parts.picture(`${http}/frames/${encodeURIComponent(id)}`, registry.httpKeyOf(device.edge)) : null;
    },
    evidence: parts.evidence,
    bindings: parts.bindings,
    commands: parts.commands,
    liveView: parts.liveView,
    access: parts.access,
    people: parts.people,
    audit: parts.audit,
    enrolment: parts.enrolment,
    get oidc() {
      return parts.oidc();
    },
    centresOfEdge,
    metrics: parts.metrics,
    onLive(listener) {
      const stops = [
        store.onStored(({ lasts }) => {
          for (const { indicator, device, point, at, value, unit, quality, flags, centre } of lasts())
            listener({ kind: 'value', indicator, device, point, at, value, unit, quality, flags }, centre);
        }),
        warnings.onChange((warning) => listener({ kind: 'warning', warning }, warning.centre)),
        registry.onDevice((device) =>
          listener({ kind: 'device', device: deviceView(device, store.last({ device: device.id })) }, device.centre),
        ),
      ];
      return () => { for (const stop of stops) stop(); };
    },
    ...(parts.demo ? { demo: parts.demo } : {}),
  };
}

function sinkView(
  {
    id,
    kind,
    consumer: {
      counts: { written, setAside, missed, problem },
    },
  }: OpenedSink,
  lag: number,
): SinkView {
  return {
    id,
    kind,
    lag,
    written,
    setAside,
    missed,
    problem: problem && { code: problem.code, zh: explain(problem, 'zh-CN').message, en: explain(problem, 'en').message },
  };
}
