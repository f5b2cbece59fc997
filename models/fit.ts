/** Fits a picture to a model's input: stretched, bilinear, as the model was measured with. Pure. */
import type { Picture } from '../core/driver.ts';

/**
 * Writes rgb24 as 0..255 floats, rows from the top.
 * @param target width × height × 3 floats; reused from picture to picture
 */
export function fitPicture(picture: Pick<Picture, 'width' | 'height' | 'rgb'>, target: Float32Array, width: number, height: number): void {
  const { rgb } = picture;
  if (picture.width === width && picture.height === height) {
    target.set(rgb);
    return;
  }
  const columns = weigh(picture.width, width);
  const rows = weigh(picture.height, height);
  let at = 0;
  for (const row of rows) {
    const above = row.from * picture.width * 3;
    const below = row.to * picture.width * 3;
    for (const column of columns) {
      for (let colour = 0; colour < 3; colour += 1) {
        const left = column.from * 3 + colour;
        const right = column.to * 3 + colour;
        const upper = mix(rgb[above + left] as number, rgb[above + right] as number, column.share);
        const lower = mix(rgb[below + left] as number, rgb[below + right] as number, column.share);
        target[at] = mix(upper, lower, row.share);
        at += 1;
      }
    }
  }
}

interface Weight {
  from: number;
  to: number;
  /** Of `to`. */
  share: number;
}

/** Pixel centres on pixel centres: the picture's edges stay where they are. */
function weigh(source: number, target: number): Weight[] {
  return Array.from({ length: target }, (_, at) => {
    const place = Math.min(source - 1, Math.max(0, ((at + 0.5) * source) / target - 0.5));
    const from = Math.floor(place);
    return { from, to: Math.min(source - 1, from + 1), share: place - from };
  });
}

function mix(a: number, b: number, shareOfB: number): number {
  return a + (b - a) * shareOfB;
}
