/** The air over the town as a pure function: same seed, same time, same values. */
export interface AirValues {
  /** µg/m³ */
  pm25: number;
  pm10: number;
  ozone: number;
  tempCelsius: number;
}

/** @param stormSeconds since the storm's start; 0 before it @param seconds any running clock, for the slow walk */
export function airAt(seed: number, stormSeconds: number, seconds: number): AirValues {
  // Rain washes dust out within about a minute.
  const washed = 0.35 + 0.65 * Math.exp(-Math.max(0, stormSeconds - 15) / 30);
  const wave = (periodSeconds: number, part: number) => Math.sin((seconds / periodSeconds + seed * 0.618 + part * 0.37) * 2 * Math.PI);
  const round = (value: number) => Math.round(value * 10) / 10;
  const pm25 = (48 + 6 * wave(90, 1) + 2.5 * wave(7, 2)) * washed;
  return {
    pm25: round(pm25),
    pm10: round(pm25 * 1.6 + 3 * wave(11, 3) + 4),
    ozone: round(62 + 8 * wave(120, 4) + 1.5 * wave(5, 5)),
    tempCelsius: round(24 + 2 * wave(300, 6) - 3 * (1 - washed)),
  };
}
