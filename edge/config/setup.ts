/**
 * What an edge is to do: its configuration, checked, with defaults filled in and secrets put in their places. Frozen;
 * nothing is open yet. `checkEdge` makes it; the line, the host and the stations read it.
 */
import type { Value } from '../../core/event.ts';
import type { RatePerPeriod } from '../../core/quantity.ts';
import type { Condition } from '../../core/wire/commands.ts';
import type { AtRestSetup } from '../../log/at-rest/setting.ts';
import type { TimeSource } from '../clock/edge-clock.ts';
import type { PointWindowSetup } from '../reduce/point-window.ts';
import type { EvidenceSetup } from '../infer/evidence/setup.ts';

export interface PointSetup {
  id: string;
  indicator: string;
  /** What the source's numbers are in: UCUM, '' for a value without a unit. */
  unit: string;
  /** Applied once, by qualify: value × scale + offset. */
  scale: number;
  offset: number;
  /** [low, high] after scale and offset, in `unit`. */
  range?: readonly [number, number];
  /** Fastest change that is still believed, after scale and offset. */
  maxRate?: RatePerPeriod;
  /** A value that has not moved at all for this long is suspect. */
  stuckForMs?: number;
  /** What qualify takes for "no value": e.g. -9999. */
  faultCodes: readonly Value[];
  /** Changes up to this are left out between heartbeats; absent: every value is sent. */
  deadband?: number | { percent: number };
  /** Longest silence between two events of this point while it is read. */
  heartbeatMs?: number;
  /** Values are put together by windows of event time; then there is neither deadband nor heartbeat. */
  window?: PointWindowSetup;
  /** Levels whose crossing reduce never hides. */
  limits: readonly number[];
  kind: 'measurement' | 'state' | 'occurrence';
  /** Present when the centre may write it. `range` in `unit`, always there for numbers that are measured. */
  write?: { range?: readonly [number, number]; interlocks: readonly Condition[] };
  /** The driver's own fields, as its `point` schema gave them, with the id. */
  own: unknown;
}

export interface DeviceSetup {
  id: string;
  driver: string;
  /** What the values are about; the device's id when the file names none. */
  subject: string;
  position?: { lon: number; lat: number };
  /** As the driver's `settings` schema gave them. */
  settings: unknown;
  /** Poll period; for drivers that listen, how often something is expected (staleness is three of these). */
  everyMs: number;
  /** Longest wait for one answer. */
  timeoutMs: number;
  points: readonly PointSetup[];
}

interface VisionSetup {
  processes: number;
  threads: number;
  batch?: number | undefined;
  provider?: string | undefined;
}

export interface EdgeSetup {
  edge: string;
  centre: string;
  gateway: {
    /** MQTT URLs, the preferred first. */
    urls: readonly string[];
    token: string | null;
    /** Absolute path of the identity folder. Absent: none. */
    identity?: string | undefined;
    /** Absolute path of a file with CAs, beside those of the identity. */
    ca?: string | undefined;
  };
  /** `key`: absolute path of the gateway's key for commands. Absent: that of the identity, if it has one. */
  commands?: { key?: string | undefined };
  log: { dir: string; maxBytes: number };
  /** Whose word sets the clock. Absent: the machine's clock as it is. */
  clock?: { trust: readonly TimeSource[] };
  /** `hosts`: names that it answers to, beside addresses, localhost and `host`. `token`: for reading from other machines. */
  http: { host: string; port: number; hosts?: readonly string[] | undefined; token?: string | undefined };
  /** How models are run. Absent: one process of one thread. */
  vision?: VisionSetup;
  /** Pictures that go with events; null or absent: none. */
  evidence?: EvidenceSetup | null;
  /** Absent or null: nothing is encrypted on disk. */
  atRest?: AtRestSetup | null;
  /** Cameras that people may watch at one time. Absent: none. */
  live?: { maxStreams: number };
  /** Absolute paths of catalogue and rule files; empty when none. */
  catalogue: readonly string[];
  rules: readonly string[];
  devices: readonly DeviceSetup[];
}
