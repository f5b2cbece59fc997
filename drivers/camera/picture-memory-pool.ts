/**
 * A pool of picture memory, reused once all holders have released it. Allocating it for each picture would cost more in
 * garbage collection than everything else that is done with a picture.
 */
const MAX_FREE = 3;

export class PictureMemoryPool {
  readonly #free: Uint8Array[] = [];

  /** Not cleared. */
  take(bytes: number): Uint8Array {
    const known = this.#free.pop();
    return known?.length === bytes ? known : new Uint8Array(bytes);
  }

  /** The `keep` of the picture that lies there. */
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
