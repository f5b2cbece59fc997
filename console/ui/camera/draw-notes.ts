/** Draws over a live picture what is said beside it: zones, lines, boxes with what they are; and over all of it what nobody may see. */
import type { Dictionary, Lang } from '../../shell/dictionary.ts';
import { boxText, freshness, overlayTexts, type LiveNotes } from './live-notes.ts';

type Place = readonly [number, number];

const ZONE = '#4cd07d';
const LINE = '#ff9f45';
const PERSON = '#4de3ff';
const OTHER = '#ffd24d';
const FONT_PX = 13;
/** Counts would cover too much of a narrower picture; they stand below it as well. */
const NARROW_PX = 480;
/** Length of the arrow to a line's inner side, of the picture's height. */
const ARROW = 0.06;

/** @param nowMs by the gateway's clock */
export function drawNotes(canvas: HTMLCanvasElement, notes: LiveNotes, nowMs: number, words: Dictionary, lang: Lang): void {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const pen = canvas.getContext('2d');
  if (!pen || !notes.scene) return pen?.clearRect(0, 0, across, down);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = `600 ${FONT_PX}px sans-serif`;
  pen.textBaseline = 'top';
  pen.lineJoin = 'round';
  const at = ([x, y]: Place): Place => [x * width, y * height];
  const trace = (corners: readonly Place[]): void => {
    pen.beginPath();
    for (const [nth, corner] of corners.entries()) pen[nth === 0 ? 'moveTo' : 'lineTo'](...at(corner));
    pen.closePath();
  };
  const label = (text: string, [x, y]: Place, colour: string): void => {
    const wide = pen.measureText(text).width + 8;
    const [left, top] = [Math.max(0, Math.min(width - wide, x)), Math.max(0, Math.min(height - FONT_PX - 6, y))];
    pen.fillStyle = '#000a';
    pen.fillRect(left, top, wide, FONT_PX + 6);
    pen.fillStyle = colour;
    pen.fillText(text, left + 4, top + 3);
  };
  const alpha = freshness(notes, nowMs);
  const said = new Map(
    overlayTexts(alpha > 0 ? notes : { ...notes, seen: null }, words, lang).map(({ id, name, said: texts }) => [
      id,
      (width < NARROW_PX ? [name] : [name, ...texts]).join(' · '),
    ]),
  );

  pen.lineWidth = 2;
  for (const { id, polygon } of notes.scene.zones) {
    trace(polygon);
    pen.fillStyle = `${ZONE}22`;
    pen.fill();
    pen.strokeStyle = ZONE;
    pen.stroke();
    label(said.get(id) ?? id, at(polygon.reduce((top, corner) => (corner[1] < top[1] ? corner : top))), ZONE);
  }
  for (const { id, from, to, inside } of notes.scene.lines) {
    const middle = at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
    pen.strokeStyle = LINE;
    pen.lineWidth = 3;
    trace([from, to]);
    pen.stroke();
    pen.lineWidth = 2;
    arrow(pen, middle, at(from), at(to), at(inside), ARROW * height);
    label(said.get(id) ?? id, at(from), LINE);
  }
  pen.globalAlpha = alpha;
  for (const box of alpha > 0 ? notes.seen?.boxes ?? [] : []) {
    const colour = box.class === 'person' ? PERSON : OTHER;
    const [left, top] = at([box.x, box.y]);
    pen.strokeStyle = colour;
    pen.strokeRect(left, top, box.width * width, box.height * height);
    label(boxText(box, words, lang), [left, top - FONT_PX - 6], colour);
  }
  pen.globalAlpha = 1;
  for (const mask of notes.scene.masks) {
    trace(mask);
    pen.fillStyle = '#000';
    pen.fill();
  }
}

/** From the middle of a line, square to it, to the side on which `inside` lies. */
function arrow(pen: CanvasRenderingContext2D, middle: Place, from: Place, to: Place, inside: Place, length: number): void {
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  const long = Math.hypot(x, y) || 1;
  const side = Math.sign((inside[0] - from[0]) * -y + (inside[1] - from[1]) * x) || 1;
  const [ahead, beside]: [Place, Place] = [[(-y / long) * side, (x / long) * side], [x / long, y / long]];
  const tip: Place = [middle[0] + ahead[0] * length, middle[1] + ahead[1] * length];
  const barb = (way: number): Place => [
    tip[0] - (ahead[0] - way * beside[0]) * length * 0.4,
    tip[1] - (ahead[1] - way * beside[1]) * length * 0.4,
  ];
  pen.beginPath();
  pen.moveTo(...middle);
  pen.lineTo(...tip);
  pen.moveTo(...barb(1));
  pen.lineTo(...tip);
  pen.lineTo(...barb(-1));
  pen.stroke();
}
