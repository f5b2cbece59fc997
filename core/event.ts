/**
 * The event: the one record that goes from an edge to a gateway and on to every consumer.
 *
 * An event is named for ever by (edge, stream, epoch, seq); nothing on its way rewrites these four.
 * All times are ms UTC. Numbers are finite and within ±2^53.
 */
import type { OwnIndicator } from './own-indicators.ts';

export const STREAMS = ['warning', 'state', 'measurement', 'diagnostic'] as const;
export type Stream = (typeof STREAMS)[number];

export const KINDS = ['measurement', 'state', 'occurrence', 'diagnostic', 'gap'] as const;
export type Kind = (typeof KINDS)[number];

export const QUALITIES = ['good', 'uncertain', 'bad'] as const;
export type Quality = (typeof QUALITIES)[number];

export const ORIGINS = ['live', 'backfill', 'replay', 'simulated'] as const;
export type Origin = (typeof ORIGINS)[number];

export const CLOCKS = ['device', 'edge', 'unsynced'] as const;
export type ClockSource = (typeof CLOCKS)[number];

/** Why a value is not simply good. Closed: a flag that is not here is refused at the border. */
export const FLAGS = [
  'stale', 'clamped', 'out-of-range', 'spike', 'stuck', 'skewed', 'fault-code', 'rolled-over', 'substituted', 'initial',
  'override', 'sensor', 'comm', 'config', 'device', 'calibration', 'maintenance', 'unit', 'unknown-indicator', 'simulated', 'other',
] as const;
export type Flag = (typeof FLAGS)[number];

export type Value = number | boolean | string | null;
export type Level = 1 | 2 | 3 | 4;

/** A detection in a picture; x, y, width, height are fractions (0 to 1) of the picture, from its upper left corner. */
export interface Box {
  class: string;
  score: number;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Number of the thing that was followed: the same as in other pictures of this camera since it was opened. */
  track?: number;
}

/** What a value rests on. */
export type Evidence = Boxes | TagRead | PictureScore | Snapshot | Clip;

/** From a detector; `frame` names the picture it looked at. */
interface Boxes {
  kind: 'boxes';
  model: string;
  frame: number;
  boxes: Box[];
}

/** From an RFID reader: a tag, and how it was read. Times are ms UTC. */
export interface TagRead {
  kind: 'tag';
  /** Hexadecimal, as it is on the tag. */
  epc: string;
  /** `urn:epc:…`, where its scheme is known. */
  uri?: string;
  antenna?: number;
  rssiDbm?: number;
  /** Phase at the reader, degrees. */
  phaseDeg?: number;
  /** How often it was read. */
  count?: number;
  firstAt?: number;
  lastAt?: number;
}

/** How much of a finding a picture shows, and from where on it is one; both 0 to 1. */
interface PictureScore {
  kind: 'picture';
  frame: number;
  score: number;
  threshold: number;
}

/** A picture as a file of its own, named by what it holds; it follows the event and may come later. */
export interface Snapshot {
  kind: 'snapshot';
  /** Hexadecimal, of the file. */
  sha256: string;
  mime: 'image/jpeg' | 'image/webp';
  bytes: number;
  width: number;
  height: number;
  /** annotated: with boxes, time and place drawn into it. */
  variant: 'clean' | 'annotated';
  /** Of the picture that it is made of: the best one of what the event is about, so it may be an earlier one. */
  frame: number;
  /** What found the boxes. */
  model: string;
  /** Faces, and plates where that is set, are made unrecognisable in it. */
  blurred: boolean;
  /** Of the camera's main stream, sharper and later than what the event was seen in: when it was taken (ms UTC), and the events of its device that it is of; `frame` and `model` are then those of the first of them. */
  stream?: 'main';
  at?: number;
  of?: { point: string; at: number }[];
}

/** Of events that bring a picture of the main stream, point `snapshot`, after those that it is of. */
export const SNAPSHOT_INDICATOR: OwnIndicator = 'CV-SNAPSHOT';

/** Of events that bring one. */
export const CLIP_INDICATOR: OwnIndicator = 'CV-CLIP';

/** What came around events, as a file of its own: in an event of point `clip` that follows them. It stays on its edge, but for its blurred copy. */
export interface Clip {
  kind: 'clip';
  /** Hexadecimal, of the file. */
  sha256: string;
  mime: 'video/mp4' | 'video/x-matroska';
  bytes: number;
  durationMs: number;
  codec: string;
  width: number;
  height: number;
  /** ms UTC of its first picture, and where the last ends. */
  fromAt: number;
  toAt: number;
  /** It does not reach as far as it was to, or something is missing between. */
  short: boolean;
  /** A copy with faces made unrecognisable, encoded anew, which goes to the gateway. */
  blurred: boolean;
  /** The events that it is of, all of its device. */
  of: { point: string; at: number }[];
}

export interface Position {
  lon: number;
  lat: number;
  heightM?: number;
}

/** The values that were merged into one event, by the edge's reduce station or by the device itself (`count` 0: it does not say how many). */
export interface Window {
  fromAt: number;
  toAt: number;
  count: number;
  min?: number;
  max?: number;
}

interface WarningChange {
  id: string;
  rule: string;
  version: number;
  subject: string;
  level: Level;
  change: 'raised' | 'level' | 'cleared';
  onsetAt: number;
}

/** Says: `count` events of this stream are not coming. fromSeq = toSeq = 0 when they never had numbers. */
export interface Gap {
  stream: Stream;
  epoch: number;
  fromSeq: number;
  toSeq: number;
  fromAt: number;
  toAt: number;
  count: number;
  reason: string;
}

/** An event before the log has given it its name: what the edge's stations pass on. */
export interface Draft {
  device: string;
  point: string;
  indicator: string;
  subject?: string;
  centre: string;
  kind: Kind;
  /** null only when quality is bad. */
  value: Value;
  /** UCUM; '' for a value without one. */
  unit: string;
  occurredAt: number;
  clock: ClockSource;
  /** The device's own time, kept when the edge restamped the event. */
  deviceAt?: number;
  observedAt: number;
  window?: Window;
  quality: Quality;
  flags?: Flag[];
  origin: Origin;
  position?: Position;
  evidence?: Evidence[];
  warning?: WarningChange;
  gap?: Gap;
}

export interface Event extends Draft {
  edge: string;
  stream: Stream;
  epoch: number;
  seq: number;
}

/** Which stream of a log an event belongs to. */
export function streamOf(draft: Pick<Draft, 'kind' | 'warning' | 'gap'>): Stream {
  if (draft.gap) return draft.gap.stream;
  if (draft.warning) return 'warning';
  if (draft.kind === 'measurement' || draft.kind === 'diagnostic') return draft.kind;
  return 'state';
}

/** The name of an event, `edge:stream:epoch:seq`. */
export function eventId(event: Pick<Event, 'edge' | 'stream' | 'epoch' | 'seq'>): string {
  return `${event.edge}:${event.stream}:${event.epoch}:${event.seq}`;
}

/** The key of the series an event belongs to. */
export function seriesKey(event: Pick<Draft, 'indicator' | 'device' | 'point'>): string {
  return `${event.indicator}|${event.device}|${event.point}`;
}

/** Largest magnitude a number may have on the way: above it, JSON readers elsewhere round. */
export const MAX_NUMBER = 2 ** 53;

export const IDS = {
  edge: /^[a-z0-9-]{1,64}$/,
  centre: /^[0-9A-Z]{6,12}$/,
  indicator: /^[A-Za-z0-9._-]{1,64}$/,
  device: /^[A-Za-z0-9._:-]{1,64}$/,
  point: /^[A-Za-z0-9._:-]{1,64}$/,
} as const;
