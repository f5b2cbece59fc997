/**
 * The contract of a driver: what a device is (data), its link (I/O only) and how its frames are read (pure).
 *
 * A driver never loops, sleeps, reconnects, schedules or logs: the edge's host does that for all of them. It applies
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

/** What a driver's `decode` gives for one point. What is absent: quality good, no flags, live, the frame's own time. */
export interface PointValue<P extends string = string> {
  point: P;
  value: Value;
  unit?: string;
  /** ms UTC by the device's clock, where the protocol carries one. */
  deviceAt?: number;
  quality?: Quality;
  flags?: Flag[];
  /** Why this value is bad, where the rest of its frame is not: told like any fault; its row names the flag. */
  fault?: Fault;
  origin?: Origin;
  position?: Position;
  evidence?: Evidence[];
  /** The time that a statistic of the device's own is over; `count` 0 where it does not say how many values went in. */
  window?: Window;
  /** The bytes that it was read from and their place in the frame, where the frame's reader asked for them: `decode` on the command line shows them. */
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
   * Only from sources that drop nothing: whoever works on the picture later takes a hold and calls what it gives when
   * done; the source gives no further picture meanwhile. Such a picture is never dropped for being late.
   */
  hold?(): () => void;
  /**
   * Only where its memory is used again: whoever needs `yuv` beyond the call that brought it keeps it, and calls what that
   * gives when done. The memory is another picture's when all have; while nobody ever kept it, it stays its own.
   */
  keep?(): () => void;
  /** Called by whoever lets go of it unseen because a newer one is there, so that its source can give fewer. */
  late?(): void;
}

/** What there is to see of a picture. */
export type PicturePlanes = Pick<Picture, 'width' | 'height' | 'yuv'>;

/** Values of a point that its device had and that will never come: its own queue ran over, or nobody received it. */
export interface MissedValues<P extends string = string> {
  point: P;
  /** ms UTC by the device's clock: the last value before and the first after; neither is missing. */
  fromAt: number;
  toAt: number;
  /** At least 1; how many it may have been, where nobody can know. */
  count: number;
  reason: LossReason;
}

/** A frame that gave nothing, and why. `points` names those it should have given; default: all the request asked for. */
export interface LostFrame<P extends string = string> {
  ok: false;
  fault: Fault;
  points?: P[];
  /** No frame at all, but word that the device is gone. The link stays: it is the device that has to come back. */
  isAway?: true;
}

/**
 * What a frame gave. `values: []` from a device that speaks by itself is its sign of life: nothing has changed, and the
 * host takes what it knows for confirmed. With `isPartial` it says nothing of the points that it does not give.
 */
export type Decoded<P extends string = string> =
  | { ok: true; values: PointValue<P>[]; missed?: MissedValues<P>[]; isPartial?: true; picture?: undefined }
  | { ok: true; picture: Picture; values?: undefined; missed?: undefined; isPartial?: undefined }
  | LostFrame<P>;

/** `detail` fills {detail} of the fault's sentence; give an object to fill others. */
export function lostFrame(code: FaultCode, detail: string | FaultParams): LostFrame<never> {
  return { ok: false, fault: { code, params: typeof detail === 'string' ? { detail } : detail } };
}

/** For a value whose time is later than that of its own sending: one of the two is wrong, and which is not known. */
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

/** What does not hold of checked settings, and where in them. */
export interface SettingProblem {
  path: (string | number)[];
  en: string;
  zh: string;
}

/** What does not hold of a device because of others of its driver; `at` is its place in their list. */
export interface CombinationProblem {
  index: number;
  problem: SettingProblem;
}

/** Whoever is given frames. */
export type FrameHandler<Frame> = (frame: Frame) => void;

/** A way to a device. I/O only: it cuts frames out of the stream and knows no meaning. Throws FaultError. */
export interface Link<Frame, R extends Request = Request> {
  /**
   * Polled, and drivers that write: sends one request and gives its answer; the host never makes two at a time on one
   * link. The exchanges of a link share their signal until it aborts: what listens to it stops when the answer is there.
   */
  exchange?(request: R, signal: AbortSignal): Promise<Frame>;
  /**
   * Listening drivers: hands on each frame as it comes, in order. Resolves when the link is closed from our side or the
   * signal aborts, rejects when it is closed from theirs. `take` comes back at once and never throws; many devices speak at
   * one time, so nothing is made or waited for a frame: the host takes in what all of them said since its last turn.
   */
  listen?(take: FrameHandler<Frame>, signal: AbortSignal): Promise<void>;
  /** Frame-giving drivers: the next picture is made when it is asked for. Ends when the link is closed from our side, throws when from theirs. */
  frames?(signal: AbortSignal): AsyncIterable<Frame>;
  /**
   * Where the device keeps what is not answered: called with a frame once all that it gave is on this edge's disk, or was
   * rightly left out, and not before `take` came back; never for a frame that could not be read or kept, so that it is sent
   * again.
   */
  taken?(frame: Frame): void;
  /** What is not as it was configured, though frames come: stands for as long as the link does. */
  remark?: Fault;
  /** Cameras: one picture of now, as sharp as they have it, fetched when somebody asks. Rejects with a FaultError. */
  still?(signal: AbortSignal): Promise<Picture>;
  /** May be called twice; resolves when every handle is gone. */
  close(): Promise<void>;
}

/** How people watch a camera: what ffmpeg is told to read it as it comes. */
export interface LiveSource {
  /** Arguments up to and with the input: of a file in its own time. */
  input: readonly string[];
  /** Filters before any other, where its times need them. */
  filters: readonly string[];
  /** What it reads from its standard input, where addresses with passwords go: arguments can be read by everybody. */
  stdin: string;
  /** Polygons that nobody may see, in fractions of the picture. */
  mask: readonly (readonly (readonly [number, number])[])[];
  /** A clip, which begins anew for its viewers: elsewhere than where its own play is. */
  isReplay: boolean;
  /** @throws FaultError while it is too early to try again: a camera locks out who comes with a wrong password too often */
  mayBegin(): void;
  /** Its pictures came. */
  began(): void;
  /** What its end means. `said` is what it wrote of errors; what comes out bears no secret. */
  fault(end: { hadPictures: boolean; startError?: string; code: number | null; signal: NodeJS.Signals | null; said: string }): Fault;
}

/** A configured point as the driver sees it: its id and the fields of the driver's own `point` schema. */
export type PointOf<P> = { id: string } & P;

/** By the tables of a protocol. */
interface KnownOfPoint {
  unit?: string;
  indicator?: string;
  /** `occurrence`: each value is something that happened; it neither goes on nor becomes stale. */
  kind?: 'measurement' | 'state' | 'occurrence';
}

/** What a probe found: one line for the field engineer. */
export interface ProbeFinding {
  en: string;
  zh: string;
}

/** Something that a device offers and that could become a point. */
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
   * A device that speaks by itself and only of what changed: any frame of it, an empty one too, confirms all its other
   * points. The link sees to a frame (of no values) while nothing changes, at least every few seconds.
   */
  reportsChanges?: boolean;
  /** Longest time for which it says nothing while it is well, whatever period is configured; its link tells what lasts longer. */
  quietMs?(settings: z.infer<S>): number;
  /** Settings of a device of which nothing but its address is known, for `discover DRIVER ADDRESS`; they are checked like any. Pure. */
  settingsOfAddress?(address: string): Record<string, unknown>;
  /** Checks that touch this machine (a file, a program) but no device; run by `check` and before start. */
  examine?(settings: z.infer<S>, points: readonly PointOf<z.infer<P>>[], world: World): Promise<Fault[]>;
  /** Fixed points that follow from the settings, beside those of `points`, each named `<part>.<what>`: `check`, the docs and the edge know them like the others. Pure. */
  derived?(settings: z.infer<S>): Record<string, FixedPoint>;
  /**
   * Settings with what files that they name add to them, where points follow from it, and what does not hold by those
   * files. `readFile` throws the system's error.
   * @throws FaultError for a file that cannot be read
   */
  consult?(settings: z.infer<S>, readFile: (path: string) => string): { settings: z.infer<S>; problems: SettingProblem[] };
  /** Devices of an edge against each other, such as two that share a port: told at their settings. Reads no more than files that they name. */
  checkTogether?(devices: readonly { id: string; settings: z.infer<S> }[]): CombinationProblem[];
  /** Cameras: how people watch it. */
  liveSource?(settings: z.infer<S>, clock: Clock): LiveSource;
  /** True when a configured point's value has no unit (a bool, a text): then its config needs none. `settings`: where they are sound. */
  unitless?(point: PointOf<z.infer<P>>, settings?: z.infer<S>): boolean;
  /** What the driver's tables know of a configured point: it stands in for what the file leaves out. `settings`: where they are sound. */
  known?(point: PointOf<z.infer<P>>, settings?: z.infer<S>): KnownOfPoint;
  /** What becomes of values in a case and `decode` on the command line: how a text line becomes a frame. */
  frameReader?: FrameReader<Frame, R>;
  /** How its device is recorded and played back (docs/cases.md). Needed of every driver in the index. */
  recording?: Recording<z.infer<S>, PointOf<z.infer<P>>, Frame, R>;
}

/** The question that a frame answers, and what its device gets for an answer; neither, where nothing is said. */
export interface FrameExchange {
  question?: Uint8Array;
  answer?: Uint8Array;
}

/** For `cityvitals decode`: turns bytes or a JSON line into frames with their requests. */
export interface FrameReader<Frame, R extends Request> {
  /** What the edge would say before and after a frame. Pure, never throws. @param nowMs ms UTC, for what says the time */
  around?(frame: Frame, nowMs: number): FrameExchange;
  /** `bytes`: hex or a binary file; `frames`: JSON lines. */
  level: 'bytes' | 'frames';
  /**
   * `points` are checked ones; without any, the reader shows what is there under names of its own. `settings`: checked,
   * where the command line has them. Never throws.
   */
  read(input: readonly (Uint8Array | unknown)[], points: readonly unknown[], settings?: unknown): FrameRead<Frame, R>[];
}

/** A frame as it was read from a case or the command line, or what was wrong with the input. */
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
 * throws a FaultError for what this point cannot take. Nothing here is ever made a second time. `discovers` needs `discover`.
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
  /** @param observedAt ms UTC when the frame was had, for whoever listens in: no decoder reads it */
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
  derived?(settings: unknown): Record<string, FixedPoint>;
  consult?(settings: unknown, readFile: (path: string) => string): { settings: unknown; problems: SettingProblem[] };
  checkTogether?(devices: readonly { id: string; settings: unknown }[]): CombinationProblem[];
  liveSource?(settings: unknown, clock: Clock): LiveSource;
  unitless?(point: PointOf<unknown>, settings?: unknown): boolean;
  known?(point: PointOf<unknown>, settings?: unknown): KnownOfPoint;
  frameReader?: FrameReader<unknown, Request>;
  recording?: Recording<unknown, PointOf<unknown>, unknown, Request>;
}

/** All fixed points of a driver with such points. @param settings checked ones; absent where they are not sound */
export function fixedPoints(driver: Pick<Driver, 'points' | 'derived'>, settings?: unknown): Record<string, FixedPoint> {
  return { ...driver.points, ...(settings === undefined || settings === null ? {} : driver.derived?.(settings)) };
}
