/** Where a thing is and how it goes. Lengths are heights of the picture, so that a metre to the side is one upwards too. */
import { initialAxis, correctAxis, predictAxis, type Axis } from './kalman.ts';
import type { BoxRect } from './rects.ts';

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
export function initialMotion(box: BoxRect, aspect: number, speed: number): Motion {
  const { across, down, width, height } = measured(box, aspect);
  return {
    across: initialAxis(across, PLACE_STD * height, speed * height), down: initialAxis(down, PLACE_STD * height, speed * height),
    width: initialAxis(width, SIZE_STD * height, SIZE_SPEED * height), height: initialAxis(height, SIZE_STD * height, SIZE_SPEED * height),
  };
}

/** @param agility in heights of the thing a second, per square root of a second */
export function predictMotion({ across, down, width, height }: Motion, seconds: number, agility: number): Motion {
  const tall = Math.max(height.position, SMALLEST);
  return {
    across: predictAxis(across, seconds, agility * tall), down: predictAxis(down, seconds, agility * tall),
    width: predictAxis(width, seconds, SIZE_AGILITY * tall), height: predictAxis(height, seconds, SIZE_AGILITY * tall),
  };
}

export function correctMotion(motion: Motion, box: BoxRect, aspect: number): Motion {
  const at = measured(box, aspect);
  return {
    across: correctAxis(motion.across, at.across, PLACE_STD * at.height), down: correctAxis(motion.down, at.down, PLACE_STD * at.height),
    width: correctAxis(motion.width, at.width, SIZE_STD * at.height), height: correctAxis(motion.height, at.height, SIZE_STD * at.height),
  };
}

/** As fractions of the picture. */
export function motionRect({ across, down, ...size }: Motion, aspect: number): BoxRect {
  const width = Math.max(size.width.position, SMALLEST);
  const height = Math.max(size.height.position, SMALLEST);
  return { x: (across.position - width / 2) / aspect, y: down.position - height / 2, width: width / aspect, height };
}

/** How far from its place it may well be, in heights of the picture. */
export function uncertainty({ across, down }: Motion): number {
  return Math.sqrt(Math.max(across.positionVar, down.positionVar));
}

/** A size that a filter has shrunk to nothing would match nothing any more. */
const SMALLEST = 1e-3;

function measured({ x, y, width, height }: BoxRect, aspect: number) {
  return { across: (x + width / 2) * aspect, down: y + height / 2, width: width * aspect, height };
}
