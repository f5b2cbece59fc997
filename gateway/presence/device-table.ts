/** Devices by id and by edge: a state of one edge changes only its own devices, and no edge can fill the table alone. */

/** A district's uploads behind one edge are some thousands. */
export const MAX_DEVICES_OF_EDGE = 10_000;
const MAX_DEVICES = 200_000;

export class DeviceTable<Device extends { edge: string }> {
  readonly #byId = new Map<string, Device>();
  readonly #byEdge = new Map<string, Set<string>>();

  get(id: string): Device | undefined {
    return this.#byId.get(id);
  }

  /** Whether this device of this edge is in it, or may still come in. */
  hasRoom(id: string, edge: string): boolean {
    if (this.#byId.get(id)?.edge === edge) return true;
    return (this.#byEdge.get(edge)?.size ?? 0) < MAX_DEVICES_OF_EDGE && (this.#byId.has(id) || this.#byId.size < MAX_DEVICES);
  }

  set(id: string, device: Device): void {
    if (this.#byId.get(id)?.edge !== device.edge) this.#leave(id);
    this.#byId.set(id, device);
    let own = this.#byEdge.get(device.edge);
    if (!own) this.#byEdge.set(device.edge, own = new Set());
    own.add(id);
  }

  /** Those that have any. */
  edges(): MapIterator<string> {
    return this.#byEdge.keys();
  }

  delete(id: string): void {
    this.#leave(id);
    this.#byId.delete(id);
  }

  *ofEdge(edge: string): Generator<[id: string, device: Device]> {
    for (const id of this.#byEdge.get(edge) ?? []) yield [id, this.#byId.get(id) as Device];
  }

  [Symbol.iterator](): MapIterator<[string, Device]> {
    return this.#byId[Symbol.iterator]();
  }

  #leave(id: string): void {
    const edge = this.#byId.get(id)?.edge;
    const own = edge === undefined ? undefined : this.#byEdge.get(edge);
    own?.delete(id);
    if (edge !== undefined && own?.size === 0) this.#byEdge.delete(edge);
  }
}
