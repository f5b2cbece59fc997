/**
 * A frame as a line of a case and back. Where recording begins within a session, bytes alone tell neither the offset of
 * the reader's clock nor the tags that are present. Pure.
 */
import { z } from 'zod';
import type { LlrpFrame } from './frame.ts';

const seen = z.object({ epc: z.string(), antenna: z.number(), rssiDbm: z.number().nullable(), at: z.number() });
const happened = z.object({ point: z.string(), what: z.enum(['arrived', 'left', 'passed']), seen, dwellMs: z.number().exactOptional() });
const ids = z.array(z.string());
const plan = z.object({
  reads: z.array(z.object({ id: z.string(), antennas: z.array(z.number()), prefix: z.string() })),
  inputs: z.array(z.object({ id: z.string(), input: z.number() })),
  antennasDown: ids,
});
const line = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('message'), bytes: z.hex().transform((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))), observedAt: z.number(),
    clock: z.object({ utcOffsetMs: z.number().nullable(), uptimeOffsetMs: z.number().nullable() }), plan: plan.nullable(),
    repetitions: z.array(z.int()).transform((indices) => new Set(indices)), antennasDown: z.int(),
  }),
  z.object({
    is: z.literal('presence'),
    happened: z.array(happened),
    present: z.array(z.object({ point: z.string(), count: z.number() })),
  }),
]);

export function llrpFrameToLine(frame: LlrpFrame): Record<string, unknown> {
  return frame.is === 'presence'
    ? { ...frame }
    : { ...frame, bytes: Buffer.from(frame.bytes).toString('hex'), repetitions: [...frame.repetitions] };
}

/** null where the line is not a frame. */
export function llrpFrameFromLine(given: unknown): LlrpFrame | null {
  const read = line.safeParse(given);
  return read.success ? read.data : null;
}
