/** Bindings that people change: recorded, made, and what was held back until then taken in. */
import type { BindingView, BindResultView } from '../../api/bindings.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { openJournal, type Journal } from '../../log/journal.ts';
import type { World } from '../../core/world.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import type { Bindings } from './bindings.ts';
import type { HeldEvents, HeldGroup, TakeHeld } from './held.ts';

export interface RebindingParts {
  bindings: Bindings;
  held: HeldEvents;
  registry: Pick<PresenceRegistry, 'edges' | 'rebind'>;
  /** Folder of the record. */
  dir: string;
  take: TakeHeld;
}

/** A device gets another edge, or an edge another centre. */
export type BindRequest = { reason: string; edge: string } & (
  { device: string; centre?: undefined } | { centre: string; device?: undefined }
);

export class Rebinding {
  readonly #parts: RebindingParts;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  #journal: Journal | null = null;
  #lastId = 0;

  constructor(parts: RebindingParts, world: Pick<World, 'clock' | 'tell'>) {
    this.#parts = parts;
    this.#world = world;
  }

  /** Where the record cannot be opened it says so, and nothing can be bound. */
  async open(): Promise<void> {
    try {
      this.#journal = await openJournal(this.#parts.dir);
      for (const fault of this.#journal.faults) this.#world.tell({ kind: 'fault', fault });
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_COMMAND_UNRECORDED', { path: this.#parts.dir }) });
    }
  }

  /** Finishes what a crash has cut short, and takes in what may come in since the configuration changed. Says what fails. */
  async catchUp(): Promise<void> {
    try {
      await this.#parts.held.goOn(this.#parts.take);
      for (const { sender, groups } of this.#parts.held.groups())
        if (groups.some((group) => this.#speaksFor(sender, group))) await this.#handOver(sender);
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_ACCEPT_FAILED') });
    }
  }

  /**
   * @param by the operator's name
   * @throws CV_API_UNKNOWN_ID, CV_BINDING_CONFIGURED, CV_COMMAND_UNRECORDED, CV_BINDINGS_UNSAVED, CV_QUARANTINE_FAILED
   */
  async bind({ edge, device, centre, reason }: BindRequest, by: string): Promise<BindResultView> {
    const { bindings, registry, held } = this.#parts;
    const isKnown = registry.edges().some(({ id }) => id === edge) || held.groups().some(({ sender }) => sender === edge);
    if (!isKnown) throw new FaultError('CV_API_UNKNOWN_ID', { what: 'edge', whatZh: '边缘节点', id: edge, list: '/api/v1/status' });
    const before = device === undefined ? bindings.centresOf(edge) : bindings.edgesOf(device);
    const after = device === undefined ? (centre as string) : edge;
    const isFixed = device === undefined ? bindings.hasCentresConfigured(edge) : bindings.isConfigured(device);
    if (isFixed && !before.includes(after))
      throw new FaultError('CV_BINDING_CONFIGURED', {
        what: device ?? edge,
        owner: before.join(', '),
        key: device === undefined ? 'broker.embedded.edges' : 'bindings',
      });
    await this.#record({ step: 'bound', edge, ...(device === undefined ? { centre } : { device }), was: before, by, reason });
    if (!before.includes(after)) {
      if (device === undefined) await bindings.move(edge, after);
      else await bindings.bind(device, edge);
    }
    if (device !== undefined) registry.rebind(device, edge);
    return { edge, ...(device === undefined ? { centre: after } : { device }), before: [...before], taken: await this.#handOver(edge) };
  }

  /**
   * Devices of one edge are those of another from now on; the configuration still wins.
   *
   * @throws CV_COMMAND_UNRECORDED, CV_BINDINGS_UNSAVED
   */
  async replace(before: string, after: string): Promise<void> {
    const { bindings, registry } = this.#parts;
    for (const device of bindings.devices()) {
      if (bindings.isConfigured(device) || !bindings.speaksFor(before, device)) continue;
      await this.#record({ step: 'bound', edge: after, device, was: [before], by: after, reason: `it takes the place of ${before}` });
      await bindings.bind(device, after);
      registry.rebind(device, after);
    }
  }

  /** In any order. */
  list(): BindingView[] {
    const { bindings, held } = this.#parts;
    const foreign = new Map<string, { edge: string; count: number }[]>();
    for (const { sender, groups } of held.groups()) {
      for (const [device, own] of Map.groupBy(groups, (group) => group.device)) {
        foreign.set(device, [...(foreign.get(device) ?? []), { edge: sender, count: own.reduce((sum, { count }) => sum + count, 0) }]);
      }
    }
    return bindings
      .devices()
      .map((device) => ({
        device,
        edges: [...bindings.edgesOf(device)],
        configured: bindings.isConfigured(device),
        foreign: foreign.get(device) ?? [],
      }));
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #speaksFor(edge: string, { device, centre }: HeldGroup): boolean {
    const { bindings } = this.#parts;
    const centres = bindings.centresOf(edge);
    return bindings.speaksFor(edge, device) && (centres.length === 0 || centres.includes(centre));
  }

  #handOver(edge: string): Promise<number> {
    this.#lastId = Math.max(this.#lastId + 1, this.#world.clock.nowMs());
    return this.#parts.held.handOver(edge, this.#lastId, (group) => this.#speaksFor(edge, group), this.#parts.take);
  }

  async #record(line: Record<string, unknown>): Promise<void> {
    try {
      if (!this.#journal) throw new Error('it could not be opened');
      await this.#journal.append({ at: this.#world.clock.nowMs(), ...line });
    } catch (error) {
      throw new FaultError('CV_COMMAND_UNRECORDED', { path: this.#parts.dir, detail: (error as Error).message }, { cause: error });
    }
  }
}
