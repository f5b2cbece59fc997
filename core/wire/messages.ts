/** The small messages between edge and gateway, beside batches, as types of their schemas. All JSON. */
import type { z } from 'zod';
import type {
  ACK_SCHEMA, CLOCK_SCHEMA, DEVICE_SCHEMA, EVIDENCE_ANSWER_SCHEMA, EVIDENCE_PART_SCHEMA, REFUSAL_SCHEMA, STATE_SCHEMA,
  UNKNOWN_DEVICE_SCHEMA,
} from './schemas.ts';

/** What of one (stream, epoch) of this edge is settled: all ≤ upTo, all in `have`; `refused` is settled too, quarantined. */
export type Ack = z.infer<typeof ACK_SCHEMA>;
export type RefusedRange = Ack['refused'][number];

/** A payload that could not be read at all; `sha256` (hex) names it. */
export type Refusal = z.infer<typeof REFUSAL_SCHEMA>;

/** Answer to a `state` with `sentAt`: the edge's clock offset is `at − (echo + now) / 2`. */
export type ClockAnswer = z.infer<typeof CLOCK_SCHEMA>;

/** A part of a file; without `data` it asks how much of it is there. One at a time: the next goes when this one is answered. */
export type EvidencePart = z.infer<typeof EVIDENCE_PART_SCHEMA>;

/** How many bytes of a file are there; all of them: it is whole, checked and on disk. `refused`: it will not be taken. */
export type EvidenceAnswer = z.infer<typeof EVIDENCE_ANSWER_SCHEMA>;

export type AckMessage = Ack | Refusal | ClockAnswer | EvidenceAnswer;

export type DeviceState = z.infer<typeof DEVICE_SCHEMA>;

/** A device that speaks to us and that nobody configured, as an edge lists it: what names it, what it said, how it is taken in. */
export type UnknownDeviceState = z.infer<typeof UNKNOWN_DEVICE_SCHEMA>;
export type UnknownDevice = Omit<UnknownDeviceState, 'count' | 'firstAt' | 'lastAt'>;

/** Retained on `…/state`; the last will is the same with online false and nothing but v, edge, centre. */
export type EdgeState = z.infer<typeof STATE_SCHEMA>;
