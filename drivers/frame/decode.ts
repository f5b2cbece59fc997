/** Decodes frames by their compiled description; no clock, no I/O. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import type { TagRead } from '../../core/event.ts';
import './faults.ts';
import type { DescribedFrame, FieldPointMap, FieldPoint } from './frame.ts';
import { hasValidChecksum } from './cutter.ts';
import { normalizeDigits } from './digits.ts';
import type { ProtocolField, RepeatGroup, ProtocolMessage, ProtocolItem } from './protocol.ts';
import {
  forEachRepetition,
  conditionsHold,
  matchMessage,
  readField,
  readHeadFields,
  ShortFrameError,
  type FrameCursor,
  type FieldSlot,
} from './read-fields.ts';

/** A frame with more values is invalid. */
const MAX_VALUES = 20_000;
const SHOWN_BYTES = 24;

/**
 * @returns the values of the points that read this message, or a fault: CV_FRAME_CHECKSUM, CV_DESCRIBED_UNCLAIMED for a
 *   frame of another description, CV_DESCRIBED_MESSAGE for one without a matching message, CV_DESCRIBED_SHORT for one that
 *   ends too early
 */
export function decode(frame: DescribedFrame): Decoded {
  if (frame.is === 'away')
    return {
      ...lostFrame(frame.wasConnected ? 'CV_DESCRIBED_LEFT' : 'CV_DESCRIBED_ABSENT', { identity: frame.identity, address: frame.address }),
      isAway: true,
    };
  if (frame.is === 'silent')
    return {
      ...lostFrame('CV_DESCRIBED_SILENT', { address: frame.address, timeoutMs: frame.timeoutMs }),
      points: [...frame.points],
      ...(frame.count > 1 ? { isAway: true as const } : {}),
    };
  const { pointMap } = frame;
  const bytes = bufferOf(frame.bytes);
  const { protocol } = pointMap;
  if (!hasValidChecksum(bytes, protocol)) return lostFrame('CV_FRAME_CHECKSUM', { detail: shown(bytes), detailZh: shown(bytes) });
  const cursor = readHeadFields(bytes, protocol);
  if (!cursor) return lostFrame('CV_DESCRIBED_SHORT', { field: 'head', bytes: shown(bytes) });
  if (!conditionsHold(protocol.when, cursor.slots))
    return lostFrame('CV_DESCRIBED_UNCLAIMED', { address: protocol.title.en, addressZh: protocol.title.zh, bytes: shown(bytes) });
  const message = matchMessage(cursor, protocol);
  if (!message) return lostFrame('CV_DESCRIBED_MESSAGE', { bytes: shown(bytes) });
  try {
    const values = valuesOf(cursor, message, pointMap, bytes);
    return { ok: true, values, ...(message.confirms ? {} : { isPartial: true as const }) };
  } catch (error) {
    if (error instanceof ShortFrameError) return lostFrame('CV_DESCRIBED_SHORT', { field: error.field, bytes: shown(bytes) });
    throw error;
  }
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const shown = (bytes: Buffer) => bytes.toString('hex', 0, SHOWN_BYTES);

function valuesOf(cursor: FrameCursor, message: ProtocolMessage, pointMap: FieldPointMap, bytes: Buffer): PointValue[] {
  const values = new MessageValues(cursor, message, pointMap, bytes);
  // Head fields are readable in every message.
  for (const field of pointMap.protocol.head) values.head(field);
  values.items(message.items, null);
  return values.done();
}

/** Collects the values of one message; the time may be read after them. */
class MessageValues {
  readonly #cursor: FrameCursor;
  readonly #message: ProtocolMessage;
  readonly #pointMap: FieldPointMap;
  /** The frame as received, without byte stuffing. */
  readonly #bytes: Buffer;
  readonly #values: PointValue[] = [];
  /** Times of repetitions. */
  readonly #times = new Map<PointValue, number | null>();
  /** Values that other fields must have. */
  readonly #conditions = new Map<PointValue, { slot: number; wanted: string }[]>();

  constructor(cursor: FrameCursor, message: ProtocolMessage, pointMap: FieldPointMap, bytes: Buffer) {
    this.#bytes = bytes;
    this.#cursor = cursor;
    this.#message = message;
    this.#pointMap = pointMap;
  }

  head(field: ProtocolField): void {
    const slot = this.#cursor.slots[field.slot];
    if (field.key !== null && slot) this.#addField(`${this.#message.name}.${field.key}`, field, slot, null, slot.value === null);
    this.#bits(field, `${this.#message.name}.`, null);
  }

  items(items: readonly ProtocolItem[], group: RepeatGroup | null): void {
    for (const item of items) {
      if ('group' in item) this.#group(item);
      else this.#field(item, group);
    }
  }

  #field(field: ProtocolField, group: RepeatGroup | null): void {
    const read = readField(this.#cursor, field);
    if (!read || field.key === null) return;
    this.#addField(field.key, field, read.slot, group, read.isInvalid);
    this.#bits(field, '', group);
  }

  #group(group: RepeatGroup): void {
    forEachRepetition(this.#cursor, group, () => {
      const before = this.#values.length;
      this.items(group.items, group);
      this.#filter(before, group.own);
      this.#annotate(group, before);
      if (this.#values.length > MAX_VALUES) throw new ShortFrameError(group.group);
    });
  }

  done(): PointValue[] {
    this.#filter(0, null);
    const { time, windowMs, history } = this.#message;
    const at = time === null ? null : timeIn(this.#cursor.slots[time]);
    const isHistory = history !== null && conditionsHold(history, this.#cursor.slots);
    if (time === null && !isHistory) return this.#values;
    for (const value of this.#values) {
      const deviceAt = this.#times.has(value) ? this.#times.get(value) as number | null : at;
      // An invalid time gives no value.
      if (time !== null && deviceAt === null)
        Object.assign(value, {
          value: null,
          quality: 'bad',
          flags: ['device'],
          fault: { code: 'CV_DESCRIBED_TIME', params: { point: value.point } },
        });
      if (deviceAt !== null) {
        value.deviceAt = deviceAt;
        if (windowMs !== null && Number.isFinite(windowMs)) value.window = { fromAt: deviceAt - windowMs, toAt: deviceAt, count: 0 };
      }
      if (isHistory) value.origin = 'backfill';
    }
    return this.#values;
  }

  /** Drops values whose `where` does not hold. The deciding field may come after the value, so this runs at the end of a repetition. @param own null: of the message */
  #filter(from: number, own: ReadonlySet<number> | null): void {
    if (this.#conditions.size === 0) return;
    let kept = from;
    for (let at = from; at < this.#values.length; at += 1) {
      const value = this.#values[at] as PointValue;
      const conditions = this.#conditions.get(value) ?? [];
      const decided = conditions.filter(({ slot }) => own === null || own.has(slot));
      if (decided.length > 0) this.#conditions.set(value, conditions.filter((one) => !decided.includes(one)));
      if (decided.every(({ slot, wanted }) => this.#hasValue(slot, wanted))) this.#values[kept++] = value;
    }
    this.#values.length = kept;
  }

  /** Sets time and tag evidence of the values of a repetition. */
  #annotate({ tag, own }: RepeatGroup, from: number): void {
    const { slots } = this.#cursor;
    const { time } = this.#message;
    const isOwnTime = time !== null && own.has(time);
    const read = tag ? tagOf(tag, slots) : null;
    for (let at = from; at < this.#values.length; at += 1) {
      const value = this.#values[at] as PointValue;
      if (isOwnTime) this.#times.set(value, timeIn(slots[time]));
      if (read) value.evidence ??= [read];
    }
  }

  #bits(field: ProtocolField, prefix: string, group: RepeatGroup | null): void {
    for (const { key, slot } of field.bits) {
      const read = this.#cursor.slots[slot];
      if (read) this.#add(prefix + key, read, null, group, false);
    }
  }

  #addField(key: string, field: ProtocolField, read: NonNullable<FieldSlot>, group: RepeatGroup | null, isInvalid: boolean): void {
    this.#add(key, read, field.unit, group, isInvalid);
  }

  #add(
    key: string,
    { value, at, length }: NonNullable<FieldSlot>,
    unit: string | null,
    group: RepeatGroup | null,
    isInvalid: boolean,
  ): void {
    const { byField } = this.#pointMap;
    const wanted: readonly FieldPoint[] = byField === null ? [{ id: key, where: [] }] : byField.get(key) ?? [];
    for (const { id, where } of wanted) {
      const conditions = where.map(([name, text]) => ({
        slot: group?.names.get(name) ?? this.#message.names.get(name) ?? -1,
        wanted: text,
      }));
      const added: PointValue =
        value !== null
          ? { point: id, value, ...(unit === null ? {} : { unit }) }
          : {
              point: id,
              value: null,
              quality: 'bad',
              flags: [isInvalid ? 'fault-code' : 'sensor'],
              ...(isInvalid ? {} : { fault: { code: 'CV_DESCRIBED_VALUE', params: { point: id, field: key } } }),
            };
      if (this.#pointMap.withBytes) added.bytes = { at, hex: this.#bytes.toString('hex', at, at + length) };
      this.#values.push(added);
      if (conditions.length > 0) this.#conditions.set(added, conditions);
    }
  }

  #hasValue(slot: number, wanted: string): boolean {
    const value = this.#cursor.slots[slot]?.value;
    return value !== undefined && value !== null && String(value) === normalizeDigits(wanted, this.#message.digits.get(slot));
  }
}

function timeIn(slot: FieldSlot): number | null {
  return typeof slot?.value === 'number' && Number.isSafeInteger(slot.value) ? slot.value : null;
}

function tagOf(tag: NonNullable<RepeatGroup['tag']>, slots: readonly FieldSlot[]): TagRead | null {
  const of = (role: keyof typeof tag) => { const slot = tag[role]; return slot === undefined ? undefined : slots[slot]?.value; };
  const epc = of('epc');
  if (typeof epc !== 'string' || !/^[0-9A-F]+$/.test(epc)) return null;
  const [antenna, rssiDbm, count] = [of('antenna'), of('rssiDbm'), of('count')];
  return {
    kind: 'tag',
    epc,
    ...(typeof antenna === 'number' && antenna >= 0 ? { antenna } : {}),
    ...(typeof rssiDbm === 'number' ? { rssiDbm } : {}),
    ...(typeof count === 'number' && count >= 0 ? { count } : {}),
  };
}
