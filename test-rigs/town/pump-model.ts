/** A small drainage pump station in a storm, as a pure function: the same seed and second give the same registers. */
import { seededRandom } from '../../core/world.ts';

/** What the station measures at one moment. */
export interface PumpStation {
  levelM: number;
  running: boolean;
  currentA: number;
  flowM3h: number;
  runHours: number;
}

/** The storm's times are seconds from the word `start`; before 0 it is calm. */
interface Storm {
  riseAt: number;
  peakAt: number;
  fallAt: number;
  overAt: number;
  peakM: number;
  /** Pumps run from here to there. */
  startsAt: number;
  stopsAt: number;
}

const CALM_M = 1.8;
const PUMP_ON_M = 2.2;
const PUMP_OFF_M = 2.0;
const NOISE_M = 0.006;
const RATED_A = 42;
const RATED_M3H = 1800;
const HOURS_BEFORE = 1234.5;

/** Each seed has its own storm, a little earlier or later, a little higher or lower. */
function stormOf(seed: number): Storm {
  const random = seededRandom(seed);
  const shift = random.next() * 1.2 - 0.5;
  const storm: Storm = {
    riseAt: 8 + shift,
    peakAt: 31 + shift,
    fallAt: 33 + shift,
    overAt: 74 + shift,
    peakM: 3.35 + random.next() * 0.1,
    startsAt: 0,
    stopsAt: 0,
  };
  storm.startsAt = crossing(storm, PUMP_ON_M, storm.riseAt, storm.peakAt);
  storm.stopsAt = crossing(storm, PUMP_OFF_M, storm.overAt, storm.fallAt);
  return storm;
}

/** When the smooth level passes a mark, between a time where it is below and one where it is above. */
function crossing(storm: Storm, levelM: number, below: number, above: number): number {
  for (let step = 0; step < 40; step += 1) {
    const middle = (below + above) / 2;
    if (smoothLevel(storm, middle) < levelM) below = middle;
    else above = middle;
  }
  return above;
}

function smoothLevel({ riseAt, peakAt, fallAt, overAt, peakM }: Storm, seconds: number): number {
  return CALM_M + (peakM - CALM_M) * (ease((seconds - riseAt) / (peakAt - riseAt)) - ease((seconds - fallAt) / (overAt - fallAt)));
}

/** 0 below 0, 1 above 1, smooth between. */
function ease(share: number): number {
  const x = Math.min(1, Math.max(0, share));
  return x * x * (3 - 2 * x);
}

/** Waves and instrument noise, -1 to 1: seeded values a second apart, joined smoothly. */
function noise(seed: number, channel: number, seconds: number): number {
  const second = Math.floor(seconds);
  const at = (whole: number) =>
    seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(whole + channel * 7919, 0x85ebca6b)).next() * 2 - 1;
  return at(second) + (at(second + 1) - at(second)) * ease(seconds - second);
}

/** What was set from outside; what is not there the station decides by itself. */
export interface PumpOrders {
  running?: boolean;
  setpointCm?: number;
}

/** @param seconds since the storm's script began; negative before */
export function stationAt(seed: number, seconds: number, orders: PumpOrders = {}): PumpStation {
  const storm = stormOf(seed);
  const running = orders.running ?? (seconds >= storm.startsAt && seconds < storm.stopsAt);
  const ranSeconds = Math.min(Math.max(seconds, storm.startsAt), storm.stopsAt) - storm.startsAt;
  return {
    levelM: smoothLevel(storm, seconds) + NOISE_M * noise(seed, 0, seconds),
    running,
    currentA: running ? RATED_A * (1 + 0.03 * noise(seed, 1, seconds)) : 0,
    flowM3h: running ? RATED_M3H * (1 + 0.02 * noise(seed, 2, seconds)) : 0,
    runHours: HOURS_BEFORE + ranSeconds / 3600,
  };
}

/** Cells of the station's register map by area; what is not here the station does not have. */
export interface PumpRegisters {
  coil: ReadonlyMap<number, number>;
  discrete: ReadonlyMap<number, number>;
  holding: ReadonlyMap<number, number>;
  input: ReadonlyMap<number, number>;
}

const FLOAT_SWITCH_M = 3.2;
const SERIAL = 'PS-07-0001';

/**
 * The register map. Holding: 100 level, float32 ABCD, m · 102 flow, uint16, 1 m³/h · 103 pump current, int16, 0.1 A ·
 * 104 run hours, uint32 CDAB, 0.01 h · 106 status word: bit 0 running, bit 1 remote, bit 2 float switch · 120 serial
 * number, 10 letters · 130 level at which the pump starts, uint16, cm, may be written. Input: 0 to 4 the same as holding
 * 100 to 104. Coil: 0 mains, 3 running, may be written. Discrete: 0 door closed, 1 float switch.
 */
export function registersAt(seed: number, seconds: number, orders: PumpOrders = {}): PumpRegisters {
  const { levelM, running, currentA, flowM3h, runHours } = stationAt(seed, seconds, orders);
  const isHigh = levelM >= FLOAT_SWITCH_M;
  const float = Buffer.alloc(4);
  float.writeFloatBE(levelM);
  const hundredths = Math.round(runHours * 100);
  const measured = [
    float.readUInt16BE(0),
    float.readUInt16BE(2),
    Math.round(flowM3h),
    Math.round(currentA * 10),
    hundredths & 0xffff,
    hundredths >>> 16,
  ];
  const status = Number(running) | 2 | (Number(isHigh) << 2);
  const serial = Buffer.from(SERIAL);
  const letters = Array.from({ length: SERIAL.length / 2 }, (_, index) => serial.readUInt16BE(index * 2));
  return {
    coil: new Map([
      [0, 1],
      [1, 0],
      [2, 0],
      [3, Number(running)],
    ]),
    discrete: new Map([
      [0, 1],
      [1, Number(isHigh)],
    ]),
    holding: new Map([
      ...[...measured, status].map((cell, index) => [100 + index, cell] as const),
      ...letters.map((cell, index) => [120 + index, cell] as const),
      [130, orders.setpointCm ?? Math.round(PUMP_ON_M * 100)],
    ]),
    input: new Map(measured.slice(0, 5).map((cell, index) => [index, cell] as const)),
  };
}
