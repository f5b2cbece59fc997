/** The rings of all cameras of an edge that bring clips: one folder that nobody else may look into, one bound on all of it. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Driver } from '../../../../core/driver.ts';
import { everyMs, type Timer, type World } from '../../../../core/world.ts';
import type { OpenDevice } from '../../../read/host-device.ts';
import { CameraRing } from './camera-ring.ts';
import { isMasked, type ClipSetup } from './setup.ts';
import '../../../../log/evidence/faults.ts';

/** Pieces are needed for so much longer than a clip goes back: pictures are looked at a little after they came. */
const SLACK_MS = 5000;
const WATCH_EVERY_MS = 2000;

export class CameraRings {
  readonly #setup: ClipSetup | null;
  readonly #dir: string;
  readonly #world: World;
  readonly #byDevice = new Map<string, CameraRing>();
  readonly #drivers = new Map<string, { of: Driver; ringed: Driver }>();
  #cleaned: Promise<void> | null = null;
  #watching: Timer | null = null;

  /** @param setup null: there are no clips */
  constructor(setup: ClipSetup | null, edge: string, world: World) {
    this.#setup = setup;
    // A name of our own in a folder that may be another's too: all that lies in it is deleted at start.
    this.#dir = setup ? join(setup.ring.dir, `cityvitals-ring-${edge}`) : '';
    this.#world = world;
  }

  of(device: string): CameraRing | null {
    return this.#byDevice.get(device) ?? null;
  }

  get bytes(): number {
    return [...this.#byDevice.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The same device, through a driver that keeps what its camera sends; any other as it is. */
  wrapDevice(device: OpenDevice): OpenDevice {
    const { setup: { id, settings }, driver } = device;
    if (!this.#setup || !driver.traits.includes('frames') || !isClipped(this.#setup, id)) return device;
    if (isMasked(settings)) {
      this.#world.tell({ kind: 'fault', device: id, fault: { code: 'CV_CLIP_MASKED', params: { device: id } } });
      return device;
    }
    const known = this.#drivers.get(id);
    if (known?.of === driver) return { ...device, driver: known.ringed };
    const ringed: Driver = {
      ...driver,
      open: async (own, points, world, signal) => driver.open(own, points, { ...world, ring: await this.#ringOf(id) }, signal),
    };
    this.#drivers.set(id, { of: driver, ringed });
    return { ...device, driver: ringed };
  }

  /** Cameras that are there; what others left is deleted. */
  retain(devices: readonly { id: string }[]): void {
    for (const [id, ring] of this.#byDevice) {
      if (devices.some((device) => device.id === id)) continue;
      this.#byDevice.delete(id);
      void ring.remove();
    }
  }

  /** What is in it is of no use to whoever comes next. */
  async close(): Promise<void> {
    this.#watching?.cancel();
    if (this.#cleaned) await rm(this.#dir, { recursive: true, force: true }).catch(() => {});
  }

  async #ringOf(id: string): Promise<CameraRing> {
    const { before, ring: { camera } } = this.#setup as ClipSetup;
    // What an edge left that was killed has lost its times: it is deleted.
    await (this.#cleaned ??= this.#clean());
    const known = this.#byDevice.get(id);
    if (known) return known;
    const ring = new CameraRing({
      dir: join(this.#dir, encodeURIComponent(id)),
      keepMs: before + SLACK_MS,
      maxBytes: camera,
      changed: () => this.#bound(),
      tell: (fault, code) =>
        this.#world.tell(
          fault
            ? { kind: 'fault', device: id, fault: { ...fault, params: { device: id, ...fault.params } } }
            : { kind: 'fault_cleared', code, device: id },
        ),
    });
    this.#byDevice.set(id, ring);
    return ring;
  }

  async #clean(): Promise<void> {
    try {
      await rm(this.#dir, { recursive: true, force: true });
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      await chmod(this.#dir, 0o700);
      this.#watching ??= everyMs(this.#world.clock, WATCH_EVERY_MS, () => {
        for (const ring of this.#byDevice.values()) void ring.watch();
      });
    } catch {
      // Each camera finds out by itself when it begins, and says so; the next one tries again.
      this.#cleaned = null;
    }
  }

  /** All together are too many: whoever has most gives. */
  #bound(): void {
    const { maxBytes } = (this.#setup as ClipSetup).ring;
    while (this.bytes > maxBytes) {
      const most = [...this.#byDevice.values()].toSorted((a, b) => b.bytes - a.bytes)[0];
      if (!most?.dropOldest()) return;
    }
  }
}

const isClipped = ({ cameras }: ClipSetup, id: string) => cameras?.includes(id) ?? true;
