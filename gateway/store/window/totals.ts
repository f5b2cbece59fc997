/** Running aggregates by series: how many numbers, lowest, highest, sum. */

/** As columns, by series id. */
export interface TotalColumns {
  ids: Int32Array;
  counts: Float64Array;
  mins: Float64Array;
  maxs: Float64Array;
  sums: Float64Array;
}

const FIRST_ROOM = 256;

export class Totals {
  readonly #places = new Map<number, number>();
  #columns: TotalColumns = columnsOf(FIRST_ROOM);

  get size(): number {
    return this.#places.size;
  }

  add(id: number, count: number, min: number, max: number, sum: number): void {
    let place = this.#places.get(id);
    if (place === undefined) {
      place = this.#newPlace(id);
    }
    const { counts, mins, maxs, sums } = this.#columns;
    counts[place] = (counts[place] as number) + count;
    if (min < (mins[place] as number)) mins[place] = min;
    if (max > (maxs[place] as number)) maxs[place] = max;
    sums[place] = (sums[place] as number) + sum;
  }

  addAll(other: Totals): void {
    const { ids, counts, mins, maxs, sums } = other.#columns;
    for (let at = 0; at < other.size; at += 1)
      this.add(ids[at] as number, counts[at] as number, mins[at] as number, maxs[at] as number, sums[at] as number);
  }

  /** By id. */
  columns(): TotalColumns {
    const order = Int32Array.from(this.#places.keys()).toSorted();
    const places = order.map((id) => this.#places.get(id) as number);
    const pick = (column: Float64Array): Float64Array => Float64Array.from(places, (place) => column[place] as number);
    const { counts, mins, maxs, sums } = this.#columns;
    return { ids: order, counts: pick(counts), mins: pick(mins), maxs: pick(maxs), sums: pick(sums) };
  }

  #newPlace(id: number): number {
    const place = this.#places.size;
    if (place === this.#columns.ids.length) {
      const { ids, counts, mins, maxs, sums } = this.#columns;
      const larger = columnsOf(place * 2);
      larger.ids.set(ids);
      larger.counts.set(counts);
      larger.mins.set(mins);
      larger.maxs.set(maxs);
      larger.sums.set(sums);
      this.#columns = larger;
    }
    this.#places.set(id, place);
    this.#columns.ids[place] = id;
    this.#columns.mins[place] = Infinity;
    this.#columns.maxs[place] = -Infinity;
    return place;
  }
}

const columnsOf = (room: number): TotalColumns => ({
  ids: new Int32Array(room),
  counts: new Float64Array(room),
  mins: new Float64Array(room),
  maxs: new Float64Array(room),
  sums: new Float64Array(room),
});
