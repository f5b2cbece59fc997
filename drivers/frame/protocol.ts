/** A compiled protocol description, as cutter and decoder use it. A slot is an index into the field values of a frame. */
import type { ChecksumType } from './checksum.ts';
import type { DigitFormat } from './digits.ts';
import type { ProtocolFieldType } from './description.ts';

export type FieldCondition =
  { slot: number; is: 'in' | 'not'; values: readonly string[] } | { slot: number; is: '>=' | '<=' | '>' | '<'; than: number };

/** `slot`: the value of that field × times + plus. */
export type FieldSize = number | 'rest' | { slot: number; times: number; plus: number };

export interface ProtocolField {
  slot: number;
  /** `message.field`; null: skipped bytes. */
  key: string | null;
  name: string;
  type: ProtocolFieldType;
  size: FieldSize;
  /** Offset from the start of the frame, negative from its end; with a separator its index; null: after the previous field. */
  at: number | null;
  isLittle: boolean;
  scale: number;
  offset: number;
  decimals: number;
  sign: 'bit' | 'nibble' | 'byte' | readonly FieldCondition[] | null;
  words: ReadonlyMap<string, string> | null;
  bits: readonly { slot: number; key: string; low: number; count: number; isBool: boolean }[];
  invalid: readonly string[];
  when: readonly FieldCondition[] | null;
  unit: string | null;
  kind: 'measurement' | 'state' | 'occurrence' | null;
  indicator: string | null;
}

export interface RepeatGroup {
  group: string;
  count: FieldSize;
  items: readonly ProtocolItem[];
  /** Slots of its own fields, without those of nested groups. */
  own: ReadonlySet<number>;
  /** Its fields and those of the enclosing groups, by name. */
  names: ReadonlyMap<string, number>;
  tag: Readonly<Partial<Record<'epc' | 'antenna' | 'rssiDbm' | 'count', number>>> | null;
  at: number | null;
  when: readonly FieldCondition[] | null;
}

export type ProtocolItem = ProtocolField | RepeatGroup;

export interface ProtocolMessage {
  name: string;
  when: readonly FieldCondition[];
  items: readonly ProtocolItem[];
  time: number | null;
  windowMs: number | null;
  history: readonly FieldCondition[] | null;
  confirms: boolean;
  answer: MessageTemplate | null;
  slots: number;
  names: ReadonlyMap<string, number>;
  /** Its hex and BCD fields, by slot. */
  digits: ReadonlyMap<number, DigitFormat>;
}

export interface FrameProtocol {
  title: { zh: string; en: string };
  header: Buffer;
  terminator: Buffer;
  fixed: number | null;
  maxBytes: number;
  idle: Buffer;
  escape: readonly { first: number; second: number; meant: number }[] | null;
  length: {
    at: number;
    type: 'u8' | 'u16' | 'u24' | 'u32' | 'bcd' | 'digits' | 'hex-digits';
    size: number;
    order: 'big' | 'little';
    mask: number | null;
    times: number;
    plus: number;
  } | null;
  checksum: { type: ChecksumType; from: number; to: number; at: number; size: number; order: 'big' | 'little'; isText: boolean } | null;
  /** `add` and `xor` turn the original bytes into those on the wire. */
  transform: { from: number; to: number | null; add: number; xor: number } | null;
  /** Between the fields of a text body. */
  separator: Buffer | null;
  /** Bytes after the body. */
  trailerBytes: number;
  bodyAt: number;
  head: readonly ProtocolField[];
  headNames: ReadonlyMap<string, number>;
  headSlots: number;
  identity: number | null;
  sequence: number | null;
  /** Frames for which it does not hold belong to another description. */
  when: readonly FieldCondition[];
  messages: readonly ProtocolMessage[];
  polls: readonly { template: MessageTemplate; everyMs: number; timeoutMs: number; wants: readonly string[] | null }[];
}

/** A part of a template. */
export type TemplatePart =
  | { is: 'bytes'; bytes: Buffer }
  /** The bytes of a field of the answered frame. */
  | { is: 'field'; slot: number }
  | { is: 'identity' | 'sequence' | 'length' | 'checksum' | 'now-bcd' | 'now-unix' };

export interface MessageTemplate {
  parts: readonly TemplatePart[];
}
