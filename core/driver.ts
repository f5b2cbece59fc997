/**
 * The contract of a driver: what a device is (data), its link (I/O only) and how its frames are read (pure).
 *
 * A driver never loops, sleeps, reconnects, schedules or logs: the edge's host does that for all drivers. It applies
 * only scales that its protocol fixes; a point's own `scale` and `offset` are applied later, by qualify.
 */
import type { z } from 'zod';
import type { Evidence, Flag, Origin, Position, Quality, Value, Window } from './event.ts';
import type { Fault, FaultCode, FaultParams } from './faults.ts';
import type { LossReason } from './losses.ts';
import type { Recording } from './recording.ts';
import type { Clock, World } from './world.ts';

export type Trait = 'polled' | 'listens' | 'frames' | 'writes' | 'discovers' | 'probes';

/** A point of a driver whose points are fixed. `indicator` is the default one. */
export interface FixedPoint {
  zh: string;
  en: string;
  unit: string;
  range?: [number, number];
  indicator?: string;
  /** Default: measurement with a unit, state without. */
  kind?: 'measurement' | 'state' | 'occurrence';
}

/** What a driver's `decode` gives for one point. Defaults: quality good, no flags, live, the frame's own time. */
export interface PointValue<P extends string = string> {
  point: P;
  value: Value;
  unit?: string;
  /** ms UTC by the device's clock, where the protocol carries one. */
  deviceAt?: number;
  quality?: Quality;
  flags?: Flag[];
  /** Why this value is bad, where the rest of its frame is not: reported like any fault; its row names the flag. */
  fault?: Fault;
  origin?: Origin;
  position?: Position;
  evidence?: Evidence[];
  /** The window of a statistic that the device computed; `count` 0 where it does not give the number of values. */
  window?: Window;
  /** The bytes that it was read from and their offset in the frame, where the frame's reader asked for them: `decode` on the command line shows them. */
  bytes?: SourceBytes;
}

/** Bytes of a frame as it was sent, but for byte stuffing. */
export interface SourceBytes {
  at: number;
  hex: string;
}

/** One picture of a camera as decoders give it, I420: much smaller than colours by the pixel, and its first plane is what a grey picture would be. */
export interface Picture {
  index: number;
  /** Presentation time, ms from the start of the clip or stream. */
  ptsMs: number;
  /** Both even. */
  width: number;
  height: number;
  /** Planes Y (width × height), U and V (a quarter of it each), rows from the top; BT.601, 16 to 235. */
  yuv: Uint8Array;
  /** Width over height as it should be shown, where that is not width / height. */
  aspect?: number;
  /** ms UTC when it was taken, where the source knows (a file: start of play + ptsMs). */
  takenAt?: number;
  /**
   * Only from sources that drop nothing: holds the source back until the returned function is called, so that a picture
   * can be processed later. Such a picture is never dropped for being late.
   */
  hold?(): () => void;
  /**
   * Only where its memory is reused: keeps `yuv` valid beyond the call that delivered it, until the returned function is
   * called. The memory is reused once all that kept it have released it; a picture that was never kept is not reused.
   */
  keep?(): () => void;
  /** Reports that it was dropped unprocessed for a newer one, so that its source can lower the rate. */
  late?(): void;
}

/** The image data of a picture. */
export type PicturePlanes = Pick<Picture, 'width' | 'height' | 'yuv'>;

/** Values of a point that its device had and that are lost: its own queue overflowed, or they were not received. */
export interface MissedValues<P extends string = string> {
  point: P;
  /** ms UTC by the device's clock: the last value before and the first after; neither is missing. */
  fromAt: number;
  toAt: number;
  /** At least 1; an estimate where the number is unknown. */
  count: number;
  reason: LossReason;
}

/** A frame without values, and why. `points` names those it should have given; default: all that the request asked for. */
export interface LostFrame<P extends string = string> {
  ok: false;
  fault: Fault;
  points?: P[];
  /** Not a frame, but the news that the device is offline. The link stays open for it to return. */
  isAway?: true;
}

/**
 * The result of a frame. `values: []` from a device that reports by itself is a sign of life: nothing has changed, and the
 * host takes the last values as confirmed. With `isPartial` it confirms only the points that it gives.
 */
export type Decoded<P extends string = string> =
  | { ok: true; values: PointValue<P>[]; missed?: MissedValues<P>[]; isPartial?: true; picture?: undefined }
  | { ok: true; picture: Picture; values?: undefined; missed?: undefined; isPartial?: undefined }
  | LostFrame<P>;

/** `detail` fills {detail} of the fault's message; give an object to fill others. */
export function lostFrame(code: FaultCode, detail: string | FaultParams): LostFrame<never> {
  return { ok: false, fault: { code, params: typeof detail === 'string' ? { detail } : detail } };
}

/** For a value whose time is later than the time it was sent: one of the two is wrong, and it is unknown which. */
export function markSkewed(value: PointValue): void {
  if (value.quality !== 'bad') value.quality = 'uncertain';
  value.flags = [...(value.flags ?? []), 'skewed'];
}

/** What can be written to a point, as its driver would read it: before `scale` and `offset`. */
export type WritableValue = number | boolean | string;

/** One exchange with a polled device. Drivers add their own fields; the host reads only these. */
export interface Request {
  /** Ids of the points that its answer gives. */
  points: readonly string[];
}

/** A problem of settings that pass their schema, and where it is. */
export interface SettingProblem {
  path: (string | number)[];
  en: string;
  zh: string;
}

/** A conflict of a device with others of its driver; `index` is its index in their list. */
export interface CombinationProblem {
  index: number;
  problem: SettingProblem;
}

/** Receives frames. */
export type FrameHandler<Frame> = (frame: Frame) => void;

/** A way to a device. I/O only: it cuts frames out of the stream and knows no meaning. Throws FaultError. */
export interface Link<Frame, R extends Request = Request> {
  /**
   * Polled, and drivers that write: sends one request and gives its answer; the host never makes two at a time on one
   * link. The exchanges of a link share their signal until it aborts: listeners to it are removed when the answer is there.
   */
  exchange?(request: R, signal: AbortSignal): Promise<Frame>;
  /**
   * Listening drivers: passes on each frame as it arrives, in order. Resolves when the edge closes the link or the signal
   * aborts, rejects when the device closes it. `take` returns at once and never throws: with many devices sending at one
   * time, the host processes frames in batches, without a promise or a wait for each.
   */
  listen?(take: FrameHandler<Frame>, signal: AbortSignal): Promise<void>;
  /** Drivers with the trait `frames`: the next picture is produced on request. Ends when the edge closes the link, throws when the device does. */
  frames?(signal: AbortSignal): AsyncIterable<Frame>;
  /**
   * Where the device keeps reports until they are acknowledged: called with a frame once everything that it gave is on this
   * edge's disk, or was left out on purpose, and not before `take` returned; never for a frame that could not be decoded or
   * stored, so that the device sends it again.
   */
  confirmStored?(frame: Frame): void;
  /** The link works, but not as configured: lasts as long as the link is open. */
  standingFault?: Fault;
  /** Cameras: a current picture at full resolution, fetched on request. Rejects with a FaultError. */
  still?(signal: AbortSignal): Promise<Picture>;
  /** May be called twice; resolves when every handle is gone. */
  close(): Promise<void>;
}

/** How a camera is viewed live: the arguments with which ffmpeg reads its stream. */
export interface LiveSource {
  /** Arguments up to and including the input; a file is read at its own rate. */
  input: readonly string[];
  /** Filters before all others, where its time stamps need them. */
  filters: readonly string[];
  /** Text for its standard input, which carries addresses with passwords: arguments are visible to every user of the machine. */
  stdin: string;
  /** Privacy mask: polygons, in fractions of the picture. */
  mask: readonly (readonly (readonly [number, number])[])[];
  /** A clip, which starts from its beginning for viewers: at another position than its own playback. */
  isReplay: boolean;
  /** @throws FaultError while it is too early to retry: a camera locks out clients after too many wrong passwords */
  assertMayStart(): void;
  /** The stream has given pictures: its login was accepted. */
  recordStart(): void;
  /** The fault for its exit. `said` is its error output; the result contains no secret. */
  fault(end: { hadPictures: boolean; startError?: string; code: number | null; signal: NodeJS.Signals | null; said: string }): Fault;
}

/** A configured point as the driver sees it: its id and the fields of the driver's own `point` schema. */
export type PointOf<P> = { id: string } & P;

/** Defaults of a point by the tables of its protocol. */
interface PointDefaults {
  unit?: string;
  indicator?: string;
  /** `occurrence`: each value is an event in itself; it neither lasts nor becomes stale. */
  kind?: 'measurement' | 'state' | 'occurrence';
}

/** A result of a probe: one line for the field engineer. */
export interface ProbeFinding {
  en: string;
  zh: string;
}

/** A value that a device offers and that could become a point. */
export interface DiscoveredPoint {
  /** As the device names it, from its root on. */
  name: string;
  /** The driver's own fields of a point that reads it. */
  point: Record<string, unknown>;
  type: string;
  value: Value;
}

interface Spec<S extends z.ZodObject, P extends z.ZodObject, Frame, R extends Request> {
  id: string;
  title: { zh: string; en: string };
  /** zod, declared once: type, default, check, docs; every field has `.meta({ zh, en })`. */
  settings: S;
  /** `signal` ends the attempt: it rejects within a second and leaves no handle. */
  open(settings: z.infer<S>, points: readonly PointOf<z.infer<P>>[], world: World, signal?: AbortSignal): Promise<Link<Frame, R>>;
  decode(frame: Frame, request?: R): Decoded;
  /** Devices with the same key share one link, one exchange at a time. */
  bus?(settings: z.infer<S>): string;
  /**
   * A device that reports by itself and only changes: any frame of it, an empty one too, confirms all its other points.
   * While nothing changes, the link gives a frame without values at least every few seconds.
   */
  reportsChanges?: boolean;
  /** Longest silence of a healthy device, whatever period is configured; its link reports a longer one. */
  quietMs?(settings: z.infer<S>): number;
  /** Settings of a device of which only the address is known, for `discover DRIVER ADDRESS`; checked like any others. Pure. */
  settingsOfAddress?(address: string): Record<string, unknown>;
  /** Checks of this machine (a file, a program) that touch no device; run by `check` and before start. */
  examine?(settings: z.infer<S>, points: readonly PointOf<z.infer<P>>[], world: World): Promise<Fault[]>;
  /** Further fixed points that follow from the settings, each named `<part>.<what>`; used like those of `points`. Pure. */
  derivedPoints?(settings: z.infer<S>): Record<string, FixedPoint>;
  /**
   * The settings completed from the files that they name, where points depend on them, and the problems found there.
   * `readFile` throws the system's error.
   * @throws FaultError for a file that cannot be read
   */
  resolveSettings?(settings: z.infer<S>, readFile: (path: string) => string): { settings: z.infer<S>; problems: SettingProblem[] };
  /** Finds conflicts between devices of an edge, such as two on one port. Reads only files that their settings name. */
  checkTogether?(devices: readonly { id: string; settings: z.infer<S> }[]): CombinationProblem[];
  /** Cameras: how it is viewed live. */
  liveSource?(settings: z.infer<S>, clock: Clock): LiveSource;
  /** True when a configured point's value has no unit (a bool, a text): then its config needs none. `settings`: absent where invalid. */
  unitless?(point: PointOf<z.infer<P>>, settings?: z.infer<S>): boolean;
  /** Defaults of a configured point by the driver's tables, for what its config leaves out. `settings`: absent where invalid. */
  pointDefaults?(point: PointOf<z.infer<P>>, settings?: z.infer<S>): PointDefaults;
  /** Turns lines of a case and input of `decode` on the command line into frames. */
  frameReader?: FrameReader<Frame, R>;
  /** How its device is recorded and played back (docs/cases.md). Required of every driver in the index. */
  recording?: Recording<z.infer<S>, PointOf<z.infer<P>>, Frame, R>;
}

/** The request that a frame answers, and the answer that its device gets; each absent where there is none. */
export interface FrameExchange {
  question?: Uint8Array;
  answer?: Uint8Array;
}

/** For `cityvitals decode`: turns bytes or a JSON line into frames with their requests. */
export interface FrameReader<Frame, R extends Request> {
  /** What the edge would send before and after a frame. Pure, never throws. @param nowMs ms UTC, for messages that carry the time */
  around?(frame: Frame, nowMs: number): FrameExchange;
  /** `bytes`: hex or a binary file; `frames`: JSON lines. */
  level: 'bytes' | 'frames';
  /**
   * `points` are checked ones; without any, the reader shows every value under a name of its own. `settings`: checked,
   * where the command line has them. Never throws.
   */
  read(input: readonly (Uint8Array | unknown)[], points: readonly unknown[], settings?: unknown): FrameRead<Frame, R>[];
}

/** A frame read from a case or the command line, or the fault of the input. */
export type FrameRead<Frame, R extends Request = Request> =
  { frame: Frame; request?: R; fault?: undefined } | { fault: Fault; frame?: undefined; request?: undefined };

type Needs<T extends Trait, S extends z.ZodObject, P extends z.ZodObject, R extends Request> = ('polled' extends T
  ? { requests(points: readonly PointOf<z.infer<P>>[], settings: z.infer<S>): R[] }
  : unknown)
  & ('writes' extends T ? { write(point: PointOf<z.infer<P>>, value: WritableValue, settings: z.infer<S>): R[] } : unknown)
  & ('probes' extends T
    ? { probe(settings: z.infer<S>, points: readonly PointOf<z.infer<P>>[], world: World, signal: AbortSignal): Promise<ProbeFinding[]> }
    : unknown)
  & ('discovers' extends T ? { discover(settings: z.infer<S>, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> } : unknown);

type Points<P extends z.ZodObject> = { points: Record<string, FixedPoint>; point?: undefined } | { points?: undefined; point: P };

/**
 * Declares a driver. A trait that needs a function which is not there does not compile.
 * `polled` needs `requests` and a link with `exchange`; `listens` needs a link with `listen`, `frames` one with `frames`.
 *
 * `writes` needs a link with `exchange` and `write`: pure, the exchanges that set a point, in order. Those whose request
 * names no points are the write (`decode` gives `values: []`, or why not); those that name the point read it back. It
 * throws a FaultError for a value that this point cannot take. None of these exchanges is ever repeated. `discovers` needs `discover`.
 */
export function defineDriver<const T extends Trait, S extends z.ZodObject, P extends z.ZodObject, Frame, R extends Request>(
  driver: Spec<S, P, Frame, R> & Points<P> & { traits: readonly T[] } & Needs<T, S, P, R>,
): Driver {
  return driver as unknown as Driver;
}

/** A driver as the host and the registry see it: its own types erased. */
export interface Driver {
  id: string;
  title: { zh: string; en: string };
  settings: z.ZodObject;
  points?: Record<string, FixedPoint>;
  point?: z.ZodObject;
  traits: readonly Trait[];
  open(settings: unknown, points: readonly PointOf<unknown>[], world: World, signal?: AbortSignal): Promise<Link<unknown>>;
  /** @param observedAt ms UTC when the frame was received, for taps: no decoder reads it */
  decode(frame: unknown, request?: Request, observedAt?: number): Decoded;
  requests?(points: readonly PointOf<unknown>[], settings: unknown): Request[];
  write?(point: PointOf<unknown>, value: WritableValue, settings: unknown): Request[];
  probe?(settings: unknown, points: readonly PointOf<unknown>[], world: World, signal: AbortSignal): Promise<ProbeFinding[]>;
  discover?(settings: unknown, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]>;
  bus?(settings: unknown): string;
  settingsOfAddress?(address: string): Record<string, unknown>;
  reportsChanges?: boolean;
  quietMs?(settings: unknown): number;
  examine?(settings: unknown, points: readonly PointOf<unknown>[], world: World): Promise<Fault[]>;
  derivedPoints?(settings: unknown): Record<string, FixedPoint>;
  resolveSettings?(settings: unknown, readFile: (path: string) => string): { settings: unknown; problems: SettingProblem[] };
  checkTogether?(devices: readonly { id: string; settings: unknown }[]): CombinationProblem[];
  liveSource?(settings: unknown, clock: Clock): LiveSource;
  unitless?(point: PointOf<unknown>, settings?: unknown): boolean;
  pointDefaults?(point: PointOf<unknown>, settings?: unknown): PointDefaults;
  frameReader?: FrameReader<unknown, Request>;
  recording?: Recording<unknown, PointOf<unknown>, unknown, Request>;
}

/** All fixed points of a driver with such points. @param settings checked ones; absent where they are invalid */
export function fixedPoints(driver: Pick<Driver, 'points' | 'derivedPoints'>, settings?: unknown): Record<string, FixedPoint> {
  return { ...driver.points, ...(settings === undefined || settings === null ? {} : driver.derivedPoints?.(settings)) };
}
