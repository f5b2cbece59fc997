/** Damages frames as lines and firmware do; seeded, so that a failure can be reproduced. */
import type { Random } from '../../core/world.ts';

/** A damaged copy: bytes are flipped, cut, lengthened, doubled; in JSON one field is dropped or replaced. */
export function mutateFrame(frame: unknown, random: Random): unknown {
  if (frame instanceof Uint8Array) return mutateBytes(frame, random);
  return mutateJson(frame, random);
}

const pick = (random: Random, count: number) => Math.floor(random.next() * count);

export function mutateBytes(frame: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(frame);
  switch (pick(random, 6)) {
    case 0: return bytes.subarray(0, pick(random, bytes.length + 1));
    case 1: return Uint8Array.of(...bytes, ...Array.from({ length: 1 + pick(random, 8) }, () => pick(random, 256)));
    case 2: return Uint8Array.of(...bytes.subarray(0, pick(random, bytes.length + 1)), ...bytes);
    case 3: return bytes.fill(pick(random, 256), pick(random, bytes.length + 1));
    default:
      for (let flips = 1 + pick(random, 4); flips > 0 && bytes.length > 0; flips -= 1) {
        const at = pick(random, bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << pick(random, 8));
      }
      return bytes;
  }
}

const ODD_VALUES: readonly unknown[] = [
  null,
  undefined,
  true,
  -1,
  1e300,
  Number.NaN,
  2 ** 53 + 2,
  '',
  'x',
  '2026-13-45',
  [],
  [1, [2]],
  {},
  { value: {} },
];

function mutateJson(frame: unknown, random: Random): unknown {
  if (typeof frame !== 'object' || frame === null || pick(random, 12) === 0) return ODD_VALUES[pick(random, ODD_VALUES.length)];
  const copy: Record<string, unknown> | unknown[] = Array.isArray(frame) ? [...frame as unknown[]] : { ...frame };
  const keys = Object.keys(copy);
  const key = keys[pick(random, keys.length)];
  if (key === undefined) return copy;
  const fields = copy as Record<string, unknown>;
  const inner = fields[key];
  if (typeof inner === 'object' && inner !== null && pick(random, 2) === 0) fields[key] = mutateJson(inner, random);
  else if (pick(random, 4) === 0) delete fields[key];
  else fields[key] = ODD_VALUES[pick(random, ODD_VALUES.length)];
  return copy;
}
