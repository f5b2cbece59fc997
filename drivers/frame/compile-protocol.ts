/** Compiles a protocol description: resolves field names to slots and checks what the schema cannot. Pure. */
import { CHECKSUMS } from './checksum.ts';
import { normalizeDigits, hexProblem, type DigitFormat } from './digits.ts';
import type {
  FieldCondition,
  ProtocolField,
  RepeatGroup,
  ProtocolMessage,
  FrameProtocol,
  FieldSize,
  ProtocolItem,
  MessageTemplate,
} from './protocol.ts';
import type { CountedSize, ProtocolDescription, FieldSpec, ProtocolFieldType, ItemSpec } from './description.ts';
import { parseTemplate, TemplateError } from './template.ts';

export interface DescriptionProblem {
  path: (string | number)[];
  en: string;
  zh: string;
}

/** Bytes of types with a fixed size; 0: given by `size`. */
const SIZES: Readonly<Record<ProtocolFieldType, number>> = {
  u8: 1, u16: 2, u24: 3, u32: 4, u64: 8, i8: 1, i16: 2, i24: 3, i32: 4, i64: 8, f32: 4, f64: 8,
  bcd: 0, ascii: 0, gbk: 0, hex: 0, 'number-text': 0, 'degrees-minutes': 0, unix: 4, 'unix-ms': 8, 'bcd-time': 6, 'bytes-time': 6,
};

const TEXTS = new Set<ProtocolFieldType>(['ascii', 'gbk', 'hex']);
/** Types of separated fields. */
const DELIMITED = new Set<ProtocolFieldType>(['ascii', 'gbk', 'number-text', 'degrees-minutes']);
const NUMBERED = new Set<ProtocolFieldType>(['u8', 'u16', 'u24', 'u32', 'u64', 'i8', 'i16', 'i24', 'i32', 'i64']);

/** @returns the protocol, or all problems with their path in the description */
export function compileProtocol(
  description: ProtocolDescription,
): { protocol: FrameProtocol; problems: [] } | { protocol: null; problems: DescriptionProblem[] } {
  const compiler = new Compiler(description);
  const protocol = compiler.compile();
  return compiler.problems.length > 0 ? { protocol: null, problems: compiler.problems } : { protocol, problems: [] };
}

const bytesOfHex = (text = ''): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

class Compiler {
  readonly problems: DescriptionProblem[] = [];
  readonly #description: ProtocolDescription;
  #slots = 0;
  #digits = new Map<number, DigitFormat>();

  constructor(description: ProtocolDescription) {
    this.#description = description;
  }

  compile(): FrameProtocol {
    const d = this.#description;
    const header = bytesOfHex(d.header);
    const terminator = bytesOfHex(d.terminator);
    const checksum = this.#checksum(terminator.length);
    this.#framing();
    const head = new Map<string, number>();
    const headSteps = d.head.flatMap((one, at) => this.#field(one, ['head', at], head, '', d.order));
    const slotOf = (key: 'identity' | 'sequence') => this.#slot(d[key], head, [key]);
    const [identity, sequence] = [slotOf('identity'), slotOf('sequence')];
    const when = this.#conditions(d.when, head, ['when']);
    const headSlots = this.#slots;
    const headDigits = this.#digits;
    const names = new Set<string>();
    const messages = d.messages.map((spec, at): ProtocolMessage => {
      const path = ['messages', at];
      if (names.has(spec.name)) this.#refuse([...path, 'name'], `there is another message ${spec.name}`, `报文 ${spec.name} 重复`);
      names.add(spec.name);
      this.#slots = headSlots;
      const known = new Map(head);
      this.#digits = new Map(headDigits);
      const whenMessage = this.#conditions(spec.when, head, [...path, 'when']);
      const items = spec.fields.flatMap((one, place) => this.#item(one, [...path, 'fields', place], known, spec.name));
      const time = this.#slot(spec.time, this.#withGroups(known, items), [...path, 'time']);
      return {
        name: spec.name, when: whenMessage, items, time, windowMs: spec.window ?? null, confirms: spec.confirms,
        history: spec.history ? this.#conditions(spec.history, known, [...path, 'history']) : null,
        answer: spec.answer === undefined ? null : this.#template(spec.answer, known, [...path, 'answer']),
        slots: this.#slots, names: known, digits: this.#digits,
      };
    });
    const polls = d.polls.map((one, at) => {
      for (const wanted of one.wants ?? []) if (!names.has(wanted)) this.#unknown(['polls', at, 'wants'], wanted, [...names]);
      return {
        template: this.#template(one.send, null, ['polls', at, 'send']),
        everyMs: one.every,
        timeoutMs: one.timeout,
        wants: one.wants ?? null,
      };
    });
    return {
      title: d.title, header, terminator, fixed: d.fixed ?? null, maxBytes: d.max, idle: bytesOfHex(d.idle), escape: this.#escapes(),
      length: d.length ? { ...d.length, order: d.length.order ?? d.order, size: lengthSize(d.length), mask: d.length.mask ?? null } : null,
      checksum,
      transform: this.#transform(),
      separator: d.separator === undefined ? null : bytesOfHex(d.separator),
      trailerBytes: (checksum ? -checksum.at : terminator.length) + d.tail,
      bodyAt: header.length,
      head: headSteps as ProtocolField[],
      headNames: head,
      headSlots,
      identity,
      sequence,
      when,
      messages,
      polls,
    };
  }

  #refuse(path: (string | number)[], en: string, zh: string): void {
    this.problems.push({ path, en, zh });
  }

  #unknown(path: (string | number)[], name: string, known: readonly string[]): void {
    const all = known.join(', ') || '-';
    this.#refuse(path, `there is no ${name}; known here: ${all}`, `没有 ${name}；此处可用：${all}`);
  }

  #framing(): void {
    const { header, terminator, length, fixed, checksum, escape, max } = this.#description;
    if (!terminator && !length && fixed === undefined)
      this.#refuse(
        [],
        'the end of a frame is not described: needs length, fixed or terminator',
        '没有说明帧在哪里结束：length、fixed 或 terminator',
      );
    if (length && fixed !== undefined) this.#refuse(['fixed'], 'either length or fixed, not both', 'length 与 fixed 只能写一个');
    if (!header && !terminator && !checksum)
      this.#refuse(
        [],
        'the start of a frame cannot be found: needs header, terminator or checksum',
        '无法找到帧的开始：header、terminator 或 checksum',
      );
    if (escape && (!header || !terminator || length || fixed !== undefined))
      this.#refuse(
        ['escape'],
        'byte stuffing goes with header and terminator, without length and fixed',
        '转义须与 header、terminator 同用，且不写 length、fixed',
      );
    if (fixed !== undefined && fixed > max) this.#refuse(['fixed'], `longer than max ${max}`, `大于 max ${max}`);
    if (length && ['bcd', 'digits', 'hex-digits'].includes(length.type) && length.size === undefined)
      this.#refuse(['length'], `${length.type} needs size`, `${length.type} 需要 size`);
  }

  #escapes(): FrameProtocol['escape'] {
    const entries = Object.entries(this.#description.escape ?? {}).map(([sent, meant]) => ({
      sent: bytesOfHex(sent),
      meant: bytesOfHex(meant),
    }));
    for (const { sent, meant } of entries)
      if (sent.length !== 2 || meant.length !== 1) this.#refuse(['escape'], 'must be two bytes for one', '应为两个字节代表一个字节');
    return entries.length === 0
      ? null
      : entries.map(({ sent, meant }) => ({ first: sent[0] ?? 0, second: sent[1] ?? 0, meant: meant[0] ?? 0 }));
  }

  #transform(): FrameProtocol['transform'] {
    const { transform, length } = this.#description;
    if (!transform) return null;
    const { from, to, add = 0, subtract = 0, xor = 0 } = transform;
    if (length && from < length.at + lengthSize(length) && (to === undefined || to < 0 || to > length.at))
      this.#refuse(
        ['transform', 'from'],
        `the length at ${length.at} is read before the transform: begin after it`,
        `位于 ${length.at} 的长度按线上字节读取：应从其后开始`,
      );
    this.#refuseEmpty('transform', from, to);
    return { from, to: to ?? null, add: subtract - add, xor };
  }

  /** A checksum or transform of no bytes would go unnoticed. */
  #refuseEmpty(of: 'checksum' | 'transform', from: number, to = -1): void {
    if (to >= 0 && to <= from) this.#refuse([of, 'to'], `there are no bytes from ${from} to ${to}`, `从 ${from} 到 ${to} 之间没有字节`);
  }

  #checksum(terminatorBytes: number): FrameProtocol['checksum'] {
    const spec = this.#description.checksum;
    if (!spec) return null;
    const size = CHECKSUMS[spec.type] * (spec.form === 'hex' ? 2 : 1);
    const at = spec.at ?? -(size + terminatorBytes);
    if (-at < size) this.#refuse(['checksum', 'at'], `${size} bytes do not fit there`, `该处放不下 ${size} 个字节`);
    this.#refuseEmpty('checksum', spec.from, spec.to);
    return {
      type: spec.type,
      from: spec.from,
      to: spec.to ?? at,
      at,
      size,
      order: spec.order ?? this.#description.order,
      isText: spec.form === 'hex',
    };
  }

  #slot(name: string | undefined, known: ReadonlyMap<string, number>, path: (string | number)[]): number | null {
    if (name === undefined) return null;
    const slot = known.get(name);
    if (slot === undefined) this.#unknown(path, name, [...known.keys()]);
    return slot ?? null;
  }

  /** Names of groups' fields too: a time may be in each repetition. */
  #withGroups(known: ReadonlyMap<string, number>, items: readonly ProtocolItem[]): Map<string, number> {
    const all = new Map(known);
    for (const item of items)
      if ('group' in item) for (const [name, slot] of this.#withGroups(item.names, item.items)) if (!all.has(name)) all.set(name, slot);
    return all;
  }

  #conditions(spec: Record<string, unknown>, known: ReadonlyMap<string, number>, path: (string | number)[]): FieldCondition[] {
    return Object.entries(spec).flatMap(([name, wanted]): FieldCondition[] => {
      const slot = this.#slot(name, known, [...path, name]);
      if (slot === null) return [];
      const digits = this.#digits.get(slot);
      const all = (Array.isArray(wanted) ? wanted : [wanted]) as unknown[];
      for (const one of all) {
        const [, sign, text = ''] = comparisonOf(one) ?? [];
        const problem = digits?.type === 'hex' && (sign === undefined || sign === '!=') ? hexProblem(sign ? text : one, digits) : null;
        if (problem) this.#refuse([...path, name], problem.en, problem.zh);
        else if (sign !== undefined && sign !== '!=' && (digits?.type === 'hex' || Number.isNaN(Number(text))))
          this.#refuse([...path, name], `${String(one)}: only numbers can be compared`, `${String(one)}：只有数才能比较大小`);
      }
      return [conditionOf(slot, wanted, digits)];
    });
  }

  #template(text: string, known: ReadonlyMap<string, number> | null, path: (string | number)[]): MessageTemplate {
    try {
      return parseTemplate(text, known, this.#description.length !== undefined);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.#refuse(path, error.en, error.zh);
      return { parts: [] };
    }
  }

  /** @param around names of the enclosing groups; null: none */
  #item(
    spec: ItemSpec,
    path: (string | number)[],
    known: Map<string, number>,
    prefix: string,
    around: ReadonlyMap<string, number> | null = null,
  ): ProtocolItem[] {
    if (around && spec.at !== undefined && (spec.repeat !== undefined || spec.size === 'rest' || typeof (spec.size ?? 0) !== 'number'))
      this.#refuse([...path, 'at'], 'within a repeat only a field of fixed size can have `at`', '重复组内只有定长字段可以指定位置');
    if (spec.repeat === undefined) return this.#field(spec, path, known, prefix, this.#description.order);
    const count = this.#size(spec.count ?? 1, known, [...path, 'count']);
    const when = spec.when ? this.#conditions(spec.when, known, [...path, 'when']) : null;
    const within = new Map(known);
    const [own, names] = [new Set<number>(), new Map(around)];
    const items = (spec.fields ?? []).flatMap((one, at) => {
      const made = this.#item(one, [...path, 'fields', at], within, `${prefix}.${spec.repeat}`, names);
      for (const [name, slot] of within) if (!known.has(name) && !names.has(name)) {
        names.set(name, slot);
        own.add(slot);
      }
      return made;
    });
    const roles = Object.entries(spec.tag ?? {}).flatMap(([role, name]) => {
      const slot = this.#slot(name, within, [...path, 'tag', role]);
      return slot === null ? [] : [[role, slot] as const];
    });
    for (const item of items) if ('group' in item) spread(names, item);
    const group: RepeatGroup = {
      group: spec.repeat,
      count,
      items,
      own,
      names,
      tag: spec.tag ? Object.fromEntries(roles) : null,
      at: spec.at ?? null,
      when,
    };
    return [group];
  }

  #size(spec: number | string | CountedSize, known: ReadonlyMap<string, number>, path: (string | number)[]): FieldSize {
    if (typeof spec === 'number' || spec === 'rest') return spec;
    const { field, times, plus } = typeof spec === 'string' ? { field: spec, times: 1, plus: 0 } : spec;
    return { slot: this.#slot(field, known, typeof spec === 'string' ? path : [...path, 'field']) ?? 0, times, plus };
  }

  #field(spec: FieldSpec, path: (string | number)[], known: Map<string, number>, prefix: string, order: 'big' | 'little'): ProtocolField[] {
    const { name, skip, when } = spec;
    const isDelimited = this.#description.separator !== undefined;
    const type = spec.type ?? (isDelimited ? 'ascii' : 'u8');
    if ((name === undefined) === (skip === undefined)) {
      if (!('repeat' in spec)) this.#refuse(path, 'needs either name or skip', '须有且只有 name 或 skip');
      return [];
    }
    if (isDelimited && !DELIMITED.has(type))
      this.#refuse(
        [...path, 'type'],
        `separated fields are text (${[...DELIMITED].join(', ')}), not ${type}`,
        `分隔符之间为文本（${[...DELIMITED].join('、')}），不是 ${type}`,
      );
    if (isDelimited && spec.size !== undefined)
      this.#refuse([...path, 'size'], 'a separator ends the field: no size here', '字段由分隔符界定，不写 size');
    const own = skip ?? (isDelimited ? 1 : SIZES[type]);
    if (own === 0 && spec.size === undefined) this.#refuse(path, `${type} needs size`, `${type} 需要 size`);
    if (
      own > 0 &&
      !isDelimited &&
      skip === undefined &&
      spec.size !== undefined &&
      !(type === 'bcd-time' && (spec.size === 7 || spec.size === 6 || spec.size === 5))
    )
      this.#refuse([...path, 'size'], `${type} has ${own} bytes`, `${type} 为 ${own} 字节`);
    if (spec.bits && !NUMBERED.has(type)) this.#refuse([...path, 'bits'], `${type} has no bits`, `${type} 没有位`);
    const size = own > 0 && spec.size === undefined ? own : this.#size(spec.size ?? 1, known, [...path, 'size']);
    const conditions = when ? this.#conditions(when, known, [...path, 'when']) : null;
    const slot = this.#slots++;
    if (type === 'hex' || type === 'bcd') this.#digits.set(slot, { type, count: typeof size === 'number' ? size * 2 : 0 });
    if (name !== undefined && known.has(name)) this.#refuse([...path, 'name'], `there is another field ${name}`, `字段 ${name} 重复`);
    if (name !== undefined) known.set(name, slot);
    const key = (last: string) => (prefix === '' ? last : `${prefix}.${last}`);
    return [
      {
        slot,
        key: name === undefined ? null : key(name),
        name: name ?? '',
        type,
        size,
        at: spec.at ?? null,
        isLittle: (spec.order ?? order) === 'little',
        scale: spec.scale,
        offset: spec.offset,
        decimals: decimalsOf(spec.scale, spec.offset),
        sign: this.#sign(spec, type, known, path),
        words: spec.enum ? wordsOf(spec.enum, type) : null,
        bits: Object.entries(spec.bits ?? {}).map(([bit, place]) => this.#bit(bit, place, key, known, [...path, 'bits', bit])),
        invalid: spec.invalid.map(String),
        when: conditions,
        unit: spec.unit ?? null,
        kind: spec.kind ?? null,
        indicator: spec.indicator ?? null,
      },
    ];
  }

  #sign(
    { sign, bits }: FieldSpec,
    type: ProtocolFieldType,
    known: ReadonlyMap<string, number>,
    path: (string | number)[],
  ): ProtocolField['sign'] {
    if (sign === undefined) return null;
    if (typeof sign === 'string' && type !== 'bcd')
      this.#refuse([...path, 'sign'], `sign: ${sign} is only for bcd, not ${type}`, `sign: ${sign} 仅用于 bcd；${type} 没有`);
    if (bits || TEXTS.has(type) || type.includes('time') || type.startsWith('unix'))
      this.#refuse(
        [...path, 'sign'],
        `only a number without bits can have a sign, not ${type}`,
        `有符号的应为不带 bits 的数，而不是 ${type}`,
      );
    return typeof sign === 'string' ? sign : this.#conditions(sign, known, [...path, 'sign']);
  }

  #bit(
    name: string,
    place: number | string,
    key: (last: string) => string,
    known: Map<string, number>,
    path: (string | number)[],
  ): ProtocolField['bits'][number] {
    const [low, high] =
      typeof place === 'number'
        ? [place, place]
        : (place
            .split('-')
            .map(Number)
            .toSorted((a, b) => a - b) as [number, number]);
    if (high > 63 || high - low > 52) this.#refuse(path, 'bits are 0 to 63, at most 53 at once', '位为 0 到 63，一次最多 53 位');
    const slot = this.#slots++;
    if (known.has(name)) this.#refuse(path, `there is another field ${name}`, `字段 ${name} 重复`);
    known.set(name, slot);
    return { slot, key: key(name), low, count: high - low + 1, isBool: typeof place === 'number' };
  }
}

/** Fields after a nested group are visible to its fields too. */
function spread(names: ReadonlyMap<string, number>, group: RepeatGroup): void {
  for (const [name, slot] of names) if (!group.names.has(name)) (group.names as Map<string, number>).set(name, slot);
  for (const item of group.items) if ('group' in item) spread(names, item);
}

/** Keys of text types are not numbers: `"01"` stays unchanged, hex in upper case. */
function wordsOf(spec: Record<string, string>, type: ProtocolFieldType): Map<string, string> {
  const keyOf = (raw: string) =>
    type === 'hex' ? raw.toUpperCase() : TEXTS.has(type) || raw === '' || Number.isNaN(Number(raw)) ? raw : String(Number(raw));
  return new Map(Object.entries(spec).map(([raw, word]) => [keyOf(raw), word]));
}

function lengthSize({ type, size }: { type: string; size?: number | undefined }): number {
  return { u8: 1, u16: 2, u24: 3, u32: 4 }[type] ?? size ?? 1;
}

/** Parses a comparison such as `>= 3` or `!= 0`. */
const comparisonOf = (wanted: unknown) => (typeof wanted === 'string' ? /^\s*(>=|<=|!=|>|<)\s*(-?[\w.]+)\s*$/.exec(wanted) : null);

function conditionOf(slot: number, wanted: unknown, digits: DigitFormat | undefined): FieldCondition {
  const textOf = (value: unknown) => normalizeDigits(String(value), digits);
  if (Array.isArray(wanted)) return { slot, is: 'in', values: wanted.map(textOf) };
  const compared = comparisonOf(wanted);
  if (!compared) return { slot, is: 'in', values: [textOf(wanted)] };
  const [, sign, text] = compared as unknown as [string, '>=' | '<=' | '!=' | '>' | '<', string];
  return sign === '!='
    ? { slot, is: 'not', values: [textOf(digits?.type === 'hex' || Number.isNaN(Number(text)) ? text : Number(text))] }
    : { slot, is: sign, than: Number(text) };
}

/** Decimals that scale and offset can produce, to round off floating-point errors. */
function decimalsOf(scale: number, offset: number): number {
  const of = (value: number) =>
    /e-(\d+)$/.exec(String(value))?.[1] ? Number(/e-(\d+)$/.exec(String(value))?.[1]) + 2 : (String(value).split('.')[1]?.length ?? 0);
  return Math.min(12, of(scale) + of(offset));
}
