/** Where a thing is and how it goes. Lengths are heights of the picture, so that a metre to the side is one upwards too. */
import { axisAt, correct, predict, type Axis } from './kalman.ts';
import type { Rect } from './rects.ts';

export interface Motion {
  /** Of the middle. */
  across: Axis;
  down: Axis;
  width: Axis;
  height: Axis;
}

/** How far a box may be off, in its own heights: its place, and its size. */
const PLACE_STD = 0.05;
const SIZE_STD = 0.08;
/** Sizes change slowly: by this share of the height in a second, and of it the wandering. */
const SIZE_SPEED = 0.2;
const SIZE_AGILITY = 0.1;

/** @param speed in heights of the thing a second */
export function born(box: Rect, aspect: number, speed: number): Motion {
  const { across, down, width, height } = measured(box, aspect);
  return {
    across: axisAt(across, PLACE_STD * height, speed * height), down: axisAt(down, PLACE_STD * height, speed * height),
    width: axisAt(width, SIZE_STD * height, SIZE_SPEED * height), height: axisAt(height, SIZE_STD * height, SIZE_SPEED * height),
  };
}

/** @param agility in heights of the thing a second, per square root of a second */
export function aged({ across, down, width, height }: Motion, seconds: number, agility: number): Motion {
  const tall = Math.max(height.place, SMALLEST);
  return {
    across: predict(across, seconds, agility * tall), down: predict(down, seconds, agility * tall),
    width: predict(width, seconds, SIZE_AGILITY * tall), height: predict(height, seconds, SIZE_AGILITY * tall),
  };
}

export function seen(motion: Motion, box: Rect, aspect: number): Motion {
  const at = measured(box, aspect);
  return {
    across: correct(motion.across, at.across, PLACE_STD * at.height), down: correct(motion.down, at.down, PLACE_STD * at.height),
    width: correct(motion.width, at.width, SIZE_STD * at.height), height: correct(motion.height, at.height, SIZE_STD * at.height),
  };
}

/** As fractions of the picture. */
export function placeOf({ across, down, ...size }: Motion, aspect: number): Rect {
  const width = Math.max(size.width.place, SMALLEST);
  const height = Math.max(size.height.place, SMALLEST);
  return { x: (across.place - width / 2) / aspect, y: down.place - height / 2, width: width / aspect, height };
}

/** How far from its place it may well be, in heights of the picture. */
export function uncertainty({ across, down }: Motion): number {
  return Math.sqrt(Math.max(across.placeVar, down.placeVar));
}

/** A size that a filter has shrunk to nothing would match nothing any more. */
const SMALLEST = 1e-3;

function measured({ x, y, width, height }: Rect, aspect: number) {
  return { across: (x + width / 2) * aspect, down: y + height / 2, width: width * aspect, height };
}
