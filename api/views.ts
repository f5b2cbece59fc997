/** The shapes that the gateway's API answers with; the console and other clients read these. Times are ms UTC. */
import type { WarningState } from '../city/warning/state.ts';
import type { ConfigState } from '../core/config/reload.ts';
import type { Clip, Flag, Kind, Level, Position, Quality, Snapshot, Value } from '../core/event.ts';
import type { BilingualText } from '../core/bilingual-text.ts';

export type { WarningState } from '../city/warning/state.ts';
export type { Flag, Level, Quality, Value } from '../core/event.ts';
export type { BilingualText } from '../core/bilingual-text.ts';

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** fresh: newest value younger than 3 periods; late: older; lost: the device does not answer; unobserved: its edge is away. */
export type Freshness = 'fresh' | 'late' | 'lost' | 'unobserved';

export interface LastValue {
  indicator: string;
  point: string;
  name: BilingualText;
  /** What a measurement or state says holds; an occurrence was at `at` and is over, and may be a record about ourselves (a clip, a command). */
  kind: Kind;
  value: Value;
  unit: string;
  at: number;
  quality: Quality;
  flags: Flag[];
  /** Limits of the indicator's rules, worst last, for drawing. */
  limits: { level: Level; value: number; direction: 'high' | 'low' }[];
}

export interface DeviceView {
  id: string;
  edge: string;
  centre: string;
  driver: string;
  subject: string;
  position: Position | null;
  freshness: Freshness;
  /** ms UTC since when it is so, as far as this gateway has seen it. */
  since?: number;
  /** A code of docs/faults.md while the device does not answer, or answers and something is wrong all the same (its model fails); `ok` or empty when all is well. */
  reason: string;
  /** What to do about it, where `reason` is a fault. */
  remedy?: BilingualText;
  lastAt: number | null;
  /** Path of the newest picture with its boxes (PictureView), for cameras whose edge serves one. */
  picture: string | null;
  /** Path to ask for a live view at (LiveTicketView), for cameras that can be watched through this gateway. */
  live?: string;
  values: LastValue[];
}

/** Whose a device is. */
export interface BindingView {
  device: string;
  /** Of several, for a vehicle or a standby pair, the one that last had it live is asked. */
  edges: string[];
  /** By the configuration; else the first edge seen with it, or an operator. */
  configured: boolean;
  /** Edges that spoke for it all the same, and how many of their events are held back. */
  foreign: { edge: string; count: number }[];
}

/** A device that was given to an edge, or an edge that was moved to a centre. */
export interface BindResultView {
  edge: string;
  device?: string;
  centre?: string;
  before: string[];
  taken: number;
}

/** A device that spoke to an edge and that nobody configured: what names it, what it said first, and the lines that take it in. */
export interface UnknownDeviceView {
  edge: string;
  centre: string;
  driver: string;
  /** Where it was heard. */
  address: string;
  /** MN, registration packet, EPC, topic; empty when it says nothing. */
  id: string;
  peer: string;
  said: { hex: string; text: string };
  /** To be pasted under `devices:` of that edge. */
  yaml: string;
  count: number;
  firstAt: number;
  lastAt: number;
}

export interface PictureView {
  device: string;
  at: number;
  index: number;
  width: number;
  height: number;
  jpegBase64: string;
  boxes: { class: string; score: number; x: number; y: number; width: number; height: number }[];
}

/** Leave to watch a camera: `path` is opened as a web socket, once. */
export interface LiveTicketView {
  path: string;
  expiresAt: number;
}

/** Who reads by the token or the cookie of a request; null where nobody is named. */
export interface SessionView {
  name: string | null;
  role: 'reader' | 'operator' | null;
}

/**
 * What a live view says beside its pictures, as text on the same socket, where `&notes` was added to its path. Places are
 * fractions of the picture: [across, down] from its upper left corner.
 */
export type LiveNote = LiveScene | LiveSeen;

/** Once it begins, and whenever it begins anew. */
export interface LiveScene {
  kind: 'scene';
  zones: { id: string; name: BilingualText; polygon: readonly (readonly [number, number])[] }[];
  lines: { id: string; name: BilingualText; from: readonly [number, number]; to: readonly [number, number]; inside: readonly [number, number] }[];
  /** What nobody may see; black in the pictures. */
  masks: readonly (readonly (readonly [number, number])[])[];
  /** A clip, played anew for its viewers: what the edge sees at the same moment is another part of it, and is not told. */
  isReplay: boolean;
}

/** With each picture that the edge took in. */
export interface LiveSeen {
  kind: 'seen';
  /** When the picture was taken, ms UTC, and its place in the edge's own stream. */
  at: number;
  ptsMs: number;
  /** `zh`: the class as its model calls it; `track`: the same thing keeps its number. */
  boxes: { class: string; zh?: string; track?: number; x: number; y: number; width: number; height: number }[];
  /** Measurements and states of zones, by point (`zone.measure`). */
  values: Readonly<Record<string, number>>;
  /** What happened in this picture: crossings, by point. */
  happened: Readonly<Record<string, number>>;
}

export interface SeriesView {
  indicator: string;
  device: string;
  point: string;
  unit: string;
  centre: string;
  edge: string;
  /** False when the catalogue does not know the indicator. */
  known: boolean;
  name: BilingualText;
  lastAt: number;
}

export interface PointView {
  at: number;
  value: Value;
  quality: Quality;
  flags: Flag[];
  /** When down-sampled: what the bucket held. */
  min?: number;
  max?: number;
  count?: number;
}

/** Values that are damaged on disk and left out: from ≤ at < to; count is null when it is not known. */
export interface SeriesGap {
  from: number;
  to: number;
  count: number | null;
}

export interface SeriesRange {
  series: SeriesView;
  from: number;
  to: number;
  /** True when points are buckets (avg as value). */
  downsampled: boolean;
  items: PointView[];
  next: string | null;
  /** Only when there are some. */
  gaps?: SeriesGap[];
}

/** One sentence of why, and the value it rests on. */
export interface Reason extends BilingualText {
  cites: { indicator: string; device: string; point: string; at: number; value: Value; unit: string };
}

export interface WarningView {
  id: string;
  /** Place of its last change among those of all warnings. */
  cursor?: string;
  rule: string;
  version: number;
  type: 'threshold' | 'absence';
  indicator: string;
  device: string;
  point: string;
  subject: string;
  centre: string;
  level: Level;
  state: WarningState;
  condition: 'active' | 'cleared';
  exercise: boolean;
  late: boolean;
  raisedBy: string;
  onsetAt: number;
  raisedAt: number;
  publishedAt: number;
  changedAt: number;
  clearedAt: number | null;
  previousId: string | null;
  title: BilingualText;
  place: BilingualText & { position: Position | null };
  reasons: Reason[];
  /** Pictures of what it was raised for, named by hash; each is at /api/v1/evidence/{sha256} once it has come. Absent: none. */
  snapshots?: Snapshot[];
  /** What came around it; a blurred copy is at /api/v1/evidence/{sha256} once it has come, any other stays on its edge. Absent: none yet. */
  clips?: Clip[];
  suggestion: BilingualText;
  /** Parts that are missing; empty = complete. */
  incomplete: string[];
}

export interface EdgeView {
  id: string;
  centre: string;
  online: boolean;
  version: string | null;
  logDepth: number | null;
  clockOffsetMs: number | null;
  seenAt: number;
}

/** The path of a sample with live counts: device → edge log → gateway → store → warning. */
export interface StatusView {
  gateway: string;
  centre: string;
  /** What people call this centre, where someone has said so. */
  name?: BilingualText;
  exercise: boolean;
  now: number;
  startedAt: number;
  /** Rules have seen everything up to this event time. */
  evaluatedTo: number | null;
  devices: { total: number; fresh: number; lost: number; unobserved: number };
  edges: EdgeView[];
  path: {
    edgeDepth: number;
    accepted: number;
    duplicates: number;
    refused: number;
    stored: number;
    storeLag: number;
    rulesLag: number;
    warningsOpen: number;
    /** Newest measurement's ms from occurredAt: to the gateway, and to the store. */
    acceptMs: number | null;
    storeMs: number | null;
    warnMs: number | null;
  };
  /** Other places events go; left out by gateways that have none. */
  sinks?: SinkView[];
  /** What became of a changed configuration file; absent where nobody watches one. */
  config?: ConfigState;
}

export interface SinkView {
  id: string;
  kind: string;
  /** Events it has not taken yet. */
  lag: number;
  /** Since the gateway started: taken by the target, refused by it, and let go by the log before they were taken. */
  written: number;
  setAside: number;
  missed: number;
  /** What keeps it from writing; null while all is well. */
  problem: (BilingualText & { code: string }) | null;
}

/** Reading the whole store back: how far it is, and what it found. */
export interface StoreCheckView {
  state: 'never' | 'running' | 'done' | 'failed';
  startedAt: number | null;
  endedAt: number | null;
  /** Chunks and blocks that were read, of how many there were when it began. */
  done: number;
  of: number;
  chunks: number;
  blocks: number;
  /** In chunks that are sound; and rows that are not in chunks yet. */
  points: number;
  rows: number;
  /** How many are damaged; `damaged` names the first thousand. `series` is null where that is not known. */
  damages: number;
  damaged: { series: string | null; from: number; to: number; count: number | null }[];
  /** What is wrong with the file's structure, or does not fit together. */
  problems: BilingualText[];
  /** What ended it early. */
  fault: (BilingualText & { code: string }) | null;
}

export interface IndicatorView {
  code: string;
  known: boolean;
  version: number | null;
  name: BilingualText;
  unit: string;
  board: string | null;
  runway: string | null;
  seriesCount: number;
}

export interface QuarantineItem {
  id: number;
  at: number;
  sender: string;
  code: string;
  detail: string;
  sha256: string;
  bytes: number;
  /** First bytes, as text where they are text. */
  excerpt: string;
}

/** A command to an edge and what became of it; values are in the point's own unit. */
export interface CommandView {
  id: string;
  kind: 'read' | 'write' | 'snapshot';
  device: string;
  edge: string;
  centre: string;
  /** Of a read; absent: all of the device. */
  points?: string[];
  /** Of a write. */
  point?: string;
  value?: number | boolean | string;
  /** The operator who gave it. */
  by: string;
  reason: string;
  issuedAt: number;
  expiresAt: number;
  /** pending: not answered yet, and it may still be carried out. The others are those of the wire. */
  status: 'pending' | 'done' | 'refused' | 'failed' | 'expired' | 'unknown';
  /** When it was first handed to the broker. */
  sentAt: number | null;
  answeredAt: number | null;
  fault: { code: string; message: BilingualText; remedy: BilingualText } | null;
  values: { point: string; value: Value; unit: string; at: number; quality: Quality; flags: Flag[] }[] | null;
  readBack: number | boolean | string | null;
  picture: PictureView | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  remedy: string;
}

/** What `GET /api/v1/live` sends; `event:` is the kind, `data:` the rest as JSON. */
export type LiveMessage =
  | { kind: 'status'; status: StatusView }
  | { kind: 'value'; indicator: string; device: string; point: string; at: number; value: Value; unit: string; quality: Quality; flags: Flag[] }
  | { kind: 'warning'; warning: WarningView }
  | { kind: 'device'; device: DeviceView }
  | { kind: 'demo'; demo: DemoView };

/** Only when the gateway runs inside `cityvitals demo`. */
export interface DemoView {
  seconds: number;
  act: BilingualText;
  canCut: boolean;
  canKill: boolean;
  networkCut: boolean;
  edgeDown: boolean;
  /** By the reconciler: what the edge acknowledged against what the gateway holds. */
  witnessed: number;
  missing: number;
  twice: number;
  checkedAt: number | null;
}
