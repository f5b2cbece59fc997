/**
 * Byte-wise transforms of a protocol, such as the 33H that DL/T 645 adds to its data. Cutter and checksum work on the
 * bytes on the wire, fields and templates on the original bytes. Pure.
 */
import type { FrameProtocol } from './protocol.ts';

/** @returns the frame with the transform undone; the same buffer where there is none */
export function undoTransform(frame: Buffer, protocol: FrameProtocol): Buffer {
  return transformed(frame, protocol, -1);
}

/** @returns the frame with the transform applied, before its checksum is set */
export function applyTransform(frame: Buffer, protocol: FrameProtocol): Buffer {
  return transformed(frame, protocol, 1);
}

function transformed(frame: Buffer, { transform, trailerBytes }: FrameProtocol, direction: 1 | -1): Buffer {
  if (!transform) return frame;
  const { from, to, add, xor } = transform;
  const end = Math.min(to === null ? Infinity : to < 0 ? frame.length + to : to, frame.length - trailerBytes);
  const out = Buffer.from(frame);
  // A buffer keeps the low eight bits.
  for (let at = from; at < end; at += 1) out[at] = ((out[at] as number) + direction * add) ^ xor;
  return out;
}
