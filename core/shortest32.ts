/** The shortest decimal of a 32-bit float. Pure. */

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);
/** Binary exponent field of a float32 → the decimal exponent of the smallest number that has it, and where the next one begins. */
const DECIMAL = Int8Array.from({ length: 256 }, (_, field) => Math.floor((field - 127) * Math.log10(2)));
const NEXT_FROM = Float64Array.from(DECIMAL, (exponent) => 10 ** (exponent + 1));
/** Up to here a power of ten is exact as a double, and dividing by it gives the double that the decimal text would. */
const EXACT_POWER = 22;
const POWER = Float64Array.from({ length: EXACT_POWER + 1 }, (_, index) => 10 ** index);
/** Below, a float32 has fewer digits than six. */
const NORMAL_LEAST = 2 ** -126;
/** Every float32 is told from its neighbours by nine digits; six always suffice for what was written with six. */
const [FEWEST, MOST] = [6, 9];
/** So near a tie the product's own rounding might decide which decimal is the nearer. */
const TIE = 1e-6;

/**
 * The shortest decimal that is the same float32: 123.456 and not 123.45600128173828, which nothing measured and which
 * every store would have to carry. `Math.fround` gives the source's number back. It is asked for every number of many
 * a device, so it reckons where arithmetic gives what text would, and writes text only where not.
 *
 * @param value a float32
 */
export function shortest32(value: number): number {
  const size = Math.abs(value);
  if (!(size >= NORMAL_LEAST && size < Infinity)) return byText(value);
  FLOAT[0] = size;
  const field = (BITS[0] as number) >>> 23;
  const exponent = (DECIMAL[field] as number) + (size >= (NEXT_FROM[field] as number) ? 1 : 0);
  for (let digits = FEWEST; digits <= MOST; digits += 1) {
    // size × 10^shift has `digits` digits before its point.
    const shift = digits - 1 - exponent;
    if (shift > EXACT_POWER || shift < -EXACT_POWER) return byText(value);
    const unit = POWER[shift < 0 ? -shift : shift] as number;
    const scaled = shift < 0 ? size / unit : size * unit;
    const whole = Math.round(scaled);
    // Of six digits one decimal at most can be the same float32, and then it is no tie.
    if (digits > FEWEST && Math.abs(Math.abs(scaled - whole) - 0.5) < TIE) return byText(value);
    const shorter = shift < 0 ? whole * unit : whole / unit;
    if (Math.fround(shorter) === size) return value < 0 ? -shorter : shorter;
  }
  return byText(value);
}

function byText(value: number): number {
  for (let digits = FEWEST; digits < MOST; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(MOST));
}
