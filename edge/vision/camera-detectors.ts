/** The detectors of an edge's cameras, one each: opened when a camera comes, closed when it goes or takes another model. */
import type { ModelSpec } from '../../core/model.ts';
import type { World } from '../../core/world.ts';
import type { Detector } from '../../models/load.ts';
import type { OpenDevice } from '../host/device.ts';

export class CameraDetectors {
  /** For `infer`. */
  readonly byDevice = new Map<string, Detector>();
  readonly #models = new Map<string, unknown>();
  readonly #registry: () => Promise<readonly ModelSpec[]>;
  readonly #world: World;

  /** @param registry loaded with the first camera */
  constructor(registry: () => Promise<readonly ModelSpec[]>, world: World) {
    this.#registry = registry;
    this.#world = world;
  }

  /**
   * Opens what these devices need and is not there. Detectors are heavy: an edge without cameras loads none of it.
   *
   * @returns `swap` puts them in their places, `finish` closes those that are not needed any more
   */
  async prepare(devices: readonly OpenDevice[]): Promise<{ swap(): void; finish(): Promise<void> }> {
    const cameras = devices.filter(({ driver }) => driver.traits.includes('frames')).map(({ setup }) => setup);
    const models = new Map(cameras.map(({ id, settings }) => [id, (settings as { model?: unknown }).model]));
    const missing = cameras.filter(({ id }) => !this.byDevice.has(id) || this.#models.get(id) !== models.get(id));
    const opened = missing.length > 0 ? await this.#open(missing) : new Map<string, Detector>();
    let left: Detector[] = [];
    return {
      swap: () => {
        const over = [...this.byDevice].filter(([id]) => opened.has(id) || this.#models.get(id) !== models.get(id));
        left = over.map(([, detector]) => detector);
        for (const [id] of over) this.byDevice.delete(id);
        for (const [id, detector] of opened) this.byDevice.set(id, detector);
        this.#models.clear();
        for (const [id, model] of models) this.#models.set(id, model);
      },
      finish: async () => { await Promise.all(left.map((detector) => detector.close())); },
    };
  }

  /** After `infer` is closed. */
  async close(): Promise<void> {
    await Promise.all([...this.byDevice.values()].map((detector) => detector.close()));
  }

  async #open(cameras: readonly { id: string; settings: unknown }[]): Promise<ReadonlyMap<string, Detector>> {
    const [{ openDetectors }, models] = await Promise.all([import('./detectors.ts'), this.#registry()]);
    return (await openDetectors(cameras, models, this.#world)).byDevice;
  }
}
