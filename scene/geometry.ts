/** Points, lines and polygons in a plane. Pure; all lengths are in the unit of the points. */
export type PicturePoint = readonly [number, number];

/** Whether a point lies in a polygon, on its edge included up to rounding; the polygon closes by itself. */
export function isInside([x, y]: PicturePoint, polygon: readonly PicturePoint[]): boolean {
  let inside = false;
  edgesOf(polygon).forEach(([[x1, y1], [x2, y2]]) => {
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  });
  return inside || distanceToEdge([x, y], polygon) < 1e-9;
}

export function distanceToEdge(point: PicturePoint, polygon: readonly PicturePoint[]): number {
  return Math.min(...edgesOf(polygon).map(([from, to]) => distanceToSegment(point, from, to)));
}

function distanceToSegment([x, y]: PicturePoint, [x1, y1]: PicturePoint, [x2, y2]: PicturePoint): number {
  const [across, down] = [x2 - x1, y2 - y1];
  const length2 = across ** 2 + down ** 2;
  const share = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * across + (y - y1) * down) / length2));
  return Math.hypot(x - x1 - share * across, y - y1 - share * down);
}

/** Distance from the endless line through two points: positive on one side of it, negative on the other. */
export function distanceFromLine([x, y]: PicturePoint, [x1, y1]: PicturePoint, [x2, y2]: PicturePoint): number {
  return ((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / Math.hypot(x2 - x1, y2 - y1);
}

/** Whether two segments have a point in common; ends count, segments along each other do not. */
export function segmentsIntersect(a: PicturePoint, b: PicturePoint, c: PicturePoint, d: PicturePoint): boolean {
  const turn = ([x1, y1]: PicturePoint, [x2, y2]: PicturePoint, [x3, y3]: PicturePoint) =>
    Math.sign((x2 - x1) * (y3 - y1) - (y2 - y1) * (x3 - x1));
  return turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b);
}

/** The first corner that is where the next one is; null when none is. */
export function repeatedCorner(polygon: readonly PicturePoint[]): number | null {
  const at = edgesOf(polygon).findIndex(([[x1, y1], [x2, y2]]) => x1 === x2 && y1 === y2);
  return at < 0 ? null : at;
}

/** The first two edges that cross each other, as the numbers of the corners they begin at; null when none do. */
export function selfCrossing(polygon: readonly PicturePoint[]): [number, number] | null {
  const edges = edgesOf(polygon);
  for (const [first, [a, b]] of edges.entries()) {
    for (let second = first + 2; second < edges.length; second += 1) {
      const [c, d] = edges[second] as [PicturePoint, PicturePoint];
      // The last edge ends where the first begins.
      if (first === 0 && second === edges.length - 1) continue;
      if (segmentsIntersect(a, b, c, d)) return [first, second];
    }
  }
  return null;
}

export function polygonArea(polygon: readonly PicturePoint[]): number {
  return Math.abs(edgesOf(polygon).reduce((sum, [[x1, y1], [x2, y2]]) => sum + x1 * y2 - x2 * y1, 0)) / 2;
}

function edgesOf(polygon: readonly PicturePoint[]): [PicturePoint, PicturePoint][] {
  return polygon.map((corner, at) => [corner, polygon[(at + 1) % polygon.length] as PicturePoint]);
}
