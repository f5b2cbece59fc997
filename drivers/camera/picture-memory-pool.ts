/**
 * Memory of pictures, used again once whoever kept one has let go of it. Memory made anew for each would have to be
 * collected, which cost more than all else that is done with a still picture. What nobody keeps is never used again.
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
