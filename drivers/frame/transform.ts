/**
 * Bytes that a protocol changes one by one on their way, such as the 33H that DL/T 645 adds to its data. What a cutter
 * cuts and a check value counts is as it was sent; what fields and templates see is as it was meant. Pure.
 */
import type { Protocol } from './protocol-types.ts';

/** @returns the frame as it was meant; itself where the protocol changes nothing */
export function plainOf(frame: Buffer, protocol: Protocol): Buffer {
  return changed(frame, protocol, -1);
}

/** @returns the frame as it is sent, before it has a check value */
export function sentOf(frame: Buffer, protocol: Protocol): Buffer {
  return changed(frame, protocol, 1);
}

function changed(frame: Buffer, { transform, trailerBytes }: Protocol, direction: 1 | -1): Buffer {
  if (!transform) return frame;
  const { from, to, add, xor } = transform;
  const end = Math.min(to === null ? Infinity : to < 0 ? frame.length + to : to, frame.length - trailerBytes);
  const out = Buffer.from(frame);
  // A buffer keeps the low eight bits of what is put into it.
  for (let at = from; at < end; at += 1) out[at] = ((out[at] as number) + direction * add) ^ xor;
  return out;
}
