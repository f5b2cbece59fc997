/** The small messages between edge and gateway, beside batches. All JSON. */
import type { Event, Stream, Value } from '../event.ts';
import type { SENT_KINDS } from './mime.ts';

export interface RefusedRange {
  from: number;
  to: number;
  code: string;
}

/** What of one (stream, epoch) of this edge is settled: all ≤ upTo, all in `have`; `refused` is settled too, quarantined. */
export interface Ack {
  v: number;
  stream: Stream;
  epoch: number;
  upTo: number;
  have: [from: number, to: number][];
  refused: RefusedRange[];
  gateway: string;
  at: number;
}

/** A payload that could not be read at all; `sha256` (hex) names it. */
export interface Refusal {
  v: number;
  error: string;
  sha256: string;
  detail?: string;
}

/** Answer to a `state` with `sentAt`: the edge's clock offset is `at − (echo + now) / 2`. */
export interface ClockAnswer {
  v: number;
  clock: { echo: number; at: number };
  /** What else the gateway takes of an edge; absent: nothing. */
  takes?: ('evidence' | 'clips')[];
}

/** A part of a file; without `data` it asks how much of it is there. One at a time: the next goes when this one is answered. */
export interface EvidencePart {
  v: number;
  sha256: string;
  mime: (typeof SENT_KINDS)[number];
  /** Of the whole file. */
  bytes: number;
  /** ms UTC of what it shows. */
  at: number;
  offset: number;
  /** Base64. */
  data: string;
}

/** How many bytes of a file are there; all of them: it is whole, checked and on disk. `refused`: it will not be taken. */
export interface EvidenceAnswer {
  v: number;
  evidence: { sha256: string; have: number; refused?: string };
}

export type AckMessage = Ack | Refusal | ClockAnswer | EvidenceAnswer;

/** Of one file. */
export const MAX_EVIDENCE_BYTES = 4 << 20;
export const MAX_EVIDENCE_PART_BYTES = 48 << 10;
/** Its message. */
export const MAX_EVIDENCE_MESSAGE_BYTES = 72 << 10;

export const MAX_HAVE_RANGES = 256;

export interface DeviceState {
  id: string;
  driver: string;
  title?: string;
  subject?: string;
  position?: { lon: number; lat: number };
  online: boolean;
  reason: string;
  /** ms UTC of the newest good value. */
  lastAt: number | null;
  periodMs?: number;
  /** It gives pictures, and its edge's HTTP has the newest one. */
  pictures?: boolean;
}

/** A device that speaks to us and that nobody configured: what names it, what it said, how it is taken in. */
export interface UnknownDevice {
  driver: string;
  /** Where it was heard: our listening address, or the broker's. */
  address: string;
  /** What names it there: MN, registration packet, EPC, topic; empty when it says nothing. */
  id: string;
  /** Address and port it spoke from, or as good as is known. */
  peer: string;
  said: { hex: string; text: string };
  /** Ready to be pasted under `devices:`; empty when the id is too long to be one. */
  yaml: string;
}

/** The same as an edge lists it. Times are ms UTC. */
export interface UnknownDeviceState extends UnknownDevice {
  /** How often it spoke. */
  count: number;
  firstAt: number;
  lastAt: number;
}

export const MAX_UNKNOWN_UP = 50;

/** Retained on `…/state`; the last will is the same with online false and nothing but v, edge, centre. */
export interface EdgeState {
  v: number;
  edge: string;
  centre: string;
  online: boolean;
  sentAt?: number;
  version?: string;
  startedAt?: number;
  clockOffsetMs?: number | null;
  log?: { depth: number; bytes: number; byStream: Partial<Record<Stream, number>> };
  /** Base URL of the edge's local HTTP, for pictures; present only when it listens. */
  http?: string;
  /** Opens that HTTP to the gateway; anew at each start of the edge. */
  httpKey?: string;
  devices?: DeviceState[];
  /** Newest first, at most MAX_UNKNOWN_UP. */
  unknown?: UnknownDeviceState[];
}

/** What the sender gave, where the catalogue wants another unit. */
export interface Original {
  value: Value;
  unit: string;
  min?: number;
  max?: number;
}

/** An event as consumers get it: in the catalogue's unit. */
export type PublishedEvent = Event & { original?: Original };

/** A point with its fixed facts travels in the catalogue; see docs/events.md. */
export interface OutMessage {
  cursor: string;
  /** Cursor of the message before on the same topic; null after a gateway start. */
  previous: string | null;
}
