/**
 * Bytes that a data unit puts into the stream by itself (heartbeats, its registration), also inside an answer. They
 * may look like values, so they are never simply cut out: each reading with some of them left out is tried, and the
 * envelope decides (a CRC, or the one reading that explains every byte). Pure.
 */
import { MBAP_BYTES, mismatch, tcpAduBytes } from './adu.ts';
import { toMbap, type Awaited, type Cut, type Framing } from './framing.ts';

/** With more occurrences than this only none, one or all of them are left out. */
const MOST_SUBSETS_OF = 4;
/** With more, which no honest unit puts into one answer, only none or all: each reading costs as much as all that is held. */
const MOST_READINGS = 32;

interface Span {
  at: number;
  length: number;
}

/** The bytes as they are, then with one of the patterns' occurrences left out, then with more. */
export function* without(bytes: Buffer, patterns: readonly Buffer[]): Generator<Buffer> {
  yield bytes;
  const spans = occurrences(bytes, patterns);
  for (const left of subsets(spans)) yield Buffer.concat(kept(bytes, left));
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
  if (spans.length > MOST_SUBSETS_OF) {
    if (spans.length <= MOST_READINGS) for (const span of spans) yield [span];
    return yield [...spans];
  }
  const all = Array.from({ length: 2 ** spans.length - 1 }, (_, at) => spans.filter((_span, bit) => (at + 1) & (1 << bit)));
  yield* all.toSorted((a, b) => a.length - b.length);
}

function kept(bytes: Buffer, spans: readonly Span[]): Buffer[] {
  let from = 0;
  const parts = spans.map(({ at, length }) => {
    const part = bytes.subarray(from, at);
    from = at + length;
    return part;
  });
  return [...parts, bytes.subarray(from)];
}

/**
 * Modbus TCP through a data unit: the answer is found by its whole header wherever it begins. Without a CRC a heartbeat
 * in the values can only be told by counting: an answer is taken when exactly one reading of all that came explains it.
 */
export function mbapThroughUnit(patterns: () => readonly Buffer[]): Framing {
  return {
    isNumbered: true,
    wrap: toMbap,
    cut(held, awaited, isQuiet): Cut {
      if (!awaited) return { kind: 'noise', rest: Buffer.alloc(0) };
      const known = patterns();
      const readings = [...without(held, known)].flatMap((bytes) => answerIn(bytes, awaited) ?? []);
      const [first] = readings;
      if (!first) return { kind: 'wait' };
      if (first.rest === 0 && !mayHold(first.adu, known)) return answer(first.adu);
      if (!isQuiet) return { kind: 'wait', orQuiet: true };
      const explained = new Map(readings.filter(({ rest }) => rest === 0).map(({ adu }) => [adu.toString('hex'), adu]));
      const [only] = explained.values();
      if (only && explained.size === 1) return answer(only);
      return { kind: 'mismatch', rest: Buffer.alloc(0), detail: { detail: 'a heartbeat inside cannot be told from values', detailZh: '应答中的心跳字节与数值无法区分' } };
    },
  };
}

function answer(adu: Buffer): Cut {
  return { kind: 'answer', rest: Buffer.alloc(0), unit: adu[6] as number, pdu: adu.subarray(MBAP_BYTES) };
}

/** `rest`: bytes behind it. */
function answerIn(bytes: Buffer, { asked, transaction }: Awaited): { adu: Buffer; rest: number } | null {
  const header = Buffer.from([transaction >>> 8, transaction & 0xff, 0, 0]);
  for (let at = bytes.indexOf(header); at >= 0; at = bytes.indexOf(header, at + 1)) {
    const whole = tcpAduBytes(bytes.subarray(at));
    if (!whole || at + whole > bytes.length) continue;
    const adu = bytes.subarray(at, at + whole);
    if (mismatch(asked, adu[6] as number, adu.subarray(MBAP_BYTES)) === null) return { adu, rest: bytes.length - at - whole };
  }
  return null;
}

/** Whether a pattern lies in these bytes, or may begin at their end. */
function mayHold(bytes: Buffer, patterns: readonly Buffer[]): boolean {
  return patterns.some((pattern) => pattern.length > 0 && (bytes.includes(pattern)
    || Array.from({ length: pattern.length - 1 }, (_, at) => pattern.subarray(0, at + 1)).some((begin) => bytes.subarray(-begin.length).equals(begin))));
}
