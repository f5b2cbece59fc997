/** Checks what an edge says of itself: it comes from outside. Unknown fields are let be, so that a newer edge is understood. */
import { z } from 'zod';
import { IDS, STREAMS } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { EdgeState } from '../../core/wire/messages.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';

const time = z.number().min(0).max(8.64e15);
const count = z.number().min(0);
const MAX_DEVICES = 20_000;
const MAX_STATE_BYTES = 4 << 20;

const DEVICE = z.object({
  id: z.string().regex(IDS.device), driver: z.string().max(64), title: z.string().max(200).exactOptional(), subject: z.string().max(128).exactOptional(),
  position: z.object({ lon: z.number().min(-180).max(180), lat: z.number().min(-90).max(90) }).exactOptional(),
  online: z.boolean(), reason: z.string().max(500), lastAt: time.nullable(), periodMs: z.number().positive().exactOptional(), pictures: z.boolean().exactOptional(),
});

const STATE = z.object({
  v: z.literal(WIRE_VERSION), edge: z.string().regex(IDS.edge), centre: z.string().regex(IDS.centre), online: z.boolean(),
  sentAt: time.exactOptional(), version: z.string().max(64).exactOptional(), startedAt: time.exactOptional(), clockOffsetMs: z.number().nullable().exactOptional(),
  log: z.object({ depth: count, bytes: count, byStream: z.partialRecord(z.enum(STREAMS), count) }).exactOptional(),
  http: z.url({ protocol: /^https?$/ }).max(200).exactOptional(),
  devices: z.array(DEVICE).max(MAX_DEVICES).exactOptional(),
}) satisfies z.ZodType<EdgeState>;

/** @throws CV_STATE_INVALID, CV_WIRE_SENDER */
export function readState(payload: Uint8Array, edge: string): EdgeState {
  const invalid = (detail: string, cause?: unknown) => new FaultError('CV_STATE_INVALID', { edge, detail }, { cause });
  if (payload.length > MAX_STATE_BYTES) throw invalid(`${payload.length} bytes`);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'));
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const parsed = STATE.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join('.') || 'state'}: ${issue?.message ?? ''}`);
  }
  if (parsed.data.edge !== edge) throw new FaultError('CV_WIRE_SENDER', { from: parsed.data.edge, topic: edge });
  return parsed.data;
}
