/** Maps of what others say, which must not fill the memory. */

/** Sets an entry of a map of at most so many: where it is full, the oldest goes. */
export function setBounded<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  if (map.size >= max && !map.has(key)) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
