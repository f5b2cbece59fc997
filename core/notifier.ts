/** The contract of a notifier: a way to reach a person. */
import type { z } from 'zod';
import type { World } from './world.ts';

export interface Notice {
  id: string;
  to: string;
  title: string;
  text: string;
}

export interface Receipt {
  at: number;
  reference?: string;
}

export interface OpenNotifier {
  send(notice: Notice): Promise<Receipt>;
  close(): Promise<void>;
}

export interface Notifier<S extends z.ZodObject = z.ZodObject> {
  id: string;
  title: { zh: string; en: string };
  settings: S;
  open(settings: z.infer<S>, world: World): Promise<OpenNotifier>;
}

export function defineNotifier<S extends z.ZodObject>(notifier: Notifier<S>): Notifier<S> {
  return notifier;
}
