/**
 * What a station knows of each point. Values come in the same order again and again, so the one that followed last time
 * is tried first: a lookup by name makes a text, and that for every value at every station.
 *
 * It lies in columns, not in a record a point: with ten thousand devices records are out of the caches by the time they
 * are wanted again, and one that had to be read to know which comes next would be waited for at every step.
 */
export class PointMap<T> {
  readonly #places = new Map<string, number>();
  readonly #devices: string[] = [];
  readonly #points: string[] = [];
  readonly #values: T[] = [];
  /** By place: the place that was asked for after this one; its own where nobody knows. */
  readonly #followers: number[] = [];
  #last = 0;

  get(device: string, point: string): T | undefined {
    const place = this.#find(device, point);
    return place < 0 ? undefined : this.#values[place];
  }

  set(device: string, point: string, value: T): void {
    const place = this.#find(device, point);
    if (place >= 0) return void (this.#values[place] = value);
    this.#places.set(keyOf(device, point), this.#values.length);
    this.#followers.push(this.#values.length);
    this.#devices.push(device);
    this.#points.push(point);
    this.#values.push(value);
  }

  *all(): Iterable<{ device: string; point: string; value: T }> {
    for (const [place, value] of this.#values.entries())
      yield { device: this.#devices[place] as string, point: this.#points[place] as string, value };
  }

  /** @returns -1 where there is none */
  #find(device: string, point: string): number {
    const guess = this.#followers[this.#last];
    if (guess !== undefined && this.#devices[guess] === device && this.#points[guess] === point) return (this.#last = guess);
    const found = this.#places.get(keyOf(device, point));
    if (found === undefined) return -1;
    this.#followers[this.#last] = found;
    return (this.#last = found);
  }
}

const keyOf = (device: string, point: string): string => `${device}|${point}`;
