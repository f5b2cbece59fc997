/**
 * A place and its speed, along one axis: constant velocity, disturbed by random acceleration. In time, not in steps: two
 * predictions of half the time give the same as one of the whole, whatever the rate of pictures.
 */
export interface Axis {
  position: number;
  /** Per second. */
  speed: number;
  /** Covariance: of the place, of place and speed, of the speed. */
  positionVar: number;
  jointVar: number;
  speedVar: number;
}

/** @param placeStd how far the first measurement may be off @param speedStd how fast it may be going */
export function initialAxis(position: number, placeStd: number, speedStd: number): Axis {
  return { position, speed: 0, positionVar: placeStd ** 2, jointVar: 0, speedVar: speedStd ** 2 };
}

/** @param agility how much the speed wanders in a second, standard deviation */
export function predictAxis(axis: Axis, seconds: number, agility: number): Axis {
  const { position, speed, positionVar, jointVar, speedVar } = axis;
  const density = agility ** 2;
  return {
    position: position + speed * seconds,
    speed,
    positionVar: positionVar + 2 * seconds * jointVar + seconds ** 2 * speedVar + (density * seconds ** 3) / 3,
    jointVar: jointVar + seconds * speedVar + (density * seconds ** 2) / 2,
    speedVar: speedVar + density * seconds,
  };
}

/** @param placeStd how far the measurement may be off */
export function correctAxis(axis: Axis, measured: number, placeStd: number): Axis {
  const { position, speed, positionVar, jointVar, speedVar } = axis;
  const total = positionVar + placeStd ** 2;
  const [placeGain, speedGain] = [positionVar / total, jointVar / total];
  const off = measured - position;
  return {
    position: position + placeGain * off,
    speed: speed + speedGain * off,
    positionVar: (1 - placeGain) * positionVar,
    jointVar: (1 - placeGain) * jointVar,
    speedVar: speedVar - speedGain * jointVar,
  };
}
