/** The contract of a sink: a place events go, driven by a cursor of the gateway's log. */
import type { z } from 'zod';
import type { Event } from './event.ts';
import type { World } from './world.ts';

export interface OpenSink {
  /** Idempotent: after a crash the same batch comes again. Throws FaultError; the cursor then stays where it is. */
  write(batch: readonly Event[]): Promise<void>;
  close(): Promise<void>;
}

export interface Sink<S extends z.ZodObject = z.ZodObject> {
  id: string;
  title: { zh: string; en: string };
  settings: S;
  open(settings: z.infer<S>, world: World): Promise<OpenSink>;
}

export function defineSink<S extends z.ZodObject>(sink: Sink<S>): Sink<S> {
  return sink;
}
