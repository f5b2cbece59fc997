/** Recorded bytes as streams: one for each connection and direction, cut into messages by the driver. Pure. */
import type { BytesRecording, Direction, MessageNotes } from '../core/recording.ts';
import type { BytesLine, TrafficLine } from './format.ts';

/** A driver's `recording` at level bytes with the settings it reads by; its own types erased. */
export interface RecordingContext {
  recording: BytesRecording<unknown, never, unknown>;
  settings: unknown;
}

/** One whole message, or bytes between messages (`notes` null). */
export interface RecordedMessage {
  conn: number;
  direction: Direction;
  /** A view into its stream: what is written here stands in the lines too. */
  bytes: Buffer;
  notes: MessageNotes | null;
  /** When each part of it went over the wire; `end` within the message. In order. */
  parts: readonly { afterUs: number; end: number }[];
  /** Bytes before it are missing, and these are no message: what was begun cannot be finished. */
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
 * Whole messages of what a device has heard so far, with their notes; bytes between messages come one at a time.
 *
 * @returns the rest, which is not whole yet
 */
export function cutMessages(heard: Buffer, { recording, settings }: RecordingContext, take: (message: Buffer, notes: MessageNotes | null) => void): Buffer {
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
  /** In the order in which they were whole. */
  readonly messages: readonly RecordedMessage[];
  readonly #runs: StreamSegment[];

  constructor(traffic: readonly TrafficLine[], readingOf: (line: TrafficLine) => RecordingContext) {
    const runs = runsOf(traffic);
    this.#runs = runs.map(({ run }) => run);
    this.messages = runs
      .flatMap(({ run, first }) => messagesOf(run, first, readingOf(first)))
      .toSorted((a, b) => endUs(a) - endUs(b) || a.order - b.order);
  }

  /** The lines of bytes as they stand now, each as it was recorded but for what was written into messages, and without those left out. */
  lines(leftOut?: RecordedMessage): Map<BytesLine, BytesLine> {
    return new Map(this.#runs.flatMap(({ chunks, bytes }) => {
      const from = leftOut && isWithin(leftOut.bytes, bytes) ? leftOut.bytes.byteOffset - bytes.byteOffset : Infinity;
      const until = from + (leftOut?.bytes.length ?? 0);
      return chunks.map(({ line, start, end }) => {
        const left = [bytes.toString('hex', start, Math.max(start, Math.min(from, end))), bytes.toString('hex', Math.min(end, Math.max(until, start)), end)];
        return [line, { ...line, bytes: from === Infinity ? bytes.toString('hex', start, end) : left.join('') }] as const;
      });
    }));
  }
}

function isWithin(part: Buffer, whole: Buffer): boolean {
  return part.buffer === whole.buffer && part.byteOffset >= whole.byteOffset && part.byteOffset + part.length <= whole.byteOffset + whole.length;
}

const endUs = ({ parts }: RecordedMessage): number => parts.at(-1)?.afterUs ?? 0;

/** Stretches of one connection and direction without a hole. */
function runsOf(traffic: readonly TrafficLine[]): { run: StreamSegment; first: BytesLine }[] {
  const open = new Map<string, { run: StreamSegment; first: BytesLine; pieces: Buffer[] }>();
  const all: { run: StreamSegment; first: BytesLine; pieces: Buffer[] }[] = [];
  const datagrams = new Set(traffic.filter((line) => 'event' in line && line.event === 'open' && line.via === 'udp').map(({ conn }) => conn));
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

function messagesOf({ chunks, bytes, afterGap }: StreamSegment, { conn, dir }: BytesLine, { recording, settings }: RecordingContext): (RecordedMessage & { order: number })[] {
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
    found.push({ conn, direction: dir, bytes: bytes.subarray(start, end), notes, parts, order: found.length, ...(isTorn ? { isTorn } : {}) });
  };
  let noiseFrom = 0;
  for (let at = 0; at < bytes.length;) {
    const length = messageAt(bytes, at, dir, recording, settings);
    if (length === 0) {
      at += 1;
      continue;
    }
    if (noiseFrom < at) add(noiseFrom, at, null);
    add(at, at + length, recording.notes(bytes.subarray(at, at + length), dir, settings));
    at += length;
    noiseFrom = at;
  }
  if (noiseFrom < bytes.length) add(noiseFrom, bytes.length, null);
  return found;
}

/** 0 where no whole message begins: a message that never became whole is as good as noise to whoever reads on. */
function messageAt(bytes: Buffer, at: number, dir: Direction, recording: RecordingContext['recording'], settings: unknown): number {
  const length = recording.cut(bytes.subarray(at), dir, settings);
  return length !== null && length > 0 && at + length <= bytes.length ? length : 0;
}
