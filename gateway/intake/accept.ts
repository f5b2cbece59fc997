/**
 * Accept: checks a payload, and each event in it. Bytes and the topic they came on go in, the checked batch comes out;
 * nothing is stored, answered or counted here, but a device that nobody had is bound to the sender of its first good event.
 */
import { eventProblem } from '../../core/event-check.ts';
import { streamOf, type Event } from '../../core/event.ts';
import { FaultError, type FaultCode, type FaultParams } from '../../core/faults.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import type { SettledRange } from '../../log/types.ts';
import { readBatch } from '../../core/wire/batch.ts';
import type { BatchName, EventColumns } from '../../core/wire/event-columns.ts';
import { isProvenGood, MAX_AHEAD_MS, type AcceptanceRules } from './proof.ts';

export { MAX_AHEAD_MS, type AcceptanceRules } from './proof.ts';

export interface RefusedEvent {
  seq: number;
  code: FaultCode;
  params: FaultParams;
  event: unknown;
}

export interface CheckedBatch {
  /** All events of the batch, refused ones too. */
  batch: EventColumns;
  /** Sorted by seq. */
  refused: readonly RefusedEvent[];
  /** Numbers of this sender that its gap records say will not come. */
  gapRanges: readonly SettledRange[];
}

/**
 * @param edge the sender as the topic names it
 * @throws CV_WIRE_NOT_JSON, CV_WIRE_TOO_LARGE, CV_WIRE_VERSION, CV_WIRE_SHAPE, CV_WIRE_SENDER when nothing of it can be taken
 */
export function checkBatch(payload: Uint8Array, edge: string, rules: AcceptanceRules): CheckedBatch {
  const batch = readBatch(payload);
  if (batch.name.from !== edge) throw new FaultError('CV_WIRE_SENDER', { from: batch.name.from, topic: edge });
  return isProvenGood(batch, rules) ? { batch, refused: [], gapRanges: [] } : checkEvents(batch, rules);
}

/** Event by event: what is wrong with each, and which numbers its gap records cover. */
export function checkEvents(batch: EventColumns, rules: AcceptanceRules): CheckedBatch {
  const { name } = batch;
  const refused: RefusedEvent[] = [];
  const covered: SettledRange[] = [];
  batch.events().forEach((event, at) => {
    const seq = name.seq + at;
    const problem = problemOf(event, seq, name, rules);
    if (problem) refused.push({ seq, ...problem, event });
    else if (event.gap && event.edge === name.from && event.gap.fromSeq > 0) {
      covered.push({ sender: name.from, stream: event.gap.stream, epoch: event.gap.epoch, from: event.gap.fromSeq, to: event.gap.toSeq });
    }
  });
  return { batch, refused, gapRanges: covered };
}

function problemOf(event: Event, seq: number, name: BatchName, rules: AcceptanceRules): { code: FaultCode; params: FaultParams } | null {
  const detail = eventProblem(event) ?? originProblem(event, seq, name, rules) ?? gapProblem(event, seq, name);
  if (detail) return { code: 'CV_EVENT_INVALID', params: { detail } };
  const aheadMs = event.occurredAt - rules.nowMs;
  if (aheadMs > MAX_AHEAD_MS && event.clock !== 'unsynced') return { code: 'CV_EVENT_FUTURE', params: { aheadMs } };
  if (rules.accepts && !rules.accepts.includes(event.origin)) return { code: 'CV_EVENT_ORIGIN', params: { origin: event.origin } };
  const { bindings } = rules;
  // A gap record of an edge as a whole, or what it tells the audit record, names the edge itself: that is no device.
  const isOfEdge = (event.kind === 'gap' || event.indicator === AUDIT_INDICATOR) && event.device === event.edge;
  return bindings ? bindings.admitCentre(event.centre, name.from) ?? (isOfEdge ? null : bindings.admit(event.device, name.from)) : null;
}

function originProblem(event: Event, seq: number, name: BatchName, rules: AcceptanceRules): string | null {
  if (streamOf(event) !== event.stream) return `stream: ${event.stream}, but what it holds belongs to ${streamOf(event)}`;
  if (event.edge !== name.from)
    return rules.relays.includes(name.from) ? null : `edge: ${event.edge}, but ${name.from} passes on nothing of others`;
  const own = event.stream === name.stream && event.epoch === name.epoch && event.seq === seq;
  return own ? null : 'stream, epoch or seq: not those of its batch';
}

/** A gap record that speaks of what is still to come would make it a repeat, and so lose it in silence. */
function gapProblem(event: Event, seq: number, name: BatchName): string | null {
  if (!event.gap || event.edge !== name.from) return null;
  const { epoch, fromSeq, toSeq } = event.gap;
  if (fromSeq > toSeq || (fromSeq === 0) !== (toSeq === 0)) return 'gap: fromSeq and toSeq are no range';
  const tooFar = epoch > name.epoch || (epoch === name.epoch && event.gap.stream === name.stream && toSeq >= seq);
  return tooFar ? 'gap: speaks of numbers that are still to come' : null;
}
