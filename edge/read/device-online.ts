/** Decides whether a device is online, and tells each change once. */
import type { World } from '../../core/world.ts';

/** Failed polls in a row after which a device counts as offline; a link that cannot be had does so at once. */
const OFFLINE_AFTER = 2;

export class DeviceOnline {
  readonly #device: string;
  #isOnline: boolean | null = null;
  /** Code of a fault, `ok`, or `starting` until anything is known. */
  #reason = 'starting';

  constructor(device: string) {
    this.#device = device;
  }

  get isOnline(): boolean {
    return this.#isOnline ?? false;
  }

  get reason(): string {
    return this.#reason;
  }

  /** It said something, if only no. */
  heard(world: World): void {
    this.#set(true, 'ok', world);
  }

  /** @param inRow failed polls in a row, this one included */
  pollFailed(inRow: number, code: string, world: World): void {
    if (inRow >= OFFLINE_AFTER) this.#set(false, code, world);
  }

  /** Its link is gone, or it speaks by itself and has gone quiet. */
  lost(code: string, world: World): void {
    this.#set(false, code, world);
  }

  #set(isOnline: boolean, reason: string, world: World): void {
    if (isOnline === this.#isOnline && (isOnline || reason === this.#reason)) return;
    this.#isOnline = isOnline;
    this.#reason = reason;
    world.tell({ kind: 'device_state', device: this.#device, online: isOnline, reason });
  }
}
