/** A drawn street with walkers, as a camera's newest frame: boxes fit what is seen. */
import sharp from 'sharp';
import type { PictureView } from '../../api/pictures.ts';

const WIDTH = 768;
const HEIGHT = 576;

interface Walker {
  x: number;
  y: number;
  height: number;
}

/** Between three and six people, each on a way of its own. */
export function walkersAt(ms: number): Walker[] {
  const count = 3 + Math.floor((ms / 9000) % 4);
  return Array.from({ length: count }, (_, index) => ({
    x: ((ms / (26 + index * 7) + index * 190) % (WIDTH + 80)) - 40,
    y: 250 + ((index * 83) % 220),
    height: 74 + ((index * 31) % 40),
  })).filter(({ x }) => x > 20 && x < WIDTH - 20);
}

export async function sceneAt(device: string, atMs: number): Promise<PictureView> {
  const walkers = walkersAt(atMs);
  const people = walkers
    .map(
      ({ x, y, height }) =>
        `<g transform="translate(${x} ${y})"><ellipse cx="0" cy="${height}" rx="16" ry="4" fill="#0003"/><rect x="-9" y="${height * 0.25}" width="18" height="${height * 0.72}" rx="8" fill="#3b3f46"/><circle cx="0" cy="${height * 0.13}" r="${height * 0.12}" fill="#6b5a50"/></g>`,
    )
    .join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="768" height="576" fill="#8d9288"/><path d="M0 200 768 120V576H0z" fill="#a5a79d"/><path d="M0 330 768 260M0 520 768 470" stroke="#c5c6bd" stroke-width="5"/><rect width="768" height="150" fill="#5d6a5a"/><g transform="translate(560 175)"><rect width="130" height="46" rx="14" fill="#7a2f2f"/><rect x="24" y="-18" width="74" height="30" rx="12" fill="#5b2323"/></g>${people}</svg>`;
  const jpeg = await sharp(Buffer.from(svg)).jpeg({ quality: 70 }).toBuffer();
  return {
    device, at: atMs, index: Math.floor(atMs / 200) % 100_000, width: WIDTH, height: HEIGHT, jpegBase64: jpeg.toString('base64'),
    boxes: [
      ...walkers.map(({ x, y, height }) => ({
        class: 'person',
        score: 0.8,
        x: (x - 17) / WIDTH,
        y: (y - 3) / HEIGHT,
        width: 34 / WIDTH,
        height: (height + 5) / HEIGHT,
      })),
      { class: 'car', score: 0.71, x: 554 / WIDTH, y: 152 / HEIGHT, width: 142 / WIDTH, height: 74 / HEIGHT },
    ],
  };
}
