/**
 * Motion gate: is this picture worth a look of the detector? It keeps a background of a small grey picture (one cell for
 * 8 × 8 pixels: mean and spread) and counts cells that differ from it. The background follows slow changes, leaves out
 * what passes, and takes in what has stayed; what was there before is known again when it leaves. Pure and deterministic, on presentation time alone.
 */
import type { Picture, PicturePlanes } from '../../../core/driver.ts';
import type { GateSettings } from '../../../scene/picture-settings.ts';
import type { PictureArea } from '../evidence/crop.ts';

/** Why a picture is looked at; `still` is not. */
export type GateDecision = 'first' | 'changed' | 'light' | 'settling' | 'due' | 'still';

const CELL_PIXELS = 8;
/** Of a cell's rows two are read, of their pixels every second: an eighth of the reading, and noise is small enough. */
const ROWS = [2, 5] as const;
const SAMPLES = 8;
/** Time in which the background follows what changes slowly; one that has lasted as long is no passer-by. */
const FOLLOWS_MS = 20_000;
/** Spread of a cell of which nothing is known yet, grey levels squared. */
const FIRST_VARIANCE = 16;
/** A cell has changed when it is further from its background than so many of its spreads. */
const SPREADS = 3;
/** Cells that change teach the spread slowly: leaves in the wind, in the end, but no passer-by. */
const CHANGED_LEARNS = 0.1;
/** Differences beyond this say nothing of the light that all cells share. */
const SHARED_LIGHT_MOST = 12;
/** More than this of the picture at once is light, or the camera: the background begins anew. */
const LIGHT_SHARE = 0.6;

export class MotionGate {
  readonly #settings: GateSettings;
  #columns = 0;
  #rows = 0;
  #mean = new Float32Array(0);
  /** How long each cell's background has been as it is, ms, and what it was last for long: known again when it comes back. */
  #lasts = new Float32Array(0);
  #home = new Float32Array(0);
  #variance = new Float32Array(0);
  #now = new Float32Array(0);
  #before = new Float32Array(0);
  /** How long each cell has been as it is, ms. */
  #stays = new Float32Array(0);
  #changed = new Uint8Array(0);
  #todo = new Int32Array(0);
  #region: PictureArea | null = null;
  #lastMs = NaN;
  #movedMs = -Infinity;
  #lookedMs = -Infinity;

  constructor(settings: GateSettings) {
    this.#settings = settings;
  }

  /** Takes the picture in. Pictures come in their order; one that is older than the last begins anew. */
  decide(picture: Pick<Picture, 'width' | 'height' | 'yuv' | 'ptsMs'>): GateDecision {
    const { ptsMs } = picture;
    this.#region = null;
    const isKnown = this.#prepare(picture) && ptsMs >= this.#lastMs;
    [this.#now, this.#before] = [this.#before, this.#now];
    shrink(picture, this.#now, this.#columns, this.#rows);
    const verdict = isKnown ? this.#compare(ptsMs) : this.#begin('first', ptsMs);
    this.#lastMs = ptsMs;
    if (verdict !== 'still') this.#lookedMs = ptsMs;
    return verdict;
  }

  /** Around all that is large enough to be a change of the last picture; null where nothing was, or all of it. */
  get motionArea(): PictureArea | null {
    return this.#region;
  }

  /** The look that was asked for last came to nothing: the next picture is looked at. */
  detectNext(): void {
    this.#lookedMs = -Infinity;
  }

  /** False when pictures have another size than before. */
  #prepare({ width, height }: Pick<Picture, 'width' | 'height'>): boolean {
    const [columns, rows] = [Math.max(1, Math.floor(width / CELL_PIXELS)), Math.max(1, Math.floor(height / CELL_PIXELS))];
    if (columns === this.#columns && rows === this.#rows) return true;
    this.#columns = columns;
    this.#rows = rows;
    const plane = () => new Float32Array(columns * rows);
    [this.#mean, this.#home, this.#lasts, this.#variance, this.#now, this.#before, this.#stays] = [
      plane(),
      plane(),
      plane(),
      plane(),
      plane(),
      plane(),
      plane(),
    ];
    this.#changed = new Uint8Array(columns * rows);
    this.#todo = new Int32Array(columns * rows);
    return false;
  }

  #begin(verdict: 'first' | 'light', ptsMs: number): GateDecision {
    this.#mean.set(this.#now);
    this.#home.set(this.#now);
    this.#lasts.fill(FOLLOWS_MS);
    this.#variance.fill(FIRST_VARIANCE);
    this.#stays.fill(0);
    this.#movedMs = ptsMs;
    return verdict;
  }

  #compare(ptsMs: number): GateDecision {
    const { share, settle, every } = this.#settings;
    const cells = this.#now.length;
    const changed = this.#learn(ptsMs - this.#lastMs, this.#sharedLight());
    if (changed > cells * LIGHT_SHARE) return this.#begin('light', ptsMs);
    const least = Math.max(2, (cells * share) / 100);
    if (changed >= least && this.#largest(least) >= least) this.#movedMs = ptsMs;
    if (this.#movedMs === ptsMs) return 'changed';
    // Where pictures are further apart than that, one at least shows what is left.
    if (settle > 0 && (ptsMs - this.#movedMs <= settle || this.#movedMs === this.#lastMs)) return 'settling';
    return ptsMs - this.#lookedMs >= every ? 'due' : 'still';
  }

  /** What the whole picture has become brighter by, which is no motion. */
  #sharedLight(): number {
    const [now, mean] = [this.#now, this.#mean];
    const { length } = now;
    let sum = 0;
    for (let at = 0; at < length; at += 1) {
      const difference = (now[at] as number) - (mean[at] as number);
      sum += difference > SHARED_LIGHT_MOST ? SHARED_LIGHT_MOST : difference < -SHARED_LIGHT_MOST ? -SHARED_LIGHT_MOST : difference;
    }
    return sum / length;
  }

  /** Marks the cells that have changed, and takes into the background what belongs there. @returns how many have */
  #learn(passedMs: number, light: number): number {
    const { contrast, adapt } = this.#settings;
    const learns = 1 - Math.exp(-passedMs / FOLLOWS_MS);
    const [now, before, mean, home, lasts, variances, stays, changed] = [
      this.#now,
      this.#before,
      this.#mean,
      this.#home,
      this.#lasts,
      this.#variance,
      this.#stays,
      this.#changed,
    ];
    const [least, most] = [contrast * contrast, contrast / 2];
    const { length } = now;
    let count = 0;
    for (let at = 0; at < length; at += 1) {
      const value = now[at] as number;
      const difference = value - (mean[at] as number);
      const beyond = difference - light;
      const square = beyond * beyond;
      const variance = variances[at] as number;
      const step = value - (before[at] as number);
      const stayed = (step < 0 ? -step : step) <= most ? (stays[at] as number) + passedMs : 0;
      stays[at] = stayed;
      lasts[at] = (lasts[at] as number) + passedMs;
      const isChanged = square > least && square > SPREADS * SPREADS * variance;
      changed[at] = isChanged ? 1 : 0;
      if (!isChanged) {
        mean[at] = (mean[at] as number) + learns * difference;
        variances[at] = variance + learns * (square - variance);
        continue;
      }
      count += 1;
      const toHome = value - (home[at] as number);
      const isHome = (toHome < 0 ? -toHome : toHome) <= contrast;
      if (stayed >= adapt || isHome) {
        if ((lasts[at] as number) >= FOLLOWS_MS) home[at] = mean[at] as number;
        mean[at] = value;
        variances[at] = FIRST_VARIANCE;
        lasts[at] = isHome ? FOLLOWS_MS : 0;
      } else variances[at] = variance + learns * CHANGED_LEARNS * (square - variance);
    }
    return count;
  }

  /** Cells of the largest thing that has changed; those strewn over the picture are noise. Notes around what the large ones are, and forgets which cells they were. */
  #largest(least: number): number {
    const [changed, columns, rows, todo] = [this.#changed, this.#columns, this.#rows, this.#todo];
    let largest = 0;
    let [left, top, right, bottom] = [columns, rows, -1, -1];
    for (let from = 0; from < changed.length; from += 1) {
      if (!changed[from]) continue;
      let size = 0;
      let waiting = 1;
      let [first, last, lowest] = [columns, -1, from];
      todo[0] = from;
      changed[from] = 0;
      while (waiting > 0) {
        waiting -= 1;
        const at = todo[waiting] as number;
        size += 1;
        const column = at % columns;
        if (column < first) first = column;
        if (column > last) last = column;
        if (at > lowest) lowest = at;
        for (const beside of [at - columns, at + columns, column > 0 ? at - 1 : at, column < columns - 1 ? at + 1 : at]) {
          if (!changed[beside]) continue;
          changed[beside] = 0;
          todo[waiting] = beside;
          waiting += 1;
        }
      }
      if (size > largest) largest = size;
      if (size < least) continue;
      [left, right] = [Math.min(left, first), Math.max(right, last)];
      // Cells are gone through from the top: where it began is its highest row.
      [top, bottom] = [Math.min(top, Math.floor(from / columns)), Math.max(bottom, Math.floor(lowest / columns))];
    }
    if (right >= 0)
      this.#region = { x: left / columns, y: top / rows, width: (right - left + 1) / columns, height: (bottom - top + 1) / rows };
    return largest;
  }
}

/** The grey picture, one mean a cell. What is left over at the right and below belongs to no cell. */
function shrink({ width, height, yuv }: PicturePlanes, cells: Float32Array, columns: number, rows: number): void {
  if (width < CELL_PIXELS || height < CELL_PIXELS) return void cells.fill(yuv[0] as number);
  for (let row = 0, at = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, at += 1) {
      const first = row * CELL_PIXELS * width + column * CELL_PIXELS;
      const upper = first + ROWS[0] * width;
      const lower = first + ROWS[1] * width;
      cells[at] = ((yuv[upper] as number) + (yuv[upper + 2] as number) + (yuv[upper + 4] as number) + (yuv[upper + 6] as number)
        + (yuv[lower + 1] as number) + (yuv[lower + 3] as number) + (yuv[lower + 5] as number) + (yuv[lower + 7] as number)) / SAMPLES;
    }
  }
}
