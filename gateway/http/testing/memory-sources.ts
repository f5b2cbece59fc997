/** A gateway in memory, for tests of the API and for the console's rig: plain lists that the owner fills and changes. */
import { AUDIT_EXAMPLE } from '../../../api/audit.ts';
import type { DeviceView } from '../../../api/devices.ts';
import type { IndicatorView } from '../../../api/indicators.ts';
import type { LiveMessage } from '../../../api/live.ts';
import type { PictureView } from '../../../api/pictures.ts';
import type { QuarantineItem } from '../../../api/quarantine.ts';
import type { PointView, SeriesView } from '../../../api/series.ts';
import type { StatusView } from '../../../api/status.ts';
import type { UnknownDeviceView } from '../../../api/unknown-devices.ts';
import type { WarningView } from '../../../api/warnings.ts';
import { catalogueOf, normaliser } from '../../../city/catalogue/catalogue.ts';
import type { Indicator } from '../../../city/catalogue/indicator.ts';
import type { Draft } from '../../../core/event.ts';
import { compareCursors, LOG_START, type Cursor, type StoredGroup } from '../../../log/types.ts';
import { encodeBatch } from '../../../core/wire/batch.ts';
import { VirtualClock } from '../../../core/testing/virtual-clock.ts';
import { Access } from '../../people/access.ts';
import { deviceCounts } from '../../presence/device-counts.ts';
import { enrolmentDouble } from './enrolment-double.ts';
import { evidenceView } from './evidence-view.ts';
import { EXAMPLES } from './examples.ts';
import { peopleDouble } from './people-double.ts';
import type { ApiSources, DemoControls, SeriesFilter } from '../sources.ts';
import type { HealthProblem } from '../../../api/health.ts';

export interface MemoryGateway {
  sources: ApiSources;
  status: StatusView;
  devices: DeviceView[];
  unknownDevices: UnknownDeviceView[];
  indicators: IndicatorView[];
  series: { view: SeriesView; points: PointView[] }[];
  warnings: WarningView[];
  quarantine: QuarantineItem[];
  pictures: Map<string, PictureView>;
  problems: HealthProblem[];
  /** Where the log begins; earlier cursors are gone. */
  tail: Cursor;
  groups: StoredGroup[];
  /** What `events` converts by. */
  catalogue: Indicator[];
  emit(message: LiveMessage): void;
  listeners(): number;
}

/** @param demo given, the demo's routes exist */
export function memoryGateway(demo?: DemoControls): MemoryGateway {
  const listeners = new Set<(message: LiveMessage, centre: string) => void>();
  const gateway: MemoryGateway = {
    status: structuredClone(EXAMPLES.status),
    devices: [],
    unknownDevices: [],
    indicators: [],
    series: [],
    warnings: [],
    quarantine: [],
    pictures: new Map(),
    problems: [],
    tail: LOG_START,
    groups: [],
    catalogue: [],
    emit: (message) => {
      for (const listener of listeners) listener(message, centreOf(gateway, message));
    },
    listeners: () => listeners.size,
    sources: {
      status: (sees) => (sees ? scopedStatus(gateway, sees) : gateway.status),
      centresOfEdge: (edge) => gateway.status.edges.filter(({ id }) => id === edge).map(({ centre }) => centre),
      access: new Access({ gateway: EXAMPLES.status.gateway, isNeeded: false }, new VirtualClock()),
      people: peopleDouble(),
      oidc: null,
      enrolment: enrolmentDouble(),
      audit: { append: () => {}, list: () => Promise.resolve({ items: [AUDIT_EXAMPLE], next: null }) },
      problems: () => gateway.problems,
      devices: () => gateway.devices,
      device: (id) => gateway.devices.find((device) => device.id === id) ?? null,
      unknownDevices: () => gateway.unknownDevices,
      indicators: () => gateway.indicators,
      series: (filter) => gateway.series.map(({ view }) => view).filter((view) => fits(view, filter)),
      storeCheck: { view: () => EXAMPLES.storeCheck, start: () => EXAMPLES.storeCheck },
      range(query) {
        const points =
          gateway.series.find(({ view }) => fits(view, query))?.points.filter(({ at }) => at >= query.from && at < query.to) ?? [];
        if (query.maxPoints === null) return Promise.resolve({ ...page(points, query.after, query.limit), downsampled: false });
        return Promise.resolve({ items: thin(points, query.maxPoints), downsampled: points.length > query.maxPoints, next: null });
      },
      warnings: () => gateway.warnings,
      warningChangesHead: () => ({ epoch: 1, seq: gateway.warnings.length }),
      warningChanges: async (n, limit) => ({
        items: gateway.warnings.slice(n, n + limit).map((warning, at) => ({ ...warning, cursor: `1-${n + at + 1}` })),
        oldest: 0,
      }),
      warning: (id) => gateway.warnings.find((warning) => warning.id === id) ?? null,
      log: {
        head: () => endOf(gateway.groups.at(-1)),
        tail: () => gateway.tail,
        read: (after, limit) =>
          Promise.resolve(gateway.groups.filter((group) => compareCursors(endOf(group), after) > 0).slice(0, limit.maxGroups)),
      },
      normaliser: () => normaliser(catalogueOf(gateway.catalogue)),
      quarantine: (before, limit) =>
        gateway.quarantine
          .filter(({ id }) => before === null || id < before)
          .toSorted((a, b) => b.id - a.id)
          .slice(0, limit),
      evidence(sha256) {
        const content = Buffer.from(EXAMPLES.picture.jpegBase64, 'base64');
        return sha256 === EXAMPLES.snapshot.sha256 ? evidenceView(content, 'image/jpeg', EXAMPLES.device.edge) : null;
      },
      picture: (device) => Promise.resolve(gateway.pictures.get(device) ?? null),
      metrics: () => '# TYPE cityvitals_points_stored_total counter\ncityvitals_points_stored_total 1200\n',
      onLive(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      ...(demo ? { demo } : {}),
    },
  };
  return gateway;
}

function centreOf({ devices, status }: MemoryGateway, message: LiveMessage): string {
  if (message.kind === 'warning') return message.warning.centre;
  if (message.kind === 'device') return message.device.centre;
  return (message.kind === 'value' ? devices.find(({ id }) => id === message.device)?.centre : undefined) ?? status.centre;
}

function scopedStatus({ status: all, devices, warnings }: MemoryGateway, sees: (centre: string) => boolean): StatusView {
  const { sinks: _sinks, config: _config, ...status } = all;
  const isSeen = ({ centre }: { centre: string }) => sees(centre);
  return {
    ...status,
    devices: deviceCounts(devices.filter(isSeen)),
    edges: status.edges.filter(isSeen),
    path: { ...status.path, warningsOpen: warnings.filter(isSeen).length },
  };
}

/** A group of `count` measurements of one series whose values are their own numbers. */
export function numbersGroup(epoch: number, seq: number, count: number, receivedAt = EXAMPLES.device.lastAt ?? 0): StoredGroup {
  const drafts = Array.from({ length: count }, (_, at): Draft => ({
    device: 'numbers',
    point: 'n',
    indicator: 'TEST-N',
    centre: '500112001',
    kind: 'measurement',
    value: seq + at,
    unit: '',
    occurredAt: receivedAt + seq + at,
    clock: 'edge',
    observedAt: receivedAt,
    quality: 'good',
    origin: 'live',
  }));
  const payload = encodeBatch({ from: 'rig-01', stream: 'measurement', epoch: 1, seq }, drafts);
  return { epoch, seq, count, payload, origin: { sender: 'rig-01', stream: 'measurement', epoch: 1, seq, span: count, receivedAt } };
}

const endOf = (group: StoredGroup | undefined): Cursor => (group ? { epoch: group.epoch, seq: group.seq + group.count - 1 } : LOG_START);

function fits(view: SeriesView, filter: SeriesFilter): boolean {
  return (['indicator', 'device', 'point'] as const).every((part) => filter[part] === undefined || filter[part] === view[part]);
}

function page(points: readonly PointView[], after: string | null, limit: number): { items: PointView[]; next: string | null } {
  const start = after === null ? 0 : Number(after);
  return { items: points.slice(start, start + limit), next: start + limit < points.length ? String(start + limit) : null };
}

function thin(points: readonly PointView[], maxPoints: number): PointView[] {
  if (points.length <= maxPoints) return [...points];
  const size = Math.ceil(points.length / maxPoints);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, at) => bucket(points.slice(at * size, at * size + size)));
}

function bucket(points: readonly PointView[]): PointView {
  const numbers = points.map(({ value }) => value).filter((value) => typeof value === 'number');
  const first = points[0] as PointView;
  if (numbers.length === 0) return first;
  return {
    ...first,
    value: numbers.reduce((sum, value) => sum + value, 0) / numbers.length,
    min: Math.min(...numbers),
    max: Math.max(...numbers),
    count: numbers.length,
  };
}
