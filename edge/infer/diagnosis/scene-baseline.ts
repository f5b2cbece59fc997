/** What a camera usually shows: learnt from its first sound pictures, followed slowly, and compared with. */
import type { MeanColour } from './colour.ts';
import { scoreAbove, scoreBelow } from './scores.ts';
import { blankScore, largestFlatShare, correlation, type SceneSignature } from './scene-signature.ts';

/** Looks (one a second) before it is known. */
const LEARNING_LOOKS = 4;
/** Per look; the season and the light move a scene slower than that, what parks in it is taken in within minutes. */
const FOLLOW_EDGES = 0.004;
const FOLLOW_LIGHT = 0.02;
/** Likeness to the usual scene below which it is another. The same scene by day: 0.6 to 0.9; another one: below 0.35. */
const OTHER_SCENE = 0.5;
/** A scene with little in it is never quite like itself: it must become less like than it usually is. */
const LESS_LIKE = 0.65;
const FOLLOW_LIKENESS = 0.1;
/** Another scene is more like itself a look before than like the usual one; one that shakes, or that something passes, is like neither. */
const STAYS = 0.3;
const COVERED_SHARE = 0.25;
/** A dark night's sky is flat too: only a picture that is lit elsewhere has a cover. */
const LIT = 60;
/** What a cell showed of edges (log), to tell whether they are gone: asphalt and gravel have less, and none when bits are short. And how much must be left. */
const STRUCTURED = 1.6;
const LEFT = 0.4;
/** What is not covered must still be the usual scene. */
const SAME_ELSEWHERE = 0.6;
/** And light and shade there to this likeness; what is out of focus has lost its edges and kept these, a cover before all of it has its own. */
const SAME_SHADE = 0.4;
/** So much that is covered tells that it is no other scene, also where it is too little to be told. */
const PARTLY_SHARE = 0.1;

export class SceneBaseline {
  #looks = 0;
  #edges: Float32Array | null = null;
  #lumas: Float32Array | null = null;
  #colour: MeanColour | null = null;
  #likeness = 1;
  #last: Float32Array | null = null;

  get colour(): MeanColour | null {
    return this.#looks >= LEARNING_LOOKS ? this.#colour : null;
  }

  /** A sound picture. */
  update({ edges, lumas }: SceneSignature, seen: MeanColour): void {
    this.#looks += 1;
    if (!this.#edges || !this.#lumas || !this.#colour) {
      this.#edges = edges.slice();
      this.#lumas = lumas.slice();
      this.#colour = { ...seen };
      return;
    }
    const learning = this.#looks <= LEARNING_LOOKS;
    this.#likeness += (correlation(edges, this.#edges) - this.#likeness) * (learning ? 0.5 : FOLLOW_LIKENESS);
    for (let at = 0; at < edges.length; at += 1) {
      const gap = (edges[at] as number) - (this.#edges[at] as number);
      // First a mean, then a median that walks: what passes pulls it no further than what stays.
      this.#edges[at] = (this.#edges[at] as number) + (learning ? gap / this.#looks : Math.max(-FOLLOW_EDGES, Math.min(FOLLOW_EDGES, gap)));
    }
    const share = learning ? 1 / this.#looks : FOLLOW_LIGHT;
    for (let at = 0; at < lumas.length; at += 1)
      this.#lumas[at] = (this.#lumas[at] as number) + ((lumas[at] as number) - (this.#lumas[at] as number)) * share;
    for (const part of ['u', 'v'] as const) this.#colour[part] += (seen[part] - this.#colour[part]) * share;
  }

  /** Whether what shows nothing sharp is something before the lens, and not the scene out of focus. */
  isCover(seen: SceneSignature): boolean {
    const usual = this.#looks >= LEARNING_LOOKS ? this.#lumas : null;
    return blankScore(seen) >= 0.5 || (usual !== null && correlation(seen.lumas, usual) < SAME_SHADE);
  }

  /** @param isOther it is another scene already, and need not show that it stays */
  scores({ edges, flat, lumas, litMean }: SceneSignature, isOther: boolean): { occluded: number; 'wrong-scene': number; isUsual: boolean } {
    const last = this.#last;
    this.#last = edges;
    const usual = this.#looks >= LEARNING_LOOKS ? this.#edges : null;
    const cover = litMean >= LIT ? scoreAbove(largestFlatShare(flat), COVERED_SHARE) : 0;
    if (!usual || !this.#lumas) return { 'occluded': cover, 'wrong-scene': 0, 'isUsual': true };
    const covered = coveredShare({ edges, lumas }, { edges: usual, lumas: this.#lumas });
    const alike = correlation(edges, usual);
    const limit = Math.max(0, Math.min(OTHER_SCENE, LESS_LIKE * this.#likeness));
    const stays = isOther || (covered < PARTLY_SHARE && last !== null && correlation(edges, last) - alike >= STAYS);
    return {
      occluded: Math.max(cover, scoreAbove(covered, COVERED_SHARE)),
      'wrong-scene': stays ? scoreBelow(Math.max(0, alike), limit) : 0,
      isUsual: alike >= limit,
    };
  }
}

/** The share of the cells whose edges are gone, while the others show what they always did; else 0. */
function coveredShare({ edges, lumas }: Pick<SceneSignature, 'edges' | 'lumas'>, usual: Pick<SceneSignature, 'edges' | 'lumas'>): number {
  const cells = edges.length / 2;
  const gone = new Uint8Array(cells);
  let structured = 0;
  let count = 0;
  for (let cell = 0; cell < cells; cell += 1) {
    const before = (usual.edges[2 * cell] as number) + (usual.edges[2 * cell + 1] as number);
    if (before < STRUCTURED) continue;
    structured += 1;
    if ((edges[2 * cell] as number) + (edges[2 * cell + 1] as number) >= LEFT * before) continue;
    gone[cell] = 1;
    count += 1;
  }
  if (count === structured) return 0;
  const isElsewhere =
    correlation(edges, usual.edges, (at) => !gone[at >> 1]) >= SAME_ELSEWHERE &&
    correlation(lumas, usual.lumas, (cell) => !gone[cell]) >= SAME_SHADE;
  return isElsewhere ? count / cells : 0;
}
