/**
 * The series that there are, with their newest values, in memory; and what a batch of events means to them. An event
 * finds its series by two or three look-ups, and most are then a number in a column. Nothing of a batch counts before it
 * is on disk.
 */
import { QUALITIES, type Event, type Kind, type Quality } from '../../core/event.ts';
import type { Normaliser } from '../../city/catalogue/catalogue.ts';
import { valueAt, type Cells } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';
import { pointReader, PointsBuilder } from './block.ts';
import type { StoreBatch } from './database.ts';
import type { SeriesHead, SeriesSnapshot, StoredPoint } from './rows.ts';

interface Entry extends SeriesSnapshot {
  /** Numbers in this unit are stored as they are; null until one was looked at. */
  plainUnit: string | null;
  /** Where in the batch that is being counted its newest point lies; −1 when it has none there. */
  place: number;
}

type Devices = Map<string, Entry>;

/** A group that has none of these is numbers and nothing more. */
const ODD_FIELDS = ['flags', 'window', 'gap', 'warning', 'subject'] as const;

export class Directory {
  #normal: Normaliser;
  readonly #entries = new Map<string, Map<string, Devices>>();
  readonly #byId: (Entry | undefined)[] = [];
  readonly #byDevice = new Map<string, Entry[]>();
  /** Created, and not on disk yet: after a fault they go along with the next batch. */
  readonly #unsaved = new Map<number, Entry>();
  #nextId = 1;
  newestAt = 0;

  readonly #onMisfit: (series: SeriesSnapshot, unit: string) => void;

  /** @param onMisfit a number came in a unit that cannot be brought into that of its series; called for each such value */
  constructor(normal: Normaliser, series: readonly SeriesSnapshot[], onMisfit: (series: SeriesSnapshot, unit: string) => void = () => {}) {
    this.#normal = normal;
    this.#onMisfit = onMisfit;
    for (const one of series) this.#put({ ...one, plainUnit: null, place: -1 });
  }

  /** Another catalogue: what a unit means may have changed, so no value is plain until it was looked at anew. */
  setNormaliser(normal: Normaliser): void {
    this.#normal = normal;
    for (const entry of this.#byId) if (entry) entry.plainUnit = null;
  }

  get(indicator: string, device: string, point: string): SeriesSnapshot | undefined {
    return this.#saved(this.#entries.get(indicator)?.get(point)?.get(device));
  }

  byId(id: number): SeriesSnapshot | undefined {
    return this.#saved(this.#byId[id]);
  }

  *all(): Generator<SeriesSnapshot> {
    for (const entry of this.#byId) if (entry && !this.#unsaved.has(entry.id)) yield entry;
  }

  /** Those of one device, which is asked for each of all devices in turn: nobody walks past the series of the others. */
  ofDevice(device: string): SeriesSnapshot[] {
    return (this.#byDevice.get(device) ?? []).filter((entry) => this.#saved(entry)).toSorted((a, b) => a.id - b.id);
  }

  /** What these events are on disk. A gap says that values are missing and a warning what was made of them; neither is a value. */
  batchOf(groups: readonly EventColumns[]): Omit<StoreBatch, 'upTo'> {
    const points = new PointsBuilder(groups.reduce((sum, { count }) => sum + count, 0));
    const changed = new Map<number, SeriesHead & { id: number }>();
    for (const group of groups) if (!this.#addPlain(group, points, changed)) this.#addEach(group, points, changed);
    return {
      points: points.done(),
      changed: [...changed.values()],
      created: [...this.#unsaved.values()].map(({ plainUnit: _plainUnit, place: _place, ...series }) => series),
    };
  }

  /**
   * What most groups are: numbers of one point of many devices that are known, each as it was last. @returns false when
   * this is not one of them; nothing was added then
   */
  #addPlain(group: EventColumns, points: PointsBuilder, changed: Map<number, SeriesHead & { id: number }>): boolean {
    if (ODD_FIELDS.some((field) => group.cells(field) !== null)) return false;
    const same = [
      group.cells('indicator'),
      group.cells('point'),
      group.cells('unit'),
      group.cells('quality'),
      group.cells('centre'),
      group.cells('kind'),
      group.edges(),
    ];
    if (!same.every((cells) => cells?.each === null)) return false;
    const [indicator, point, unit, quality, centre, kind, edge] = same.map((cells) => (cells as Cells).distinct[0] as string) as [
      string,
      string,
      string,
      Quality,
      string,
      string,
      string,
    ];
    const among = this.#entries.get(indicator)?.get(point);
    const [devices, values, times] = [group.cells('device'), group.cells('value'), group.cells('occurredAt')];
    if (!among) return false;
    const entries: Entry[] = [];
    for (let at = 0; at < group.count; at += 1) {
      const device = valueAt(devices, at) as string;
      const entry = among.get(device);
      if (!entry || entry.plainUnit !== unit || typeof valueAt(values, at) !== 'number') return false;
      if (entry.subject !== device || entry.centre !== centre || entry.edge !== edge || entry.kind !== kind) return false;
      entries.push(entry);
    }
    const code = QUALITIES.indexOf(quality);
    for (let at = 0; at < group.count; at += 1) {
      const { id, last } = entries[at] as Entry;
      const occurredAt = valueAt(times, at) as number;
      points.number(id, occurredAt, valueAt(values, at) as number, code);
      if (changed.size > 0 && occurredAt >= last.at) changed.delete(id);
    }
    return true;
  }

  #addEach(group: EventColumns, points: PointsBuilder, changed: Map<number, SeriesHead & { id: number }>): void {
    const [indicators, devices, names, values, units, times] = [
      group.cells('indicator'),
      group.cells('device'),
      group.cells('point'),
      group.cells('value'),
      group.cells('unit'),
      group.cells('occurredAt'),
    ];
    const [qualities, flags, windows, gaps, warnings] = [
      group.cells('quality'),
      group.cells('flags'),
      group.cells('window'),
      group.cells('gap'),
      group.cells('warning'),
    ];
    const [subjects, centres, edges, kinds] = [group.cells('subject'), group.cells('centre'), group.edges(), group.cells('kind')];
    for (let at = 0; at < group.count; at += 1) {
      if (valueAt(gaps, at) !== null || valueAt(warnings, at) !== null) continue;
      const device = valueAt(devices, at) as string;
      const among = this.#devices(valueAt(indicators, at) as string, valueAt(names, at) as string);
      const entry = among.get(device) ?? this.#create(group.events()[at] as Event);
      const [value, occurredAt] = [valueAt(values, at), valueAt(times, at) as number];
      if (
        typeof value === 'number' &&
        valueAt(units, at) === entry.plainUnit &&
        valueAt(flags, at) === null &&
        valueAt(windows, at) === null
      ) {
        points.number(entry.id, occurredAt, value, QUALITIES.indexOf(valueAt(qualities, at) as Quality));
      } else {
        points.point(entry.id, this.#pointOf(group.events()[at] as Event, entry));
      }
      if (occurredAt < entry.last.at) continue;
      const [subject, centre, edge, kind] = [
        (valueAt(subjects, at) ?? device) as string,
        valueAt(centres, at) as string,
        valueAt(edges, at) as string,
        valueAt(kinds, at) as Kind,
      ];
      if (subject !== entry.subject || centre !== entry.centre || edge !== entry.edge || kind !== entry.kind) {
        changed.set(entry.id, {
          id: entry.id,
          indicator: entry.indicator,
          device,
          point: entry.point,
          unit: entry.unit,
          subject,
          centre,
          edge,
          kind,
        });
      } else changed.delete(entry.id);
    }
  }

  /** To be called when a batch is on disk. @returns the series whose values it brought, and the time of the newest one among their newest */
  stored({ points, changed, created }: Omit<StoreBatch, 'upTo'>): { ids: number[]; newestAt: number } {
    for (const { id } of created) this.#unsaved.delete(id);
    for (const head of changed)
      Object.assign(this.#byId[head.id] as Entry, { subject: head.subject, centre: head.centre, edge: head.edge, kind: head.kind });
    const { ids, times } = points;
    const touched: Entry[] = [];
    for (let place = 0; place < ids.length; place += 1) {
      const entry = this.#byId[ids[place] as number] as Entry;
      const at = times[place] as number;
      if (entry.place < 0) touched.push(entry);
      if (entry.place < 0 || at >= (times[entry.place] as number)) entry.place = place;
      if (at < entry.firstAt) entry.firstAt = at;
    }
    const pointAt = pointReader(points);
    let newestAt = 0;
    for (const entry of touched) {
      if ((times[entry.place] as number) >= entry.last.at) entry.last = pointAt(entry.place);
      newestAt = Math.max(newestAt, entry.last.at);
      entry.place = -1;
    }
    this.newestAt = Math.max(this.newestAt, newestAt);
    return { ids: touched.map(({ id }) => id), newestAt };
  }

  #saved(entry: Entry | undefined): SeriesSnapshot | undefined {
    return entry && !this.#unsaved.has(entry.id) ? entry : undefined;
  }

  #devices(indicator: string, point: string): Devices {
    let points = this.#entries.get(indicator);
    if (!points) this.#entries.set(indicator, points = new Map());
    let devices = points.get(point);
    if (!devices) points.set(point, devices = new Map());
    return devices;
  }

  #put(entry: Entry): void {
    this.#devices(entry.indicator, entry.point).set(entry.device, entry);
    this.#byId[entry.id] = entry;
    const own = this.#byDevice.get(entry.device);
    if (own) own.push(entry);
    else this.#byDevice.set(entry.device, [entry]);
    this.#nextId = Math.max(this.#nextId, entry.id + 1);
    this.newestAt = Math.max(this.newestAt, entry.last.at);
  }

  /** A series has the unit of its first value, or its indicator's when that value came in one that does not fit it. */
  #create(event: Event): Entry {
    const { indicator, device, point, centre, edge, kind } = event;
    const first = this.#normal(event);
    const unit = (first.flags.includes('unit') ? this.#normal.unitOf(indicator) : null) ?? first.unit;
    const entry: Entry = {
      id: this.#nextId,
      indicator,
      device,
      point,
      subject: event.subject ?? device,
      centre,
      edge,
      kind,
      unit,
      firstAt: event.occurredAt,
      last: { at: -1, value: null, quality: 'bad', flags: [] },
      plainUnit: null,
      place: -1,
    };
    entry.last = { ...this.#pointOf(event, entry), at: -1 };
    this.#put(entry);
    this.#unsaved.set(entry.id, entry);
    return entry;
  }

  /** A value in another unit than its series says so; one that its indicator cannot have is not good either. */
  #pointOf(event: Event, entry: Entry): StoredPoint {
    const { value, unit, window, quality, flags } = this.#normal(event);
    const isOwn = unit === entry.unit;
    const isMisfit = !isOwn || flags.includes('unit');
    if (isMisfit && typeof value === 'number') this.#onMisfit(entry, unit);
    else if (unit === event.unit && typeof value === 'number') entry.plainUnit = unit;
    return {
      at: event.occurredAt, value, quality,
      flags: isMisfit && !flags.includes('unit') ? [...flags, 'unit'] : [...flags],
      ...(window || !isOwn ? { extra: { ...(isOwn ? {} : { unit }), ...(window ? { window } : {}) } } : {}),
    };
  }
}
