/** Recorded bytes as streams: one per connection and direction, cut into messages by the driver. Pure. */
import type { BytesRecording, Direction, MessageNotes } from '../core/recording.ts';
import type { BytesLine, TrafficLine } from './format.ts';

/** A driver's `recording` at level bytes with its settings, types erased. */
export interface RecordingContext {
  recording: BytesRecording<unknown, never, unknown>;
  settings: unknown;
}

/** One complete message, or bytes between messages (`notes` null). */
export interface RecordedMessage {
  conn: number;
  direction: Direction;
  /** A view into its stream: changes show in the lines. */
  bytes: Buffer;
  notes: MessageNotes | null;
  /** Times of its parts on the wire; `end` within the message. In order. */
  parts: readonly { afterUs: number; end: number }[];
  /** The rest of a message whose start is missing. */
  isTorn?: true;
}

interface Chunk {
  line: BytesLine;
  start: number;
  end: number;
}

interface StreamSegment {
  chunks: Chunk[];
  bytes: Buffer;
  afterGap: boolean;
}

/**
 * Cuts received bytes into messages with their notes; bytes between messages come one at a time.
 *
 * @returns the incomplete rest
 */
export function cutMessages(
  heard: Buffer,
  { recording, settings }: RecordingContext,
  take: (message: Buffer, notes: MessageNotes | null) => void,
): Buffer {
  let held = heard;
  while (held.length > 0) {
    const length = recording.cut(held, 'out', settings);
    if (length === null || length > held.length) break;
    const message = held.subarray(0, Math.max(1, length));
    held = held.subarray(message.length);
    take(message, length > 0 ? recording.notes(message, 'out', settings) : null);
  }
  return held;
}

export class ByteStreams {
  /** In order of completion. */
  readonly messages: readonly RecordedMessage[];
  readonly #runs: StreamSegment[];

  constructor(traffic: readonly TrafficLine[], readingOf: (line: TrafficLine) => RecordingContext) {
    const runs = runsOf(traffic);
    this.#runs = runs.map(({ run }) => run);
    this.messages = runs
      .flatMap(({ run, first }) => messagesOf(run, first, readingOf(first)))
      .toSorted((a, b) => endUs(a) - endUs(b) || a.order - b.order);
  }

  /** The lines with changes made to messages, without `leftOut`. */
  lines(leftOut?: RecordedMessage): Map<BytesLine, BytesLine> {
    return new Map(
      this.#runs.flatMap(({ chunks, bytes }) => {
        const from = leftOut && isWithin(leftOut.bytes, bytes) ? leftOut.bytes.byteOffset - bytes.byteOffset : Infinity;
        const until = from + (leftOut?.bytes.length ?? 0);
        return chunks.map(({ line, start, end }) => {
          const left = [
            bytes.toString('hex', start, Math.max(start, Math.min(from, end))),
            bytes.toString('hex', Math.min(end, Math.max(until, start)), end),
          ];
          return [line, { ...line, bytes: from === Infinity ? bytes.toString('hex', start, end) : left.join('') }] as const;
        });
      }),
    );
  }
}

function isWithin(part: Buffer, whole: Buffer): boolean {
  return (
    part.buffer === whole.buffer && part.byteOffset >= whole.byteOffset && part.byteOffset + part.length <= whole.byteOffset + whole.length
  );
}

const endUs = ({ parts }: RecordedMessage): number => parts.at(-1)?.afterUs ?? 0;

/** Segments of one connection and direction without missing bytes. */
function runsOf(traffic: readonly TrafficLine[]): { run: StreamSegment; first: BytesLine }[] {
  const open = new Map<string, { run: StreamSegment; first: BytesLine; pieces: Buffer[] }>();
  const all: { run: StreamSegment; first: BytesLine; pieces: Buffer[] }[] = [];
  const datagrams = new Set(
    traffic.filter((line) => 'event' in line && line.event === 'open' && line.via === 'udp').map(({ conn }) => conn),
  );
  const lost = new Set<string>();
  for (const line of traffic) {
    if ('event' in line) {
      if (line.event !== 'lost') continue;
      open.delete(`${line.conn} ${line.dir}`);
      lost.add(`${line.conn} ${line.dir}`);
      continue;
    }
    const key = `${line.conn} ${line.dir}`;
    let entry = datagrams.has(line.conn) ? undefined : open.get(key);
    if (!entry) {
      entry = { run: { chunks: [], bytes: Buffer.alloc(0), afterGap: lost.delete(key) }, first: line, pieces: [] };
      open.set(key, entry);
      all.push(entry);
    }
    const piece = Buffer.from(line.bytes, 'hex');
    const start = entry.run.chunks.at(-1)?.end ?? 0;
    entry.run.chunks.push({ line, start, end: start + piece.length });
    entry.pieces.push(piece);
  }
  for (const { run, pieces } of all) run.bytes = Buffer.concat(pieces);
  return all;
}

function messagesOf(
  { chunks, bytes, afterGap }: StreamSegment,
  { conn, dir }: BytesLine,
  { recording, settings }: RecordingContext,
): (RecordedMessage & { order: number })[] {
  const found: (RecordedMessage & { order: number })[] = [];
  let chunk = 0;
  const add = (start: number, end: number, notes: MessageNotes | null) => {
    const parts: { afterUs: number; end: number }[] = [];
    while (chunk > 0 && (chunks[chunk] as Chunk).start > start) chunk -= 1;
    for (; chunk < chunks.length; chunk += 1) {
      const { line, start: from, end: until } = chunks[chunk] as Chunk;
      if (until <= start) continue;
      if (from >= end) break;
      parts.push({ afterUs: line.afterUs, end: Math.min(until, end) - start });
      if (until > end) break;
    }
    const isTorn = afterGap && !notes && found.every((one) => !one.notes);
    found.push({
      conn,
      direction: dir,
      bytes: bytes.subarray(start, end),
      notes,
      parts,
      order: found.length,
      ...(isTorn ? { isTorn } : {}),
    });
  };
  let noiseFrom = 0;
  for (let offset = 0; offset < bytes.length;) {
    const length = messageAt(bytes, offset, dir, recording, settings);
    if (length === 0) {
      offset += 1;
      continue;
    }
    if (noiseFrom < offset) add(noiseFrom, offset, null);
    add(offset, offset + length, recording.notes(bytes.subarray(offset, offset + length), dir, settings));
    offset += length;
    noiseFrom = offset;
  }
  if (noiseFrom < bytes.length) add(noiseFrom, bytes.length, null);
  return found;
}

/** Length of the message at `offset`; 0 when none is complete: treated as noise. */
function messageAt(bytes: Buffer, offset: number, dir: Direction, recording: RecordingContext['recording'], settings: unknown): number {
  const length = recording.cut(bytes.subarray(offset), dir, settings);
  return length !== null && length > 0 && offset + length <= bytes.length ? length : 0;
}
