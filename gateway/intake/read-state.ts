/** Checks what an edge says of itself: it comes from outside. Unknown fields are let be, so that a newer edge is understood. */
import { FaultError } from '../../core/faults.ts';
import { parseJson } from '../../core/wire/json.ts';
import type { EdgeState } from '../../core/wire/messages.ts';
import { STATE_SCHEMA } from '../../core/wire/schemas.ts';

const MAX_STATE_BYTES = 4 << 20;

/** @throws CV_STATE_INVALID, CV_WIRE_SENDER */
export function readState(payload: Uint8Array, edge: string): EdgeState {
  const invalid = (detail: string, cause?: unknown) => new FaultError('CV_STATE_INVALID', { edge, detail }, { cause });
  if (payload.length > MAX_STATE_BYTES) throw invalid(`${payload.length} bytes`);
  let body: unknown;
  try {
    body = parseJson(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'));
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const parsed = STATE_SCHEMA.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join('.') || 'state'}: ${issue?.message ?? ''}`);
  }
  if (parsed.data.edge !== edge) throw new FaultError('CV_WIRE_SENDER', { from: parsed.data.edge, topic: edge });
  return parsed.data;
}
