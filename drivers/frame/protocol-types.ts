/** A protocol as the cutter and the decoder use it. Slots are places in the list of a frame's field values. */
import type { ChecksumType } from './checksum.ts';
import type { Digits } from './digits.ts';
import type { FieldType } from './description.ts';

export type Condition = { slot: number; is: 'in' | 'not'; values: readonly string[] } | { slot: number; is: '>=' | '<=' | '>' | '<'; than: number };

/** By a field: its value × times + plus. */
export type Size = number | 'rest' | { slot: number; times: number; plus: number };

export interface Field {
  slot: number;
  /** `message.field`; null: passed over. */
  key: string | null;
  name: string;
  type: FieldType;
  size: Size;
  /** From the start of the frame, negative from its end; between separators its number; null: after the one before. */
  at: number | null;
  isLittle: boolean;
  scale: number;
  offset: number;
  decimals: number;
  sign: 'bit' | 'nibble' | 'byte' | readonly Condition[] | null;
  words: ReadonlyMap<string, string> | null;
  bits: readonly { slot: number; key: string; low: number; count: number; isBool: boolean }[];
  invalid: readonly string[];
  when: readonly Condition[] | null;
  unit: string | null;
  kind: 'measurement' | 'state' | 'occurrence' | null;
  indicator: string | null;
}

export interface Group {
  group: string;
  count: Size;
  steps: readonly Step[];
  /** Slots of its own fields, without those of groups within it. */
  own: ReadonlySet<number>;
  /** Its fields and those of the groups around it, by name. */
  names: ReadonlyMap<string, number>;
  tag: Readonly<Partial<Record<'epc' | 'antenna' | 'rssiDbm' | 'count', number>>> | null;
  at: number | null;
  when: readonly Condition[] | null;
}

export type Step = Field | Group;

export interface MessagePlan {
  name: string;
  when: readonly Condition[];
  steps: readonly Step[];
  time: number | null;
  windowMs: number | null;
  history: readonly Condition[] | null;
  confirms: boolean;
  answer: Template | null;
  slots: number;
  names: ReadonlyMap<string, number>;
  /** Its fields of hex and BCD, by slot. */
  digits: ReadonlyMap<number, Digits>;
}

export interface Protocol {
  title: { zh: string; en: string };
  header: Buffer;
  terminator: Buffer;
  fixed: number | null;
  maxBytes: number;
  idle: Buffer;
  escape: readonly { first: number; second: number; meant: number }[] | null;
  length: { at: number; type: 'u8' | 'u16' | 'u24' | 'u32' | 'bcd' | 'digits' | 'hex-digits'; size: number; order: 'big' | 'little'; mask: number | null; times: number; plus: number } | null;
  checksum: { type: ChecksumType; from: number; to: number; at: number; size: number; order: 'big' | 'little'; isText: boolean } | null;
  /** `add` and `xor` are what turns what is meant into what is sent. */
  transform: { from: number; to: number | null; add: number; xor: number } | null;
  /** Between the fields of a body of text. */
  separator: Buffer | null;
  /** Bytes at the end of a frame that are no body. */
  trailerBytes: number;
  bodyAt: number;
  head: readonly Field[];
  headNames: ReadonlyMap<string, number>;
  headSlots: number;
  identity: number | null;
  sequence: number | null;
  /** Frames for which it does not hold are of another description. */
  when: readonly Condition[];
  messages: readonly MessagePlan[];
  polls: readonly { template: Template; everyMs: number; timeoutMs: number; wants: readonly string[] | null }[];
}

/** A piece of a template. */
export type Part =
  | { is: 'bytes'; bytes: Buffer }
  /** The bytes of a field of the frame that is answered. */
  | { is: 'field'; slot: number }
  | { is: 'identity' | 'sequence' | 'length' | 'checksum' | 'now-bcd' | 'now-unix' };

export interface Template {
  parts: readonly Part[];
}
