/**
 * Edges and their devices: what edges report (`state`), and when each device last sent something. Kept beside the log, so
 * that a restarted gateway still knows what is missing.
 */
import type { DeviceView, Freshness } from '../../api/devices.ts';
import type { EdgeView } from '../../api/status.ts';
import type { UnknownDeviceView } from '../../api/unknown-devices.ts';
import { valueAt } from '../../core/wire/columns.ts';
import type { EventColumns } from '../../core/wire/event-columns.ts';
import type { DeviceState, EdgeState } from '../../core/wire/messages.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { Bindings, KnownBefore } from '../bindings/bindings.ts';
import { DeviceTable, MAX_DEVICES_OF_EDGE } from './device-table.ts';
import { edgeOrigin, type EdgeHttpKnown } from '../media/edge-http.ts';
import type { SqliteThread } from '../sqlite/client.ts';
import type { PresenceRows } from './database.ts';
import {
  deviceOfRow, deviceRow, edgeRow, freshnessOf, hasSameRow, trustedUntil, unseenEdge, type DeviceEntry, type EdgeEntry,
} from './entries.ts';
import { PresenceFile } from './presence-file.ts';

/** A device as its edge reports it; the API adds its values, and a remedy for its reason. */
export interface RegisteredDevice extends Omit<DeviceView, 'remedy' | 'picture' | 'values'> {
  /** Whether its edge has its newest picture. */
  pictures: boolean;
}

export interface PresenceRegistryOptions {
  /** `presence.db`; null for tests. */
  path: string | null;
  /** That its database shares with others. */
  thread?: SqliteThread;
  /** Edges of the configuration: shown as offline until they speak. */
  edges: readonly string[];
  centre: string;
  /** What is known of where an edge's own HTTP is; absent: what it states is taken (tests). */
  http?(edge: string): EdgeHttpKnown;
  /** Which edge may say what of a device; absent: any (tests). */
  bindings?: Pick<Bindings, 'admit' | 'speaksFor'>;
}

const SAVE_EVERY_MS = 5000;

export class PresenceRegistry {
  readonly #options: PresenceRegistryOptions;
  readonly #world: World;
  readonly #edges = new Map<string, EdgeEntry>();
  readonly #devices = new DeviceTable<DeviceEntry>();
  /** By edge: the refused address that was reported. */
  readonly #refusedHttp = new Map<string, string>();
  /** Edges whose excess of devices was reported. */
  readonly #crowded = new Set<string>();
  /** By edge; on no disk. */
  readonly #httpKeys = new Map<string, string>();
  readonly #listeners = new Set<(device: RegisteredDevice) => void>();
  /** What listeners were told last of devices whose edge reports no state. */
  readonly #announced = new Map<string, Freshness>();
  #timer: Timer | null = null;
  readonly #file: PresenceFile | null;
  /** Not saved yet. */
  readonly #changed = { edges: new Set<string>(), devices: new Set<string>(), lastSeen: new Set<string>() };
  readonly #inTurn = serialQueue();

  constructor(options: PresenceRegistryOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.#file = options.path === null ? null : new PresenceFile({ path: options.path, thread: options.thread }, world);
  }

  /** @throws CV_STORE_NEWER, CV_STORE_MIGRATION, CV_STORE_BUSY */
  async open(): Promise<void> {
    const saved = await this.#file?.open();
    // An edge that is online reports again within seconds.
    for (const [id, json] of saved?.edges ?? [])
      this.#edges.set(id, { ...(JSON.parse(json as string) as EdgeEntry), online: false, ...(this.#options.http && { http: null }) });
    const lastSeen = new Map(saved?.lastSeen);
    for (const [id, json] of saved?.devices ?? []) this.#devices.set(id, deviceOfRow(json as string, lastSeen.get(id) ?? null));
    for (const id of this.#options.edges) if (!this.#edges.has(id)) this.#edges.set(id, unseenEdge(id, this.#options.centre));
    this.#timer = everyMs(this.#world.clock, SAVE_EVERY_MS, () => {
      void this.#save();
      this.#announceUnreported();
    });
  }

  /** Edges of a changed configuration; one that never reported and is no longer in it is removed. */
  setConfiguredEdges(edges: readonly string[]): void {
    for (const [id, edge] of this.#edges) {
      if (edge.seenAt > 0 || edges.includes(id)) continue;
      this.#edges.delete(id);
      this.#changed.edges.add(id);
    }
    for (const id of edges) if (!this.#edges.has(id)) this.#edges.set(id, unseenEdge(id, this.#options.centre));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#save();
    await this.#file?.close();
  }

  /** The state of an edge; its last will reports it offline. */
  noteState(state: EdgeState, centre: string): void {
    const before = this.#edges.get(state.edge) ?? unseenEdge(state.edge, centre);
    const seenAt = this.#world.clock.nowMs();
    if (state.online && state.httpKey !== undefined) this.#httpKeys.set(state.edge, state.httpKey);
    this.#edges.set(
      state.edge,
      state.online
        ? {
            id: state.edge,
            centre,
            online: true,
            version: state.version ?? null,
            logDepth: state.log?.depth ?? null,
            clockOffsetMs: state.clockOffsetMs ?? null,
            http: this.#originOf(state),
            ...(state.commandKey !== undefined && { commandKey: state.commandKey }),
            seenAt,
            unknown: state.unknown ?? [],
          }
        : { ...before, centre, online: false, http: null, seenAt, awaySince: before.awaySince ?? seenAt },
    );
    if (state.online && state.devices) this.#noteDevices(state.edge, centre, state.devices, state.sentAt ?? seenAt, seenAt);
    this.#changed.edges.add(state.edge);
    if (this.#listeners.size > 0) for (const [id, device] of this.#devices.ofEdge(state.edge)) this.#announce(id, device);
  }

  /** It is not let in any more: what it says of itself counts no longer. */
  noteShutOut(edge: string): void {
    const entry = this.#edges.get(edge);
    if (!entry?.online) return;
    this.#edges.set(edge, { ...entry, online: false, http: null, awaySince: this.#world.clock.nowMs() });
    this.#changed.edges.add(edge);
    if (this.#listeners.size > 0) for (const [id, device] of this.#devices.ofEdge(edge)) this.#announce(id, device);
  }

  /** Where its HTTP may be asked; what may not be asked is told once for each address. */
  #originOf({ edge, http }: EdgeState): string | null {
    const { http: knownOf } = this.#options;
    if (http === undefined || !knownOf) return http ?? null;
    const origin = edgeOrigin(http, knownOf(edge));
    if (origin === null && this.#refusedHttp.get(edge) !== http)
      this.#world.tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_HTTP', params: { edge, http } } });
    if (origin === null) this.#refusedHttp.set(edge, http);
    else this.#refusedHttp.delete(edge);
    return origin;
  }

  #noteDevices(edge: string, centre: string, states: readonly DeviceState[], sentAt: number, seenAt: number): void {
    const listed = new Set(states.map(({ id }) => id));
    for (const [id] of this.#devices.ofEdge(edge)) if (!listed.has(id)) this.#drop(id);
    for (const state of states) {
      const foreign = this.#options.bindings?.admit(state.id, edge);
      if (foreign) this.#world.tell({ kind: 'fault', edge, device: state.id, fault: foreign });
      const before = this.#devices.get(state.id);
      if (foreign || (before && !this.#takesOver(edge, state, before)) || !this.#hasRoom(state.id, edge)) continue;
      this.#put(state.id, {
        edge,
        centre,
        driver: state.driver,
        subject: state.subject ?? state.id,
        position: state.position ?? null,
        online: state.online,
        reason: state.reason,
        lastAt: newer(state.lastAt, before?.edge === edge ? before.lastAt : null),
        since: before?.edge === edge && before.online === state.online ? (before.since ?? seenAt) : seenAt,
        periodMs: state.periodMs ?? null,
        freshUntil: trustedUntil(state, sentAt, seenAt),
        pictures: state.pictures ?? false,
      });
    }
  }

  /** Of several edges that have a device the one that last had it live is asked; one that is bound no more is not. */
  #takesOver(edge: string, { id, online, lastAt }: DeviceState, before: DeviceEntry): boolean {
    if (before.edge === edge || !this.#options.bindings?.speaksFor(before.edge, id)) return true;
    return online && (!before.online || !this.isOnline(before.edge) || (lastAt ?? 0) > (before.lastAt ?? 0));
  }

  /** Which edge has which device and which centre, as edges reported: what bindings start from. */
  known(): KnownBefore {
    const speaking = [...this.#edges.values()].filter(({ seenAt }) => seenAt > 0);
    const devices = speaking.flatMap(({ id: edge }) => [...this.#devices.ofEdge(edge)].map(([device]) => ({ device, edge })));
    return { devices, centres: speaking.map(({ id: edge, centre }) => ({ edge, centre })) };
  }

  /** Forgets devices of edges that they are not bound to (any more): the right ones say what they are. */
  dropForeign(): void {
    for (const [id, { edge }] of this.#devices)
      if (this.#edges.has(edge) && this.#options.bindings && !this.#options.bindings.speaksFor(edge, id)) this.#drop(id);
  }

  /** A device has another edge from now on; what the edge before reported of it no longer holds. */
  rebind(id: string, edge: string): void {
    const device = this.#devices.get(id);
    if (device && device.edge !== edge) this.#drop(id);
  }

  /** Events that came in, in any order. */
  noteEvents(batch: EventColumns): void {
    const [devices, edges, kinds, origins, times, clocks] = [
      batch.cells('device'),
      batch.edges(),
      batch.cells('kind'),
      batch.cells('origin'),
      batch.cells('observedAt'),
      batch.cells('clock'),
    ];
    const added = new Map<string, DeviceEntry>();
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
      if (device.edge !== edge && this.#options.bindings && (valueAt(times, at) as number) > (device.lastAt ?? 0))
        this.#put(id, (device = { ...device, edge }));
      const time = valueAt(times, at) as number;
      // A time that nobody knows would stand in the future for good.
      const lastAt = newer(device.lastAt, valueAt(clocks, at) === 'unsynced' ? Math.min(time, this.#world.clock.nowMs()) : time);
      if (lastAt === device.lastAt) continue;
      device.lastAt = lastAt;
      this.#changed.lastSeen.add(id);
    }
    for (const [id, device] of added) this.#announce(id, device);
  }

  /** Devices of senders that report no state: nothing else tells listeners that one is late, or is back. */
  #announceUnreported(): void {
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

  /** Of a sender that reports no devices: they are known by their events. */
  #newDevice(batch: EventColumns, at: number): DeviceEntry | null {
    const event = batch.events()[at];
    if (!event || !this.#hasRoom(event.device, event.edge)) return null;
    const device: DeviceEntry = {
      edge: event.edge,
      centre: event.centre,
      driver: '',
      subject: event.subject ?? event.device,
      position: event.position ?? null,
      online: true,
      reason: '',
      lastAt: null,
      periodMs: null,
      freshUntil: 0,
      pictures: false,
    };
    this.#put(event.device, device);
    return device;
  }

  #hasRoom(id: string, edge: string): boolean {
    if (this.#devices.hasRoom(id, edge)) return true;
    if (!this.#crowded.has(edge))
      this.#world.tell({ kind: 'fault', edge, fault: { code: 'CV_EDGE_DEVICES', params: { edge, max: MAX_DEVICES_OF_EDGE } } });
    this.#crowded.add(edge);
    return false;
  }

  /** Configured ones, and all that ever sent something: a state, or events alone (`seenAt` 0). */
  edges(): EdgeView[] {
    const silent = [...this.#devices.edges()]
      .filter((id) => !this.#edges.has(id))
      .map((id) => unseenEdge(id, [...this.#devices.ofEdge(id)][0]?.[1].centre ?? this.#options.centre));
    return [...this.#edges.values(), ...silent].map(
      ({ http: _http, unknown: _unknown, awaySince: _awaySince, commandKey: _commandKey, ...edge }) => edge,
    );
  }

  /** Of all edges, in any order. */
  unknownDevices(): UnknownDeviceView[] {
    return [...this.#edges.values()].flatMap(({ id: edge, centre, unknown = [] }) =>
      unknown.map((device) => ({ edge, centre, ...device })),
    );
  }

  devices(): RegisteredDevice[] {
    return [...this.#devices].map(([id, device]) => this.#view(id, device));
  }

  device(id: string): RegisteredDevice | null {
    const device = this.#devices.get(id);
    return device ? this.#view(id, device) : null;
  }

  /** Whether events of this edge are on their way at all; false while it is offline or unknown. */
  isOnline(edge: string): boolean {
    return this.#edges.get(edge)?.online ?? false;
  }

  /** Base URL of an edge's own HTTP, for pictures. */
  httpOf(edge: string): string | null {
    return this.#edges.get(edge)?.http ?? null;
  }

  /** SHA-256 of the key by which it verifies commands, as it said last; null: it verifies none. */
  commandKeyOf(edge: string): string | null {
    return this.#edges.get(edge)?.commandKey ?? null;
  }

  /** By which an edge's own HTTP is asked; edges of before have none. */
  httpKeyOf(edge: string): string | null {
    return this.#httpKeys.get(edge) ?? null;
  }

  /** Called with each device whose edge reported something new. */
  onDevice(listener: (device: RegisteredDevice) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  #announce(id: string, device: DeviceEntry): void {
    if (this.#listeners.size === 0) return;
    const view = this.#view(id, device);
    for (const listener of this.#listeners) listener(view);
  }

  #view(id: string, device: DeviceEntry): RegisteredDevice {
    const { edge, centre, driver, subject, position, reason, lastAt, pictures } = device;
    const freshness = this.#freshness(device);
    const since = freshness === 'unobserved' ? this.#edges.get(edge)?.awaySince : freshness === 'late' ? lastAt : device.since;
    return {
      id,
      edge,
      centre,
      driver,
      subject,
      position,
      freshness,
      ...(typeof since === 'number' && { since }),
      reason,
      lastAt,
      pictures,
    };
  }

  #freshness(device: DeviceEntry): Freshness {
    return freshnessOf(device, this.#edges.get(device.edge), this.#world.clock.nowMs());
  }

  #put(id: string, device: DeviceEntry): void {
    const before = this.#devices.get(id);
    this.#devices.set(id, device);
    if (!before || !hasSameRow(before, device)) this.#changed.devices.add(id);
    if (device.lastAt !== (before?.lastAt ?? null)) this.#changed.lastSeen.add(id);
  }

  #drop(id: string): void {
    this.#devices.delete(id);
    this.#changed.devices.add(id);
  }

  /** Rows of what changed since the last time. */
  #save(): Promise<void> {
    return this.#inTurn(async () => {
      const [edges, devices, lastSeen] = [[...this.#changed.edges], [...this.#changed.devices], [...this.#changed.lastSeen]];
      if (!this.#file || edges.length + devices.length + lastSeen.length === 0) return;
      for (const changed of Object.values(this.#changed)) changed.clear();
      const isSaved = await this.#file.save({
        edges: edges.map((id) => edgeRow(id, this.#edges.get(id))),
        devices: devices.map((id) => deviceRow(id, this.#devices.get(id))),
        lastSeen: lastSeen.flatMap((id): PresenceRows['lastSeen'] => {
          const atMs = this.#devices.get(id)?.lastAt ?? null;
          return atMs === null ? [] : [[id, atMs]];
        }),
      });
      if (isSaved) return;
      for (const [changed, ids] of [
        [this.#changed.edges, edges],
        [this.#changed.devices, devices],
        [this.#changed.lastSeen, lastSeen],
      ] as const)
        for (const id of ids) changed.add(id);
    });
  }
}

const newer = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));
