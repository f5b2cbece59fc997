/**
 * A pool of picture memory, reused once all that kept it have released it. Allocating memory for each picture would cost
 * more in garbage collection than all other processing of a picture.
 */
const MAX_FREE = 3;

export class PictureMemoryPool {
  readonly #free: Uint8Array[] = [];

  /** Memory that is not cleared. */
  take(bytes: number): Uint8Array {
    const free = this.#free.pop();
    return free?.length === bytes ? free : new Uint8Array(bytes);
  }

  /** The `keep` function of the picture in this memory. */
  keeperOf(memory: Uint8Array): () => () => void {
    let keepers = 0;
    return () => {
      let isKept = true;
      keepers += 1;
      return () => {
        if (!isKept) return;
        isKept = false;
        keepers -= 1;
        if (keepers === 0 && this.#free.length < MAX_FREE) this.#free.push(memory);
      };
    };
  }
}
