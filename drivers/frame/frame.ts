/** What a link hands to `decode`, and which points read what. */
import type { Digits } from './digits.ts';
import type { Protocol, Step } from './protocol-types.ts';
import type { FramePoint } from './settings.ts';

export type FrameFrame = MessageFrame | AwayFrame | SilentFrame;

export interface MessageFrame {
  is: 'message';
  /** Whole, with byte stuffing taken out. */
  bytes: Uint8Array;
  plan: Plan;
}

/** Nobody of this identity is connected. */
interface AwayFrame {
  is: 'away';
  identity: string;
  at: string;
  /** It was there before. */
  left: boolean;
}

/** A question of ours was not answered. */
interface SilentFrame {
  is: 'silent';
  at: string;
  timeoutMs: number;
  /** In a row. */
  count: number;
  points: readonly string[];
}

export interface Target {
  id: string;
  /** Only where fields beside it are so, as text. */
  where: readonly [name: string, value: string][];
}

export interface Plan {
  protocol: Protocol;
  /** `message.field` → points; null: everything is shown, under names of its own. */
  targets: ReadonlyMap<string, readonly Target[]> | null;
  /** Values go with the bytes that they were read from: for people, on the command line. */
  isTraced?: true;
}

export function planOf(protocol: Protocol, points: readonly ({ id: string } & FramePoint)[]): Plan {
  const targets = new Map<string, Target[]>();
  for (const { id, read, where } of points) targets.set(read, [...(targets.get(read) ?? []), { id, where: Object.entries(where).map(([name, value]) => [name, String(value)]) }]);
  return { protocol, targets };
}

/** Everything that a point may read, with what the description knows of it. */
export function fieldsOf(protocol: Protocol): Map<string, { unit: string | null; kind: 'measurement' | 'state' | 'occurrence' | null; indicator: string | null; isText: boolean; isTag: boolean; names: ReadonlyMap<string, number>; digits: ReadonlyMap<number, Digits> }> {
  const fields = new Map<string, ReturnType<typeof fieldsOf> extends Map<string, infer V> ? V : never>();
  for (const { steps, name, names: known, digits } of protocol.messages) {
    const take = (step: (typeof protocol.head)[number], isTag: boolean, prefix: string, group: ReadonlyMap<string, number> | null) => {
      const names = new Map([...known, ...group ?? []]);
      const { unit, kind, indicator, type, words } = step;
      const isText = words !== null || ['ascii', 'gbk', 'hex'].includes(type);
      if (step.key !== null) fields.set(prefix + step.key, { unit, kind: kind ?? (isTag ? 'occurrence' : null), indicator, isText, isTag, names, digits });
      for (const bit of step.bits) fields.set(prefix + bit.key, { unit: null, kind: 'state', indicator: null, isText: true, isTag: false, names, digits });
    };
    for (const field of protocol.head) take(field, false, `${name}.`, null);
    const takeAll = (all: readonly Step[], isTag: boolean, group: ReadonlyMap<string, number> | null) => {
      for (const step of all) {
        if ('group' in step) takeAll(step.steps, isTag || step.tag !== null, step.names);
        else take(step, isTag, '', group);
      }
    };
    takeAll(steps, false, null);
  }
  return fields;
}
