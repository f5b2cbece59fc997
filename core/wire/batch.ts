/**
 * The batch: one contiguous run [seq, seq + count) of one stream and epoch, as JSON, alone or in zstd.
 *
 * Two forms: rows `{ v, from, stream, epoch, seq, events }`, easy for anyone to send, and columns
 * `{ v, from, stream, epoch, seq, count, columns }`, what edges send and what the log stores as it is.
 * The hop's numbers are the batch's; an event whose own origin equals them carries none.
 */
import { DRAFT_FIELDS, EVENT_FIELDS, STREAMS, type Draft, type Event, type Stream } from '../event.ts';
import { FaultError } from '../faults.ts';
import { toColumns, type Columns } from './columns.ts';
import { EventColumns, named, type BatchName } from './event-columns.ts';
import { parseJson } from './json.ts';
import { WIRE_VERSION } from './topics.ts';
import { compress, decompressText } from './zstd.ts';

export type { BatchName } from './event-columns.ts';

const MAX_BATCH_BYTES = 8 << 20;
export const MAX_BATCH_EVENTS = 5000;
/** Fewer events than this do not shrink enough to be worth zstd's 30 µs (shared measurements: LOG-AND-WIRE 1). */
const ZSTD_FROM_EVENTS = 20;
const ZSTD_MAGIC = 0xfd2fb528;

const ALL_DIFFER = -1;

export interface Batch extends BatchName {
  events: Event[];
}

/**
 * Encodes a run as columns.
 *
 * @param events drafts (their origin is this hop) or events of another origin that are relayed
 * @returns JSON, in zstd with its checksum from 20 events up
 */
export function encodeBatch(name: BatchName, events: readonly (Draft | Event)[]): Uint8Array {
  const relayed = events.some((event) => 'edge' in event);
  const differing = relayed ? ALL_DIFFER : differingFields(events as readonly Draft[]);
  const columns = toColumns(events, relayed ? EVENT_FIELDS : DRAFT_FIELDS, (place) => (differing & (1 << place)) !== 0);
  return packBatch(
    JSON.stringify({
      v: WIRE_VERSION,
      from: name.from,
      stream: name.stream,
      epoch: name.epoch,
      seq: name.seq,
      ...(name.boot && { boot: name.boot }),
      count: events.length,
      columns,
    }),
    events.length,
  );
}

/**
 * The fields in which any draft differs from the first, a bit for each of DRAFT_FIELDS. Written out by program: a field
 * that is named in the code is found at once, one whose name comes out of a list takes ten times as long.
 */
const differingFields = new Function('drafts', `
  const first = drafts[0];
  let bits = 0;
  for (const one of drafts) {
    ${DRAFT_FIELDS.map((field, place) => `if (one.${field} !== first.${field}) bits |= ${1 << place};`).join('\n    ')}
  }
  return bits;
`) as (drafts: readonly Draft[]) => number;

/** The text of a batch as it travels. */
export function packBatch(text: string, events: number): Uint8Array {
  const json = Buffer.from(text);
  if (events < ZSTD_FROM_EVENTS) return json;
  return compress(json);
}

/** Reads a payload of either form. @throws CV_WIRE_NOT_JSON, CV_WIRE_TOO_LARGE, CV_WIRE_VERSION, CV_WIRE_SHAPE */
export function decodeBatch(payload: Uint8Array): Batch {
  const columns = readBatch(payload);
  return { ...columns.name, events: [...columns.events()] };
}

/** The same, without making an object of each event. */
export function readBatch(payload: Uint8Array): EventColumns {
  const body = parse(unpack(payload));
  if (body.v !== WIRE_VERSION)
    throw new FaultError('CV_WIRE_VERSION', { got: JSON.stringify(body.v)?.slice(0, 40) ?? 'none', want: WIRE_VERSION });
  const name = checkName(body);
  const batch = 'events' in body ? EventColumns.ofRows(name, named(name, rowsOf(body.events))) : columnsOf(name, body.count, body.columns);
  if (!Number.isSafeInteger(name.seq + batch.count)) throw shape('seq is beyond the safe range');
  return batch;
}

/** Events of a batch as they were put in: without the origin that the batch's own numbers give back. */
export function withoutOrigin({ from, stream, epoch }: BatchName, events: readonly Event[]): (Draft | Event)[] {
  return events.map((event) => {
    if (event.edge !== from || event.stream !== stream || event.epoch !== epoch) return event;
    const { edge: _edge, stream: _stream, epoch: _epoch, seq: _seq, ...draft } = event;
    return draft;
  });
}

/** Whether the payload is in zstd; anything else is taken for plain JSON. */
export function isZstd(payload: Uint8Array): boolean {
  return payload.length >= 4 && Buffer.from(payload.buffer, payload.byteOffset, 4).readUInt32LE(0) === ZSTD_MAGIC;
}

function unpack(payload: Uint8Array): string {
  if (payload.length > MAX_BATCH_BYTES) throw tooLarge();
  if (!isZstd(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8');
  try {
    return decompressText(payload, MAX_BATCH_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new FaultError('CV_WIRE_NOT_JSON', { detail: (error as Error).message }, { cause: error });
  }
}

function parse(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch (error) {
    throw new FaultError('CV_WIRE_NOT_JSON', { detail: (error as Error).message }, { cause: error });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw shape('not an object');
  return body as Record<string, unknown>;
}

function checkName(body: Record<string, unknown>): BatchName {
  const { from, stream, epoch, seq, boot } = body;
  if (typeof from !== 'string' || from.length === 0 || from.length > 64) throw shape('from is a text of 1 to 64 characters');
  if (!STREAMS.includes(stream as Stream)) throw shape(`stream ${JSON.stringify(stream)?.slice(0, 40)} is none of ${STREAMS.join(', ')}`);
  if (!Number.isSafeInteger(epoch) || (epoch as number) < 0) throw shape('epoch is a whole number');
  if (!Number.isSafeInteger(seq) || (seq as number) < 1) throw shape('seq is a whole number from 1');
  return { from, stream: stream as Stream, epoch: epoch as number, seq: seq as number, ...(isBoot(boot) && { boot }) };
}

function isBoot(boot: unknown): boot is NonNullable<BatchName['boot']> {
  if (typeof boot !== 'object' || boot === null) return false;
  const { id, startMs } = boot as Record<string, unknown>;
  return typeof id === 'string' && Number.isFinite(startMs);
}

function rowsOf(events: unknown): Record<string, unknown>[] {
  if (!Array.isArray(events) || events.length === 0) throw shape('events is an array that is not empty');
  if (events.length > MAX_BATCH_EVENTS) throw tooLarge();
  for (const event of events) {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) throw shape('an event is an object');
  }
  return events as Record<string, unknown>[];
}

function columnsOf(name: BatchName, count: unknown, columns: unknown): EventColumns {
  if (!Number.isSafeInteger(count) || (count as number) < 1) throw shape('count is a whole number from 1');
  if ((count as number) > MAX_BATCH_EVENTS) throw tooLarge();
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) throw shape('columns is an object');
  return EventColumns.ofColumns(name, count as number, columns as Columns);
}

const shape = (detail: string) => new FaultError('CV_WIRE_SHAPE', { detail });
const tooLarge = () => new FaultError('CV_WIRE_TOO_LARGE', { maxBytes: MAX_BATCH_BYTES, maxEvents: MAX_BATCH_EVENTS });
