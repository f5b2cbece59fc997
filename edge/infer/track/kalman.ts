/**
 * A place and its speed, along one axis: constant velocity, disturbed by random acceleration. In time, not in steps: two
 * predictions of half the time give the same as one of the whole, whatever the rate of pictures.
 */
export interface Axis {
  place: number;
  /** Per second. */
  speed: number;
  /** Covariance: of the place, of place and speed, of the speed. */
  placeVar: number;
  jointVar: number;
  speedVar: number;
}

/** @param placeStd how far the first measurement may be off @param speedStd how fast it may be going */
export function axisAt(place: number, placeStd: number, speedStd: number): Axis {
  return { place, speed: 0, placeVar: placeStd ** 2, jointVar: 0, speedVar: speedStd ** 2 };
}

/** @param agility how much the speed wanders in a second, standard deviation */
export function predict(axis: Axis, seconds: number, agility: number): Axis {
  const { place, speed, placeVar, jointVar, speedVar } = axis;
  const density = agility ** 2;
  return {
    place: place + speed * seconds,
    speed,
    placeVar: placeVar + 2 * seconds * jointVar + seconds ** 2 * speedVar + (density * seconds ** 3) / 3,
    jointVar: jointVar + seconds * speedVar + (density * seconds ** 2) / 2,
    speedVar: speedVar + density * seconds,
  };
}

/** @param placeStd how far the measurement may be off */
export function correct(axis: Axis, measured: number, placeStd: number): Axis {
  const { place, speed, placeVar, jointVar, speedVar } = axis;
  const total = placeVar + placeStd ** 2;
  const [placeGain, speedGain] = [placeVar / total, jointVar / total];
  const off = measured - place;
  return {
    place: place + placeGain * off,
    speed: speed + speedGain * off,
    placeVar: (1 - placeGain) * placeVar,
    jointVar: (1 - placeGain) * jointVar,
    speedVar: speedVar - speedGain * jointVar,
  };
}
