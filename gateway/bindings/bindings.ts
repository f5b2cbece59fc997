/**
 * Which edge speaks for which device, and for which centre. The configuration names it, or the first edge seen with a
 * device has it until an operator says otherwise: what an edge says of a device of another is not believed.
 */
import type { FaultCode, FaultParams } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { MAX_DEVICES_OF_EDGE } from '../presence/device-table.ts';
import { openBindingFile, type BindingFile, type BindingLine } from './file.ts';

/** As the configuration has it. */
export interface ConfiguredBindings {
  /** A device that several edges may have: a vehicle, or a standby pair. */
  readonly devices: readonly { readonly device: string; readonly edges: readonly string[] }[];
  /** Edges for which centres are named; for any other it is the first that it speaks for. */
  readonly centres: readonly { readonly edge: string; readonly centres: readonly string[] }[];
  /** Gateways below this one: they speak for the centres of their own edges. */
  readonly relays: readonly string[];
}

export interface BindingsOptions {
  /** Where what is not configured is kept; null for tests. */
  path: string | null;
  /** Asked again each time, since a changed configuration is taken in while the gateway runs. A new object where it changed. */
  configured(): ConfiguredBindings;
}

export interface BindingRefusal {
  code: FaultCode;
  params: FaultParams;
}

/** What is kept of a gateway from before there were bindings: who had which device and spoke for which centre. */
export interface KnownBefore {
  devices: readonly { device: string; edge: string }[];
  centres: readonly { edge: string; centre: string }[];
}

export class Bindings {
  readonly #options: BindingsOptions;
  readonly #world: Pick<World, 'clock'>;
  /** What the first sight or an operator bound. */
  readonly #edgeOf = new Map<string, string>();
  readonly #centreOf = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #file: BindingFile | null = null;
  #read: ConfiguredBindings | null = null;
  #edgesOf = new Map<string, readonly string[]>();
  #centresOf = new Map<string, readonly string[]>();

  constructor(options: BindingsOptions, world: Pick<World, 'clock'>) {
    this.#options = options;
    this.#world = world;
  }

  /** @param before taken over where nothing was ever kept. @throws CV_BINDINGS_UNSAVED */
  async open(before: KnownBefore = { devices: [], centres: [] }): Promise<void> {
    if (!this.#options.path) return;
    const { file, lines, isNew } = await openBindingFile(this.#options.path);
    this.#file = file;
    for (const line of lines) this.#apply(line);
    if (!isNew) return;
    for (const { device, edge } of before.devices) this.#bind({ device, edge });
    for (const { edge, centre } of before.centres) this.#bind({ edge, centre });
    await file.written();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** Edges that speak for a device; none before it was ever seen. */
  edgesOf(device: string): readonly string[] {
    this.#readConfigured();
    const configured = this.#edgesOf.get(device);
    if (configured) return configured;
    const edge = this.#edgeOf.get(device);
    return edge === undefined ? [] : [edge];
  }

  isConfigured(device: string): boolean {
    this.#readConfigured();
    return this.#edgesOf.has(device);
  }

  /** Whether the centres of an edge are configured. */
  hasCentresConfigured(edge: string): boolean {
    this.#readConfigured();
    return this.#centresOf.has(edge);
  }

  /** Every device that is bound. */
  devices(): string[] {
    this.#readConfigured();
    return [...new Set([...this.#edgesOf.keys(), ...this.#edgeOf.keys()])];
  }

  speaksFor(edge: string, device: string): boolean {
    return this.edgesOf(device).includes(edge);
  }

  /** Whether an edge may say something of a device; one that nobody has is its own from then on. */
  admit(device: string, edge: string): BindingRefusal | null {
    this.#readConfigured();
    // Asked for each device of each batch.
    if (this.#edgeOf.get(device) === edge && !this.#edgesOf.has(device)) return null;
    const owners = this.edgesOf(device);
    if (owners.includes(edge)) return null;
    if (owners.length > 0) return { code: 'CV_DEVICE_FOREIGN', params: { device, edge, owner: owners.join(', ') } };
    // An edge that invents devices costs so much memory and no more: those beyond are nobody's.
    if ((this.#counts.get(edge) ?? 0) < MAX_DEVICES_OF_EDGE) this.#bind({ device, edge });
    return null;
  }

  /** Centres that an edge speaks for; none before it ever did. */
  centresOf(edge: string): readonly string[] {
    this.#readConfigured();
    const configured = this.#centresOf.get(edge);
    if (configured) return configured;
    const centre = this.#centreOf.get(edge);
    return centre === undefined ? [] : [centre];
  }

  /** Whether an edge may speak for a centre; the first is its own from then on. */
  admitCentre(centre: string, edge: string): BindingRefusal | null {
    const own = this.centresOf(edge);
    if (own.includes(centre)) return null;
    if (own.length > 0) return { code: 'CV_CENTRE_FOREIGN', params: { centre, edge, own: own.join(', ') } };
    if (this.#options.configured().relays.includes(edge)) return null;
    this.#bind({ edge, centre });
    return null;
  }

  /** Gives a device to an edge, whoever had it. The configuration still wins. @throws CV_BINDINGS_UNSAVED */
  async bind(device: string, edge: string): Promise<void> {
    this.#bind({ device, edge });
    await this.written();
  }

  /** Moves an edge to a centre. @throws CV_BINDINGS_UNSAVED */
  async move(edge: string, centre: string): Promise<void> {
    this.#bind({ edge, centre });
    await this.written();
  }

  /** Resolves when all that was bound is on disk; null when it is already. Rejects with CV_BINDINGS_UNSAVED. */
  written(): Promise<void> | null {
    return this.#file?.written() ?? null;
  }

  #bind(binding: { device: string; edge: string } | { edge: string; centre: string }): void {
    const line: BindingLine = { at: this.#world.clock.nowMs(), ...binding };
    this.#apply(line);
    this.#file?.add(line);
  }

  #apply(line: BindingLine): void {
    if (line.centre !== undefined) this.#centreOf.set(line.edge, line.centre);
    if (line.device === undefined) return;
    const before = this.#edgeOf.get(line.device);
    if (before !== undefined) this.#counts.set(before, (this.#counts.get(before) ?? 1) - 1);
    this.#edgeOf.set(line.device, line.edge);
    this.#counts.set(line.edge, (this.#counts.get(line.edge) ?? 0) + 1);
  }

  #readConfigured(): void {
    const configured = this.#options.configured();
    if (configured === this.#read) return;
    this.#read = configured;
    this.#edgesOf = new Map(configured.devices.map(({ device, edges }) => [device, edges]));
    this.#centresOf = new Map(configured.centres.map(({ edge, centres }) => [edge, centres]));
  }
}
