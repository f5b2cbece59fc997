/** The contract of a sink: a place events go, driven by a cursor of the gateway's log. */
import type { z } from 'zod';
import type { Event } from './event.ts';
import type { World } from './world.ts';

/** Events that will not come to a sink any more: the log let go of them before it took them. */
export interface SkippedEvents {
  /** Places in the gateway's log: the last event that was taken before, and the first that comes after. */
  from: string;
  to: string;
  count: number;
  /** When the events on both sides of the hole reached the gateway, ms UTC; `fromAt` is 0 when it is not known. */
  fromAt: number;
  toAt: number;
}

/** Who is speaking: written beside what a sink says of itself in its target. */
export interface SinkIdentity {
  gateway: string;
  /** Id of this sink in the configuration. */
  sink: string;
}

export interface OpenSink {
  /** Most events that one write takes. */
  readonly maxBatch: number;
  /**
   * Idempotent: after a crash the same events come again. Resolves when the target has them.
   * @throws CV_SINK_REFUSED when the target will never take this content (the caller looks for the event that is to
   *   blame); any other FaultError when it may be tried again as it is
   */
  write(batch: readonly Event[]): Promise<void>;
  /** Leaves word in the target that events are missing. The same `from` again (with another end) replaces the first word. @throws as write */
  missed(missed: SkippedEvents): Promise<void>;
  /** Writes what no target can object to: tells one that refuses an event from one that refuses everything. @throws as write */
  probe(): Promise<void>;
  /** What a single event looks like in the target's own form, for the list of what was set aside. */
  describe(event: Event): string;
  /** At once: what is under way is given up, and its write rejects. Twice is fine. */
  close(): Promise<void>;
}

export interface Sink<S extends z.ZodObject = z.ZodObject> {
  id: string;
  title: { zh: string; en: string };
  settings: S;
  /** Does not wait for the target: one that is away is found out by the first write. */
  open(settings: z.infer<S>, identity: SinkIdentity, world: World): Promise<OpenSink>;
}

/** Its own types erased, as the registry sees it. */
export function defineSink<S extends z.ZodObject>(sink: Sink<S>): Sink {
  return sink as unknown as Sink;
}
