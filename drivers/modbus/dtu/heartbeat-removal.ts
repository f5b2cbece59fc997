/**
 * Removes bytes that a DTU inserts into the stream (heartbeats, its registration), also inside an answer. They may look
 * like values, so they are never simply cut out: each variant with some of them left out is tried, and the ADU decides (a
 * CRC, or the only variant that accounts for every byte). Pure.
 */
import { MBAP_BYTES, answerMismatch, tcpAduLength } from '../adu.ts';
import { rtuToTcpAdu, type PendingExchange, type FramingResult, type ModbusFraming } from '../framing.ts';

/** With more occurrences than this only none, one or all of them are left out. */
const MAX_FOR_ALL_SUBSETS = 4;
/** With more, only none or all: each variant costs as much as the whole buffer. */
const MAX_FOR_SINGLES = 32;

interface Span {
  at: number;
  length: number;
}

/** The bytes unchanged, then with one occurrence of a pattern left out, then with more. */
export function* withoutPatterns(bytes: Buffer, patterns: readonly Buffer[]): Generator<Buffer> {
  yield bytes;
  const spans = occurrences(bytes, patterns);
  for (const left of subsets(spans)) yield Buffer.concat(remaining(bytes, left));
}

function occurrences(bytes: Buffer, patterns: readonly Buffer[]): Span[] {
  const longestFirst = patterns.filter((pattern) => pattern.length > 0).toSorted((a, b) => b.length - a.length);
  const spans: Span[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const found = longestFirst.find((pattern) => pattern[0] === bytes[at] && bytes.subarray(at, at + pattern.length).equals(pattern));
    if (!found) continue;
    spans.push({ at, length: found.length });
    at += found.length - 1;
  }
  return spans;
}

function* subsets(spans: readonly Span[]): Generator<Span[]> {
  if (spans.length > MAX_FOR_ALL_SUBSETS) {
    if (spans.length <= MAX_FOR_SINGLES) for (const span of spans) yield [span];
    return yield [...spans];
  }
  const all = Array.from({ length: 2 ** spans.length - 1 }, (_, at) => spans.filter((_span, bit) => (at + 1) & (1 << bit)));
  yield* all.toSorted((a, b) => a.length - b.length);
}

function remaining(bytes: Buffer, spans: readonly Span[]): Buffer[] {
  let from = 0;
  const parts = spans.map(({ at, length }) => {
    const part = bytes.subarray(from, at);
    from = at + length;
    return part;
  });
  return [...parts, bytes.subarray(from)];
}

/**
 * Modbus TCP through a DTU: the answer is found by its whole header wherever it begins. Without a CRC a heartbeat in the
 * values can only be found by counting: an answer is accepted when exactly one variant of the bytes gives it.
 */
export function mbapThroughDtu(patterns: () => readonly Buffer[]): ModbusFraming {
  return {
    isNumbered: true,
    wrap: rtuToTcpAdu,
    cut(held, awaited, isQuiet): FramingResult {
      if (!awaited) return { kind: 'noise', rest: Buffer.alloc(0) };
      const known = patterns();
      const variants = [...withoutPatterns(held, known)].flatMap((bytes) => answerIn(bytes, awaited) ?? []);
      const [first] = variants;
      if (!first) return { kind: 'wait' };
      if (first.rest === 0 && !mayHold(first.adu, known)) return answer(first.adu);
      if (!isQuiet) return { kind: 'wait', orQuiet: true };
      const explained = new Map(variants.filter(({ rest }) => rest === 0).map(({ adu }) => [adu.toString('hex'), adu]));
      const [only] = explained.values();
      if (only && explained.size === 1) return answer(only);
      return {
        kind: 'mismatch',
        rest: Buffer.alloc(0),
        detail: { detail: 'a heartbeat inside cannot be told from values', detailZh: '应答中的心跳字节与数值无法区分' },
      };
    },
  };
}

function answer(adu: Buffer): FramingResult {
  return { kind: 'answer', rest: Buffer.alloc(0), unit: adu[6] as number, pdu: adu.subarray(MBAP_BYTES) };
}

/** `rest`: number of bytes after it. */
function answerIn(bytes: Buffer, { expected: asked, transaction }: PendingExchange): { adu: Buffer; rest: number } | null {
  const header = Buffer.from([transaction >>> 8, transaction & 0xff, 0, 0]);
  for (let at = bytes.indexOf(header); at >= 0; at = bytes.indexOf(header, at + 1)) {
    const whole = tcpAduLength(bytes.subarray(at));
    if (!whole || at + whole > bytes.length) continue;
    const adu = bytes.subarray(at, at + whole);
    if (answerMismatch(asked, adu[6] as number, adu.subarray(MBAP_BYTES)) === null) return { adu, rest: bytes.length - at - whole };
  }
  return null;
}

/** Whether a pattern is in these bytes, or may begin at their end. */
function mayHold(bytes: Buffer, patterns: readonly Buffer[]): boolean {
  return patterns.some(
    (pattern) =>
      pattern.length > 0 &&
      (bytes.includes(pattern) ||
        Array.from({ length: pattern.length - 1 }, (_, at) => pattern.subarray(0, at + 1)).some((begin) =>
          bytes.subarray(-begin.length).equals(begin),
        )),
  );
}
