/** Frames in, values out, by the protocol that their description became; no clock, no I/O. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import type { TagRead } from '../../core/event.ts';
import './faults.ts';
import type { FrameFrame, Plan, Target } from './frame.ts';
import { isRight } from './cutter.ts';
import { asRead } from './digits.ts';
import type { Field, Group, MessagePlan, Step } from './protocol-types.ts';
import { eachTurn, holds, messageOf, readField, readHead, ShortFrame, type Reading, type Slot } from './read.ts';

/** A report of more values than this is no report. */
const MOST_VALUES = 20_000;
const SHOWN_BYTES = 24;

/**
 * @returns the values of the points that read this message; a wrong checksum gives CV_FRAME_CHECKSUM, a frame of
 *   another description CV_DESCRIBED_UNCLAIMED, one that is no message of this CV_DESCRIBED_MESSAGE, one that ends too early CV_DESCRIBED_SHORT, and none of them a value
 */
export function decode(frame: FrameFrame): Decoded {
  if (frame.is === 'away') return { ...lostFrame(frame.left ? 'CV_DESCRIBED_LEFT' : 'CV_DESCRIBED_ABSENT', { identity: frame.identity, address: frame.at }), isAway: true };
  if (frame.is === 'silent') return { ...lostFrame('CV_DESCRIBED_SILENT', { address: frame.at, timeoutMs: frame.timeoutMs }), points: [...frame.points], ...(frame.count > 1 ? { isAway: true as const } : {}) };
  const { plan } = frame;
  const bytes = bufferOf(frame.bytes);
  const { protocol } = plan;
  if (!isRight(bytes, protocol)) return lostFrame('CV_FRAME_CHECKSUM', { detail: shown(bytes), detailZh: shown(bytes) });
  const reading = readHead(bytes, protocol);
  if (!reading) return lostFrame('CV_DESCRIBED_SHORT', { field: 'head', bytes: shown(bytes) });
  if (!holds(protocol.when, reading.slots)) return lostFrame('CV_DESCRIBED_UNCLAIMED', { address: protocol.title.en, addressZh: protocol.title.zh, bytes: shown(bytes) });
  const message = messageOf(reading, protocol);
  if (!message) return lostFrame('CV_DESCRIBED_MESSAGE', { bytes: shown(bytes) });
  try {
    const values = valuesOf(reading, message, plan, bytes);
    return { ok: true, values, ...(message.confirms ? {} : { isPartial: true as const }) };
  } catch (error) {
    if (error instanceof ShortFrame) return lostFrame('CV_DESCRIBED_SHORT', { field: error.field, bytes: shown(bytes) });
    throw error;
  }
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const shown = (bytes: Buffer) => bytes.toString('hex', 0, SHOWN_BYTES);

function valuesOf(reading: Reading, message: MessagePlan, plan: Plan, bytes: Buffer): PointValue[] {
  const gathered = new Gathered(reading, message, plan, bytes);
  // Fields of the head are points of each message that has one.
  for (const field of plan.protocol.head) gathered.head(field);
  gathered.steps(message.steps, null);
  return gathered.done();
}

/** Values of one message while it is read: the time may stand behind them. */
class Gathered {
  readonly #reading: Reading;
  readonly #message: MessagePlan;
  readonly #plan: Plan;
  /** As it was sent, but for byte stuffing. */
  readonly #bytes: Buffer;
  readonly #values: PointValue[] = [];
  /** Of a time that stands in each repetition. */
  readonly #times = new Map<PointValue, number | null>();
  /** Fields beside a value that must be so. */
  readonly #wheres = new Map<PointValue, { slot: number; wanted: string }[]>();

  constructor(reading: Reading, message: MessagePlan, plan: Plan, bytes: Buffer) {
    this.#bytes = bytes;
    this.#reading = reading;
    this.#message = message;
    this.#plan = plan;
  }

  head(field: Field): void {
    const slot = this.#reading.slots[field.slot];
    if (field.key !== null && slot) this.#take(`${this.#message.name}.${field.key}`, field, slot, null, slot.value === null);
    this.#bits(field, `${this.#message.name}.`, null);
  }

  steps(steps: readonly Step[], group: Group | null): void {
    for (const step of steps) {
      if ('group' in step) this.#group(step);
      else this.#field(step, group);
    }
  }

  #field(field: Field, group: Group | null): void {
    const read = readField(this.#reading, field);
    if (!read || field.key === null) return;
    this.#take(field.key, field, read.slot, group, read.isInvalid);
    this.#bits(field, '', group);
  }

  #group(group: Group): void {
    eachTurn(this.#reading, group, () => {
      const before = this.#values.length;
      this.steps(group.steps, group);
      this.#pick(before, group.own);
      this.#dress(group, before);
      if (this.#values.length > MOST_VALUES) throw new ShortFrame(group.group);
    });
  }

  done(): PointValue[] {
    this.#pick(0, null);
    const { time, windowMs, history } = this.#message;
    const at = time === null ? null : timeIn(this.#reading.slots[time]);
    const isHistory = history !== null && holds(history, this.#reading.slots);
    if (time === null && !isHistory) return this.#values;
    for (const value of this.#values) {
      const deviceAt = this.#times.has(value) ? this.#times.get(value) as number | null : at;
      // A time that cannot be read must not put a value anywhere.
      if (time !== null && deviceAt === null) Object.assign(value, { value: null, quality: 'bad', flags: ['device'], fault: { code: 'CV_DESCRIBED_TIME', params: { point: value.point } } });
      if (deviceAt !== null) {
        value.deviceAt = deviceAt;
        if (windowMs !== null && Number.isFinite(windowMs)) value.window = { fromAt: deviceAt - windowMs, toAt: deviceAt, count: 0 };
      }
      if (isHistory) value.origin = 'backfill';
    }
    return this.#values;
  }

  /** A field that decides may stand behind the value: the end of the repetition that has it says whether the value is wanted. @param own null: of the message */
  #pick(from: number, own: ReadonlySet<number> | null): void {
    if (this.#wheres.size === 0) return;
    let kept = from;
    for (let at = from; at < this.#values.length; at += 1) {
      const value = this.#values[at] as PointValue;
      const wheres = this.#wheres.get(value) ?? [];
      const now = wheres.filter(({ slot }) => own === null || own.has(slot));
      if (now.length > 0) this.#wheres.set(value, wheres.filter((one) => !now.includes(one)));
      if (now.every(({ slot, wanted }) => this.#isSo(slot, wanted))) this.#values[kept++] = value;
    }
    this.#values.length = kept;
  }

  /** What a repetition gave is its own: its time, and the tag that was read. */
  #dress({ tag, own }: Group, from: number): void {
    const { slots } = this.#reading;
    const { time } = this.#message;
    const isOwnTime = time !== null && own.has(time);
    const read = tag ? tagOf(tag, slots) : null;
    for (let at = from; at < this.#values.length; at += 1) {
      const value = this.#values[at] as PointValue;
      if (isOwnTime) this.#times.set(value, timeIn(slots[time]));
      if (read) value.evidence ??= [read];
    }
  }

  #bits(field: Field, prefix: string, group: Group | null): void {
    for (const { key, slot } of field.bits) {
      const read = this.#reading.slots[slot];
      if (read) this.#give(prefix + key, read, null, group, false);
    }
  }

  #take(key: string, field: Field, read: NonNullable<Slot>, group: Group | null, isInvalid: boolean): void {
    this.#give(key, read, field.unit, group, isInvalid);
  }

  #give(key: string, { value, at, length }: NonNullable<Slot>, unit: string | null, group: Group | null, isInvalid: boolean): void {
    const { targets } = this.#plan;
    const wanted: readonly Target[] = targets === null ? [{ id: key, where: [] }] : targets.get(key) ?? [];
    for (const { id, where } of wanted) {
      const wheres = where.map(([name, text]) => ({ slot: group?.names.get(name) ?? this.#message.names.get(name) ?? -1, wanted: text }));
      const given: PointValue = value !== null ? { point: id, value, ...(unit === null ? {} : { unit }) }
        : { point: id, value: null, quality: 'bad', flags: [isInvalid ? 'fault-code' : 'sensor'], ...(isInvalid ? {} : { fault: { code: 'CV_DESCRIBED_VALUE', params: { point: id, field: key } } }) };
      if (this.#plan.isTraced) given.bytes = { at, hex: this.#bytes.toString('hex', at, at + length) };
      this.#values.push(given);
      if (wheres.length > 0) this.#wheres.set(given, wheres);
    }
  }

  #isSo(slot: number, wanted: string): boolean {
    const value = this.#reading.slots[slot]?.value;
    return value !== undefined && value !== null && String(value) === asRead(wanted, this.#message.digits.get(slot));
  }
}

function timeIn(slot: Slot): number | null {
  return typeof slot?.value === 'number' && Number.isSafeInteger(slot.value) ? slot.value : null;
}

function tagOf(tag: NonNullable<Group['tag']>, slots: readonly Slot[]): TagRead | null {
  const of = (role: keyof typeof tag) => { const slot = tag[role]; return slot === undefined ? undefined : slots[slot]?.value; };
  const epc = of('epc');
  if (typeof epc !== 'string' || !/^[0-9A-F]+$/.test(epc)) return null;
  const [antenna, rssiDbm, count] = [of('antenna'), of('rssiDbm'), of('count')];
  return {
    kind: 'tag', epc,
    ...(typeof antenna === 'number' && antenna >= 0 ? { antenna } : {}), ...(typeof rssiDbm === 'number' ? { rssiDbm } : {}), ...(typeof count === 'number' && count >= 0 ? { count } : {}),
  };
}
