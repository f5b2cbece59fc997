/** What is drawn into an annotated picture, as SVG: boxes with what they are, and below, when and where. Pure. */
import type { Box } from '../../../core/event.ts';

export interface AnnotationOptions {
  boxes: readonly Box[];
  /** Those that the event is about. */
  marked: readonly Box[];
  nameOf(box: Box): string;
  caption: string;
}

const MARKED = '#ff3b30';
const OTHER = '#ffd60a';

export function annotationSvg({ boxes, marked, nameOf, caption }: AnnotationOptions): (width: number, height: number) => string {
  return (width, height) => {
    const text = Math.max(11, Math.round(width / 48));
    const stroke = Math.max(2, Math.round(width / 320));
    const shapes = boxes.map((box) => {
      const colour = marked.includes(box) ? MARKED : OTHER;
      const [x, y, wide, high] = [box.x * width, box.y * height, box.width * width, box.height * height].map((side) =>
        Math.round(side),
      ) as [number, number, number, number];
      const base = y >= text * 1.4 ? y - text * 0.35 : y + high + text;
      return `<rect x="${x}" y="${y}" width="${wide}" height="${high}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>${words(x, Math.min(base, height - text * 1.6), text, colour, nameOf(box))}`;
    });
    const bar = Math.round(text * 1.5);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}<rect x="0" y="${height - bar}" width="${width}" height="${bar}" fill="#000" fill-opacity="0.6"/>${words(Math.round(text / 2), height - Math.round(text * 0.45), text, '#fff', caption)}</svg>`;
  };
}

function words(x: number, y: number, size: number, colour: string, text: string): string {
  return `<text x="${x}" y="${Math.round(y)}" font-family="sans-serif" font-size="${size}" fill="${colour}" stroke="#000" stroke-width="${Math.max(2, size / 6)}" paint-order="stroke">${escapeXml(text)}</text>`;
}

export const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
