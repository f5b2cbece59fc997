/**
 * Who watches which camera. Whoever may gets a ticket for one viewing, good once and not for
 * long, since a browser cannot name itself when it opens a socket. Each viewing is on disk, with its end.
 */
import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { FaultError, faultOf, type FaultCode } from '../../../core/faults.ts';
import { openJournal, type Journal } from '../../../log/journal.ts';
import type { World } from '../../../core/world.ts';
import type { Audit } from '../../people/audit.ts';
import type { PresenceRegistry } from '../../presence/registry.ts';
import { askEdge, isNear, type LivePlace } from './near.ts';
import { relay } from './relay.ts';

export interface LiveViewServiceOptions {
  /** Of the record. */
  dir: string;
  registry: Pick<PresenceRegistry, 'device' | 'httpOf' | 'httpKeyOf'>;
  /** Of one camera at one time, as it stands now. */
  maxViewers(): number;
  audit?: Audit;
  /** Whether anybody at all may watch. */
  isOffered(): boolean;
}

export interface ViewRequester {
  /** A name. */
  by: string;
  address: string;
  /** Why it may watch no more, asked again while it watches; null while it may. */
  refusal(): FaultCode | null;
}

export interface Viewing {
  device: string;
  edge: string;
  by: string;
  address: string;
  place: LivePlace;
  /** Why it may watch no more; null while it may. */
  refusal(): FaultCode | null;
  untilMs: number;
}

type ViewedBy = Pick<Viewing, 'device' | 'by' | 'address'>;

/** From asking to opening the socket. */
const TICKET_SECONDS = 30;
const MAX_TICKETS = 256;
export const liveViewPath = (device: string) => `/api/v1/devices/${encodeURIComponent(device)}/live-view`;

export class LiveViewService {
  readonly #parts: LiveViewServiceOptions;
  readonly #world: World;
  readonly #tickets = new Map<string, Viewing>();
  readonly #watching = new Map<Viewing, Promise<void>>();
  #journal: Journal | null = null;

  constructor(parts: LiveViewServiceOptions, world: World) {
    this.#parts = parts;
    this.#world = world;
  }

  /** Where the record cannot be opened it says so, and nobody watches. */
  async open(): Promise<void> {
    try {
      this.#journal = await openJournal(this.#parts.dir);
      for (const fault of this.#journal.faults) this.#world.tell({ kind: 'fault', fault });
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: this.#unrecorded(error).fault });
    }
  }

  /** Where to ask for a live view of a camera; null where it cannot be had. */
  pathOf(device: string, edge: string): string | null {
    const http = this.#parts.registry.httpOf(edge);
    return http && isNear(http) && this.#parts.isOffered() ? liveViewPath(device) : null;
  }

  /**
   * Begins the view of a camera, so that what keeps it from being seen is told here.
   *
   * @returns the ticket; rejects with CV_LIVE_DEVICE, CV_LIVE_ELSEWHERE, CV_LIVE_VIEWERS, and what the edge says
   */
  async ask(device: string, caller: ViewRequester): Promise<{ path: string; expiresAt: number }> {
    const known = this.#parts.registry.device(device);
    if (!known?.pictures) throw new FaultError('CV_LIVE_DEVICE', { device });
    this.#forget();
    const maxViewers = this.#parts.maxViewers();
    const count = [...this.#tickets.values(), ...this.#watching.keys()].filter((one) => one.device === device).length;
    if (count >= maxViewers || this.#tickets.size >= MAX_TICKETS)
      throw new FaultError('CV_LIVE_VIEWERS', { device, count, limit: maxViewers });
    const place = await this.#find(device, known.edge);
    const ticket = randomBytes(24).toString('base64url');
    const { clock } = this.#world;
    this.#tickets.set(ticket, {
      device,
      edge: known.edge,
      by: caller.by,
      address: caller.address,
      place,
      refusal: () => caller.refusal(),
      untilMs: clock.monotonicMs() + TICKET_SECONDS * 1000,
    });
    return { path: `${liveViewPath(device)}?ticket=${ticket}`, expiresAt: clock.nowMs() + TICKET_SECONDS * 1000 };
  }

  /** Takes a ticket in. @throws CV_LIVE_TICKET */
  admit(device: string, ticket: string): Viewing {
    this.#forget();
    const viewing = this.#tickets.get(ticket);
    if (viewing?.device !== device || viewing.refusal() !== null)
      throw new FaultError('CV_LIVE_TICKET', { maxSeconds: TICKET_SECONDS, path: liveViewPath(device) });
    this.#tickets.delete(ticket);
    return viewing;
  }

  /** Shows it until the viewer goes. Not before it is on disk who watches. @param hasNotes with what is said beside the pictures */
  watch(viewing: Viewing, viewer: WebSocket, hasNotes: boolean): void {
    this.#watching.set(viewing, this.#show(viewing, viewer, hasNotes).finally(() => {
      this.#watching.delete(viewing);
      this.#tell();
    }));
    this.#tell();
  }

  /** Viewers have been let go by whoever holds their sockets. */
  async close(): Promise<void> {
    await Promise.all(this.#watching.values());
    await this.#journal?.close();
  }

  async #show({ device, edge, by, address, place, refusal }: Viewing, viewer: WebSocket, hasNotes: boolean): Promise<void> {
    const { clock } = this.#world;
    const id = randomBytes(8).toString('hex');
    const begunMs = clock.monotonicMs();
    try {
      await this.#write({ step: 'began', id, device, edge, by, address });
      this.#record({ device, by, address }, 'began', { id });
      const relayed = await relay(viewer, place, (signal) => this.#find(device, edge, signal), hasNotes, this.#world, refusal);
      const seconds = Math.round((clock.monotonicMs() - begunMs) / 1000);
      this.#record({ device, by, address }, 'ended', { id, seconds });
      await this.#write({ step: 'ended', id, seconds, ...relayed });
    } catch (error) {
      const fault = faultOf(error, 'CV_LIVE_FAILED', { device });
      this.#world.tell({ kind: 'fault', fault, device });
      viewer.close(1011, fault.code);
    }
  }

  #record({ device, by, address }: ViewedBy, step: string, details: Record<string, string | number>): void {
    const centre = this.#parts.registry.device(device)?.centre;
    this.#parts.audit?.append({
      kind: 'live_view',
      who: by,
      from: address,
      what: `${step} ${device}`,
      outcome: 'done',
      details,
      ...(centre !== undefined && { centre }),
    });
  }

  async #find(device: string, edge: string, signal?: AbortSignal): Promise<LivePlace> {
    const http = this.#parts.registry.httpOf(edge);
    if (!http) throw new FaultError('CV_LIVE_ELSEWHERE', { device, edge });
    return askEdge(http, device, edge, { signal, key: this.#parts.registry.httpKeyOf(edge) });
  }

  async #write(line: Record<string, unknown>): Promise<void> {
    if (!this.#journal) throw this.#unrecorded(new Error('it could not be opened'));
    await this.#journal.append({ at: this.#world.clock.nowMs(), ...line }).catch((error: unknown) => { throw this.#unrecorded(error); });
  }

  #unrecorded(error: unknown): FaultError {
    return new FaultError('CV_LIVE_UNRECORDED', { path: this.#parts.dir, detail: (error as Error).message }, { cause: error });
  }

  #forget(): void {
    const nowMs = this.#world.clock.monotonicMs();
    for (const [ticket, { untilMs }] of this.#tickets) if (untilMs <= nowMs) this.#tickets.delete(ticket);
  }

  #tell(): void {
    this.#world.tell({ kind: 'live_viewers', value: this.#watching.size });
  }
}
