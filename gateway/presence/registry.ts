/**
 * What the gateway knows of its edges and their devices: what edges say of themselves (`state`), and when something last
 * came from each device. Kept beside the log, so that a gateway that was restarted still knows who is missing.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DeviceView, Freshness } from '../../api/devices.ts';
import type { EdgeView } from '../../api/status.ts';
import type { UnknownDeviceView } from '../../api/unknown-devices.ts';
import type { Position } from '../../core/event.ts';
import { faultOf } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import { writeWhole } from '../../log/whole-file.ts';
import { valueAt } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';
import type { DeviceState, EdgeState, UnknownDeviceState } from '../../core/wire/messages.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { Bindings, KnownBefore } from '../bindings/bindings.ts';
import { DeviceTable, MAX_DEVICES_OF_EDGE } from './device-table.ts';
import { edgeOrigin, type EdgeHttpKnown } from '../media/edge-http.ts';

/** A device as its edge speaks of it; its values and what can be made of its reason are added for the API. */
export interface RegisteredDevice extends Omit<DeviceView, 'remedy' | 'picture' | 'values'> {
  /** Whether its edge has its newest picture. */
  pictures: boolean;
}

export interface RegistryOptions {
  /** Where it is kept; null for tests. */
  path: string | null;
  /** Edges of the configuration: shown as offline until they speak. */
  edges: readonly string[];
  centre: string;
  /** What is known of where an edge's own HTTP is; absent: what it states is taken (tests). */
  http?(edge: string): EdgeHttpKnown;
  /** Which edge may say what of a device; absent: any (tests). */
  bindings?: Pick<Bindings, 'admit' | 'speaksFor'>;
}

interface Edge {
  id: string;
  centre: string;
  online: boolean;
  version: string | null;
  logDepth: number | null;
  clockOffsetMs: number | null;
  http: string | null;
  seenAt: number;
  /** Since when it is away, as far as that was seen; absent while it is there. */
  awaySince?: number;
  /** Who spoke to it and is not configured, as it said last; absent in what an older gateway saved. */
  unknown?: readonly UnknownDeviceState[];
}

interface Device {
  edge: string;
  centre: string;
  driver: string;
  subject: string;
  position: Position | null;
  online: boolean;
  reason: string;
  lastAt: number | null;
  /** Since when it answers, or does not; absent in what an older gateway saved. */
  since?: number;
  periodMs: number | null;
  /** Its edge found it fresh; believed until then (ms UTC), since unchanged values are not sent. */
  freshUntil: number;
  pictures: boolean;
}

interface Saved {
  edges: Edge[];
  devices: [id: string, device: Device][];
  indicators: [code: string, at: number][];
}

/** Newer than this many periods is fresh. */
const FRESH_PERIODS = 3;
const DEFAULT_PERIOD_MS = 60_000;
/** Edges speak every 10 s, and at once when a device comes or goes. */
const STATE_TRUST_MS = 25_000;
const SAVE_EVERY_MS = 5000;
const MAX_INDICATORS = 20_000;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #world: World;
  readonly #edges = new Map<string, Edge>();
  readonly #devices = new DeviceTable<Device>();
  /** Every code that came in, with the time it was first seen. */
  readonly #indicators = new Map<string, number>();
  /** By edge: the address that was told of. */
  readonly #refusedHttp = new Map<string, string>();
  /** Told of, that they have too many devices. */
  readonly #crowded = new Set<string>();
  /** By edge; on no disk. */
  readonly #httpKeys = new Map<string, string>();
  readonly #listeners = new Set<(device: RegisteredDevice) => void>();
  /** What listeners heard last of devices whose edge says nothing of them. */
  readonly #announced = new Map<string, Freshness>();
  #timer: Timer | null = null;
  #changed = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: RegistryOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  async open(): Promise<void> {
    const saved = this.#options.path ? await readSaved(this.#options.path) : null;
    // Who was online before a restart says so again within seconds.
    for (const edge of saved?.edges ?? []) this.#edges.set(edge.id, { ...edge, online: false, ...(this.#options.http && { http: null }) });
    for (const [id, device] of saved?.devices ?? []) this.#devices.set(id, device);
    for (const [code, at] of saved?.indicators ?? []) this.#indicators.set(code, at);
    for (const id of this.#options.edges) if (!this.#edges.has(id)) this.#edges.set(id, unknownEdge(id, this.#options.centre));
    this.#timer = everyMs(this.#world.clock, SAVE_EVERY_MS, () => {
      void this.#save();
      this.#announceUnspoken();
    });
  }

  /** Edges of a changed configuration; one that never spoke and is not in it any more is forgotten. */
  expect(edges: readonly string[]): void {
    for (const [id, edge] of this.#edges) if (edge.seenAt === 0 && !edges.includes(id)) this.#edges.delete(id);
    for (const id of edges) if (!this.#edges.has(id)) this.#edges.set(id, unknownEdge(id, this.#options.centre));
    this.#changed = true;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#save();
  }

  /** What an edge says of itself; its last will says offline. */
  noteState(state: EdgeState, centre: string): void {
    const before = this.#edges.get(state.edge) ?? unknownEdge(state.edge, centre);
    const seenAt = this.#world.clock.nowMs();
    if (state.online && state.httpKey !== undefined) this.#httpKeys.set(state.edge, state.httpKey);
    this.#edges.set(state.edge, state.online
      ? { id: state.edge, centre, online: true, version: state.version ?? null, logDepth: state.log?.depth ?? null, clockOffsetMs: state.clockOffsetMs ?? null, http: this.#originOf(state), seenAt, unknown: state.unknown ?? [] }
      : { ...before, centre, online: false, http: null, seenAt, awaySince: before.awaySince ?? seenAt });
    if (state.online && state.devices) this.#noteDevices(state.edge, centre, state.devices, state.sentAt ?? seenAt, seenAt);
    this.#changed = true;
    if (this.#listeners.size > 0) for (const [id, device] of this.#devices.ofEdge(state.edge)) this.#announce(id, device);
  }

  /** Where its HTTP may be asked; what may not be asked is told once for each address. */
  #originOf({ edge, http }: EdgeState): string | null {
    const { http: knownOf } = this.#options;
    if (http === undefined || !knownOf) return http ?? null;
    const origin = edgeOrigin(http, knownOf(edge));
    if (origin === null && this.#refusedHttp.get(edge) !== http) this.#world.tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_HTTP', params: { edge, http } } });
    if (origin === null) this.#refusedHttp.set(edge, http);
    else this.#refusedHttp.delete(edge);
    return origin;
  }

  #noteDevices(edge: string, centre: string, states: readonly DeviceState[], sentAt: number, seenAt: number): void {
    const listed = new Set(states.map(({ id }) => id));
    for (const [id] of this.#devices.ofEdge(edge)) if (!listed.has(id)) this.#devices.delete(id);
    for (const state of states) {
      const foreign = this.#options.bindings?.admit(state.id, edge);
      if (foreign) this.#world.tell({ kind: 'fault', edge, device: state.id, fault: foreign });
      const before = this.#devices.get(state.id);
      if (foreign || (before && !this.#takesOver(edge, state, before)) || !this.#hasRoom(state.id, edge)) continue;
      this.#devices.set(state.id, {
        edge, centre, driver: state.driver, subject: state.subject ?? state.id, position: state.position ?? null, online: state.online, reason: state.reason,
        lastAt: newer(state.lastAt, before?.edge === edge ? before.lastAt : null), since: before?.edge === edge && before.online === state.online ? before.since ?? seenAt : seenAt, periodMs: state.periodMs ?? null,
        // Both times are the edge's, so its clock may be wrong.
        freshUntil: state.lastAt !== null && sentAt - state.lastAt <= FRESH_PERIODS * (state.periodMs ?? DEFAULT_PERIOD_MS) ? seenAt + STATE_TRUST_MS : 0,
        pictures: state.pictures ?? false,
      });
    }
  }

  /** Of several edges that have a device the one that last had it live is asked; one that is bound no more is not. */
  #takesOver(edge: string, { id, online, lastAt }: DeviceState, before: Device): boolean {
    if (before.edge === edge || !this.#options.bindings?.speaksFor(before.edge, id)) return true;
    return online && (!before.online || !this.isOnline(before.edge) || (lastAt ?? 0) > (before.lastAt ?? 0));
  }

  /** Who has which device, and speaks for which centre, by what edges themselves said: what bindings begin with. */
  known(): KnownBefore {
    const speaking = [...this.#edges.values()].filter(({ seenAt }) => seenAt > 0);
    const devices = speaking.flatMap(({ id: edge }) => [...this.#devices.ofEdge(edge)].map(([device]) => ({ device, edge })));
    return { devices, centres: speaking.map(({ id: edge, centre }) => ({ edge, centre })) };
  }

  /** Forgets devices of edges that they are not bound to (any more): the right ones say what they are. */
  dropForeign(): void {
    for (const [id, { edge }] of this.#devices) if (this.#edges.has(edge) && this.#options.bindings && !this.#options.bindings.speaksFor(edge, id)) this.#devices.delete(id);
  }

  /** A device has another edge from now on; nothing that the edge before said of it holds. */
  rebind(id: string, edge: string): void {
    const device = this.#devices.get(id);
    if (device && device.edge !== edge) this.#devices.delete(id);
    this.#changed = true;
  }

  /** Events that came in, in any order. */
  noteEvents(batch: EventColumns): void {
    for (const indicator of batch.cells('indicator')?.distinct ?? []) {
      if (this.#indicators.has(indicator as string) || this.#indicators.size >= MAX_INDICATORS) continue;
      this.#indicators.set(indicator as string, this.#world.clock.nowMs());
      this.#changed = true;
    }
    const [devices, edges, kinds, origins, times, clocks] = [batch.cells('device'), batch.edges(), batch.cells('kind'), batch.cells('origin'), batch.cells('observedAt'), batch.cells('clock')];
    const added = new Map<string, Device>();
    for (let at = 0; at < batch.count; at += 1) {
      const kind = valueAt(kinds, at);
      if (kind === 'gap' || kind === 'diagnostic') continue;
      const id = valueAt(devices, at) as string;
      let device = this.#devices.get(id);
      if (!device) {
        device = this.#newDevice(batch, at) ?? undefined;
        if (device) added.set(id, device);
      }
      if (!device || valueAt(origins, at) === 'backfill') continue;
      const edge = valueAt(edges, at) as string;
      // Another one of the edges that it is bound to has it now; whether this one still knows it stands in its next state.
      if (device.edge !== edge && this.#options.bindings && (valueAt(times, at) as number) > (device.lastAt ?? 0)) this.#devices.set(id, device = { ...device, edge });
      const time = valueAt(times, at) as number;
      // A time that nobody knows would stand in the future for good.
      device.lastAt = newer(device.lastAt, valueAt(clocks, at) === 'unsynced' ? Math.min(time, this.#world.clock.nowMs()) : time);
    }
    for (const [id, device] of added) this.#announce(id, device);
  }

  /** Devices of senders that never spoke of themselves: nobody else says that one is late, or is back. */
  #announceUnspoken(): void {
    if (this.#listeners.size === 0) return this.#announced.clear();
    for (const edge of this.#devices.edges()) {
      if ((this.#edges.get(edge)?.seenAt ?? 0) > 0) continue;
      for (const [id, device] of this.#devices.ofEdge(edge)) {
        const freshness = this.#freshness(device);
        if (this.#announced.get(id) !== freshness) this.#announce(id, device);
        this.#announced.set(id, freshness);
      }
    }
  }

  /** A sender that says nothing of its devices: they are known by their events. */
  #newDevice(batch: EventColumns, at: number): Device | null {
    const event = batch.events()[at];
    if (!event || !this.#hasRoom(event.device, event.edge)) return null;
    const device: Device = { edge: event.edge, centre: event.centre, driver: '', subject: event.subject ?? event.device, position: event.position ?? null, online: true, reason: '', lastAt: null, periodMs: null, freshUntil: 0, pictures: false };
    this.#devices.set(event.device, device);
    this.#changed = true;
    return device;
  }

  #hasRoom(id: string, edge: string): boolean {
    if (this.#devices.hasRoom(id, edge)) return true;
    if (!this.#crowded.has(edge)) this.#world.tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_DEVICES', params: { edge, max: MAX_DEVICES_OF_EDGE } } });
    this.#crowded.add(edge);
    return false;
  }

  /** Configured ones, and all that ever spoke: of itself, or by events alone (`seenAt` 0). */
  edges(): EdgeView[] {
    const silent = [...this.#devices.edges()].filter((id) => !this.#edges.has(id)).map((id) => unknownEdge(id, [...this.#devices.ofEdge(id)][0]?.[1].centre ?? this.#options.centre));
    return [...this.#edges.values(), ...silent].map(({ http: _http, unknown: _unknown, awaySince: _awaySince, ...edge }) => edge);
  }

  /** Of all edges, in any order. */
  unknownDevices(): UnknownDeviceView[] {
    return [...this.#edges.values()].flatMap(({ id: edge, centre, unknown = [] }) => unknown.map((device) => ({ edge, centre, ...device })));
  }

  devices(): RegisteredDevice[] {
    return [...this.#devices].map(([id, device]) => this.#view(id, device));
  }

  device(id: string): RegisteredDevice | null {
    const device = this.#devices.get(id);
    return device ? this.#view(id, device) : null;
  }

  /** Whether events of this edge are on their way at all; false while it is away or was never heard of. */
  isOnline(edge: string): boolean {
    return this.#edges.get(edge)?.online ?? false;
  }

  /** Base URL of an edge's own HTTP, for pictures. */
  httpOf(edge: string): string | null {
    return this.#edges.get(edge)?.http ?? null;
  }

  /** By which an edge's own HTTP is asked; edges of before have none. */
  httpKeyOf(edge: string): string | null {
    return this.#httpKeys.get(edge) ?? null;
  }

  /** Every indicator code that came in. */
  indicators(): string[] {
    return [...this.#indicators.keys()];
  }

  /** Called with each device whose edge said something new. */
  onDevice(listener: (device: RegisteredDevice) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  #announce(id: string, device: Device): void {
    if (this.#listeners.size === 0) return;
    const view = this.#view(id, device);
    for (const listener of this.#listeners) listener(view);
  }

  #view(id: string, device: Device): RegisteredDevice {
    const { edge, centre, driver, subject, position, reason, lastAt, pictures } = device;
    const freshness = this.#freshness(device);
    const since = freshness === 'unobserved' ? this.#edges.get(edge)?.awaySince : freshness === 'late' ? lastAt : device.since;
    return { id, edge, centre, driver, subject, position, freshness, ...(typeof since === 'number' && { since }), reason, lastAt, pictures };
  }

  #freshness({ edge: edgeId, online, lastAt, periodMs, freshUntil }: Device): Freshness {
    // An edge that never spoke of itself (a plain sender) is judged by its events alone.
    const edge = this.#edges.get(edgeId);
    if (edge && !edge.online && edge.seenAt > 0) return 'unobserved';
    if (!online) return 'lost';
    const nowMs = this.#world.clock.nowMs();
    return nowMs <= freshUntil || nowMs - (lastAt ?? -Infinity) <= FRESH_PERIODS * (periodMs ?? DEFAULT_PERIOD_MS) ? 'fresh' : 'late';
  }

  #save(): Promise<void> {
    const { path } = this.#options;
    if (!path || !this.#changed) return this.#saving;
    this.#changed = false;
    const saved: Saved = { edges: [...this.#edges.values()], devices: [...this.#devices], indicators: [...this.#indicators] };
    this.#saving = this.#saving.then(() => writeSaved(path, saved)).catch((error: unknown) => {
      // Known again from what edges say; only devices of edges that are away would be forgotten by a restart.
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_REGISTRY_UNSAVED', { path }) });
      this.#changed = true;
    });
    return this.#saving;
  }
}

const newer = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

const unknownEdge = (id: string, centre: string): Edge => ({ id, centre, online: false, version: null, logDepth: null, clockOffsetMs: null, http: null, seenAt: 0 });

async function readSaved(path: string): Promise<Saved | null> {
  try {
    const saved = JSON.parse(await readFile(path, 'utf8')) as Partial<Saved>;
    return Array.isArray(saved.edges) && Array.isArray(saved.devices) && Array.isArray(saved.indicators) ? (saved as Saved) : null;
  } catch {
    // Not there yet, or cut by a crash while it was first written: edges say it all again.
    return null;
  }
}

async function writeSaved(path: string, saved: Saved): Promise<void> {
  await makeFolder(dirname(path));
  // An older one is as good: edges say it all again.
  await writeWhole(path, JSON.stringify(saved), { forcesName: false });
}
