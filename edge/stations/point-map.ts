interface Entry<T> {
  readonly device: string;
  readonly point: string;
  value: T;
  /** The entry that was asked for after this one. */
  follower: Entry<T> | null;
}

/**
 * What a station knows of each point. Values come in the same order again and again, so the one that followed last time
 * is tried first: a lookup by name makes a text, and that for every value at every station.
 */
export class PointMap<T> {
  readonly #entries = new Map<string, Entry<T>>();
  #last: Entry<T> | null = null;

  get(device: string, point: string): T | undefined {
    return this.#find(device, point)?.value;
  }

  set(device: string, point: string, value: T): void {
    const entry = this.#find(device, point);
    if (entry) entry.value = value;
    else this.#entries.set(keyOf(device, point), { device, point, value, follower: null });
  }

  all(): Iterable<Readonly<Pick<Entry<T>, 'device' | 'point' | 'value'>>> {
    return this.#entries.values();
  }

  #find(device: string, point: string): Entry<T> | undefined {
    const guess = this.#last?.follower;
    if (guess && guess.device === device && guess.point === point) return (this.#last = guess);
    const found = this.#entries.get(keyOf(device, point));
    if (!found) return undefined;
    if (this.#last) this.#last.follower = found;
    return (this.#last = found);
  }
}

const keyOf = (device: string, point: string): string => `${device}|${point}`;
