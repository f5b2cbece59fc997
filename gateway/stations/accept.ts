/**
 * Accept: what of a payload may come in. Pure: bytes and the topic they came on go in, a verdict comes out; nothing is
 * stored, answered or counted here.
 */
import { eventProblem } from '../../core/event-schema.ts';
import { streamOf, type Event, type Origin } from '../../core/event.ts';
import { FaultError, type FaultCode, type FaultParams } from '../../core/faults.ts';
import type { SettledRange } from '../../core/log/types.ts';
import { decodeBatch, type BatchName } from '../../core/wire/batch.ts';

/** The gateway's clock is the measure: further ahead than this a time is wrong, whoever says it. */
export const MAX_AHEAD_MS = 24 * 3_600_000;

export interface AcceptRules {
  nowMs: number;
  /** Origins that come in; null for all (exercise mode). */
  accepts: readonly Origin[] | null;
  /** Senders that pass on events of others (gateways below this one). */
  relays: readonly string[];
}

export interface RefusedEvent {
  seq: number;
  code: FaultCode;
  params: FaultParams;
  event: unknown;
}

export interface Verdict {
  name: BatchName;
  /** All events by place: the number of `events[i]` on this hop is `name.seq + i`. */
  events: readonly Event[];
  /** Sorted by seq. */
  refused: readonly RefusedEvent[];
  /** Numbers of this sender that its gap records say will not come. */
  covered: readonly SettledRange[];
}

/**
 * @param edge the sender as the topic names it
 * @throws CV_WIRE_NOT_JSON, CV_WIRE_TOO_LARGE, CV_WIRE_VERSION, CV_WIRE_SHAPE, CV_WIRE_SENDER when nothing of it can be taken
 */
export function judgeBatch(payload: Uint8Array, edge: string, rules: AcceptRules): Verdict {
  const { events, ...name } = decodeBatch(payload);
  if (name.from !== edge) throw new FaultError('CV_WIRE_SENDER', { from: name.from, topic: edge });
  const refused: RefusedEvent[] = [];
  const covered: SettledRange[] = [];
  events.forEach((event, at) => {
    const seq = name.seq + at;
    const problem = problemOf(event, seq, name, rules);
    if (problem) refused.push({ seq, ...problem, event });
    else if (event.gap && event.edge === edge && event.gap.fromSeq > 0) {
      covered.push({ sender: edge, stream: event.gap.stream, epoch: event.gap.epoch, from: event.gap.fromSeq, to: event.gap.toSeq });
    }
  });
  return { name, events, refused, covered };
}

function problemOf(event: Event, seq: number, name: BatchName, rules: AcceptRules): { code: FaultCode; params: FaultParams } | null {
  const detail = eventProblem(event) ?? originProblem(event, seq, name, rules) ?? gapProblem(event, seq, name);
  if (detail) return { code: 'CV_EVENT_INVALID', params: { detail } };
  const aheadMs = event.occurredAt - rules.nowMs;
  if (aheadMs > MAX_AHEAD_MS && event.clock !== 'unsynced') return { code: 'CV_EVENT_FUTURE', params: { aheadMs } };
  if (rules.accepts && !rules.accepts.includes(event.origin)) return { code: 'CV_EVENT_ORIGIN', params: { origin: event.origin } };
  return null;
}

function originProblem(event: Event, seq: number, name: BatchName, rules: AcceptRules): string | null {
  if (streamOf(event) !== event.stream) return `stream: ${event.stream}, but what it holds belongs to ${streamOf(event)}`;
  if (event.edge !== name.from) return rules.relays.includes(name.from) ? null : `edge: ${event.edge}, but ${name.from} passes on nothing of others`;
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
