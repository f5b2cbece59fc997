/** The cameras of an edge: a place each in the processes that all share, taken when a camera comes and left when it goes or takes another model, and its sight, which begins anew with other settings. */
import type { ModelSpec } from '../../../core/model.ts';
import type { World } from '../../../core/world.ts';
import type { Detector } from '../../../models/detector.ts';
import type { DetectorPool, PoolOptions } from '../../../models/pool.ts';
import type { OpenDevice } from '../../read/host-device.ts';
import type { InferCamera } from '../camera.ts';
import { requiredClassesFor, modelSettingOf } from './required-classes.ts';
import { cameraPipeline } from '../camera-pipeline.ts';

export class CameraDetectors {
  /** For `infer`. */
  readonly byDevice = new Map<string, InferCamera>();
  /** The model of each, and what is asked of it. */
  readonly #models = new Map<string, string>();
  readonly #settings = new Map<string, string>();
  readonly #registry: () => Promise<readonly ModelSpec[]>;
  readonly #options: PoolOptions;
  readonly #world: World;
  #pool: DetectorPool | null = null;
  #isEnding = false;

  /** @param registry loaded with the first camera */
  constructor(registry: () => Promise<readonly ModelSpec[]>, options: PoolOptions, world: World) {
    this.#registry = registry;
    this.#options = options;
    this.#world = world;
  }

  /**
   * Opens what these devices need and is not there. Detectors are heavy: an edge without cameras loads none of it.
   *
   * @returns `swap` puts them in their places, `finish` closes those that are not needed any more
   */
  async prepare(devices: readonly OpenDevice[]): Promise<{ swap(): void; finish(): Promise<void> }> {
    const cameras = devices.filter(({ driver }) => driver.traits.includes('frames')).map(({ setup }) => setup);
    const models = new Map(cameras.map(({ id, settings }) => [id, detectorKey(settings, cameras)]));
    const missing = cameras.filter(({ id }) => !this.byDevice.has(id) || this.#models.get(id) !== models.get(id));
    const opened = missing.length > 0 ? await this.#open(missing, cameras) : new Map<string, InferCamera>();
    let left: Detector[] = [];
    return {
      swap: () => {
        const over = [...this.byDevice].filter(([id]) => opened.has(id) || this.#models.get(id) !== models.get(id));
        left = over.map(([, { detector }]) => detector);
        const before = new Map(over);
        for (const [id] of over) this.byDevice.delete(id);
        for (const { id, settings } of cameras) this.#look(id, settings, opened.get(id), before.get(id));
        this.#models.clear();
        for (const [id, model] of models) this.#models.set(id, model);
      },
      finish: async () => { await Promise.all(left.map((detector) => detector.close())); },
    };
  }

  /**
   * A camera whose settings are as before goes on with what it has seen, also where another asks more of their model now.
   *
   * @param opened,before its new place and the one that it leaves
   */
  #look(id: string, settings: unknown, opened: InferCamera | undefined, before: InferCamera | undefined): void {
    const now = JSON.stringify(settings);
    const isAsBefore = this.#settings.get(id) === now;
    const camera = opened ?? this.byDevice.get(id);
    if (camera)
      this.byDevice.set(
        id,
        isAsBefore
          ? { ...camera, pipeline: (before ?? camera).pipeline }
          : { ...camera, pipeline: cameraPipeline(settings, camera.pipeline.scoreThreshold) },
      );
    this.#settings.set(id, now);
  }

  /** A place for another model beside those of the cameras: by its id, or the path of a manifest. @throws FaultError as DetectorPool.open */
  async openModel(model: string, scoreThreshold?: number): Promise<Detector> {
    const [pool, { findModel }] = await Promise.all([this.#poolOpen(), import('../../../models/manifest.ts')]);
    return pool.open(await findModel(model, await this.#registry(), this.#world.files), scoreThreshold);
  }

  async #poolOpen(): Promise<DetectorPool> {
    const { DetectorPool } = await import('../../../models/pool.ts');
    this.#pool ??= new DetectorPool(this.#options, this.#world);
    if (this.#isEnding) this.#pool.stopOpening();
    return this.#pool;
  }

  /** The edge is about to end: nothing waits for a model any more. */
  stopOpening(): void {
    this.#isEnding = true;
    this.#pool?.stopOpening();
  }

  /** After `infer` is closed. */
  async close(): Promise<void> {
    await Promise.all([...this.byDevice.values()].map(({ detector }) => detector.close()));
  }

  async #open(missing: readonly CameraSettings[], cameras: readonly CameraSettings[]): Promise<ReadonlyMap<string, InferCamera>> {
    const [{ openDetectors }, models] = await Promise.all([import('./open-detectors.ts'), this.#registry()]);
    // That a model is given up because all ends is no fault.
    const world: World = { ...this.#world, tell: (event) => { if (!this.#isEnding) this.#world.tell(event); } };
    return (await openDetectors(missing, models, world, await this.#poolOpen(), cameras)).byDevice;
  }
}

interface CameraSettings {
  id: string;
  settings: unknown;
}

/** Cameras that have the same here share a graph: one more that asks for more makes it another for all of them. */
function detectorKey(settings: unknown, cameras: readonly CameraSettings[]): string {
  const model = modelSettingOf(settings);
  return JSON.stringify([model, requiredClassesFor(model, cameras)]);
}
