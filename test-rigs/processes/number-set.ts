/** Which whole numbers from 0 were seen, one bit each, and how often one came again. */
export class NumberSet {
  #bytes = new Uint8Array(1 << 12);
  size = 0;
  /** Additions of a number that was there already. */
  repeats = 0;

  has(number: number): boolean {
    const index = number >> 3;
    return index < this.#bytes.length && ((this.#bytes[index] as number) & (1 << (number & 7))) !== 0;
  }

  /** @returns false when it was there already, which is counted */
  add(number: number): boolean {
    const index = number >> 3;
    if (index >= this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, index + 1));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const bit = 1 << (number & 7);
    if ((this.#bytes[index] as number) & bit) {
      this.repeats += 1;
      return false;
    }
    this.#bytes[index] = (this.#bytes[index] as number) | bit;
    this.size += 1;
    return true;
  }

  /** Members of this set that are not in the other one; at most `limit`. */
  without(other: NumberSet, limit = Infinity): number[] {
    const found: number[] = [];
    for (let number = 0; number < this.#bytes.length * 8 && found.length < limit; number += 1) {
      if (this.has(number) && !other.has(number)) found.push(number);
    }
    return found;
  }
}
