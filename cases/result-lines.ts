/** Results as JSON lines: output of `--json` and content of `expected.jsonl`. */
import type { Decoded, Request, FrameExchange } from '../core/driver.ts';
import type { Evidence } from '../core/event.ts';
import { explain, FAULTS, type Fault, type Language } from '../core/faults.ts';
import type { FaultRow } from '../core/faults/row.ts';
import { lineExtras, type SampleLine } from '../core/sample.ts';

export interface FaultLine {
  fault: string;
  stage: string;
  message: string;
  remedy: string;
  at: number;
}

export type ResultLine = SampleLine | FaultLine;

export interface ResultContext {
  device: string;
  /** ms UTC of the frame; a value's device time takes precedence. */
  at: number;
  request?: Request | undefined;
  /** Unit of a point whose value does not carry one: from the config or the driver's table. */
  unitOf?(point: string): string;
  language?: Language;
  /** Adds tag details and raw bytes, which are not part of a case. */
  isForPeople?: boolean;
  /** What the edge says around this frame, for people. */
  exchange?: FrameExchange | undefined;
}

export function faultLine(fault: Fault, atMs: number, language: Language = 'en'): FaultLine {
  return { fault: fault.code, stage: FAULTS[fault.code].stage, ...explain(fault, language), at: atMs };
}

/** Lines of one decoded frame: its faults, each once, then one line per point. Lost points are bad, with the fault's flag. */
export function resultLines(
  decoded: Decoded,
  { device, at: atMs, request, unitOf = () => '', language = 'en', isForPeople = false, exchange = {} }: ResultContext,
): ResultLine[] {
  if (!decoded.ok) {
    const row: FaultRow = FAULTS[decoded.fault.code];
    const points = decoded.points ?? request?.points ?? [];
    return [
      faultLine(decoded.fault, atMs, language),
      ...points.map((point): SampleLine => ({
        device,
        point,
        value: null,
        unit: unitOf(point),
        at: atMs,
        quality: 'bad',
        flags: [row.flag ?? 'other'],
      })),
    ];
  }
  const values = decoded.values ?? [];
  const faults = new Map(values.flatMap(({ fault }) => (fault ? [[JSON.stringify(fault), fault] as const] : [])));
  return [
    ...[...faults.values()].map((fault) => faultLine(fault, atMs, language)),
    ...values.map((one): SampleLine => ({
      device,
      point: one.point,
      value: one.value,
      unit: one.unit ?? unitOf(one.point),
      at: one.deviceAt ?? atMs,
      quality: one.quality ?? 'good',
      flags: one.flags ?? [],
      ...lineExtras(one),
      ...(isForPeople ? { ...tagOf(one.evidence), ...(one.bytes && { bytes: one.bytes }), ...inHex(exchange) } : {}),
    })),
  ];
}

function inHex({ question, answer }: FrameExchange): Pick<SampleLine, 'question' | 'answer'> {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return { ...(question && { question: hex(question) }), ...(answer && { answer: hex(answer) }) };
}

function tagOf(evidence: readonly Evidence[] = []): Pick<SampleLine, 'tag'> {
  const tag = evidence.find((one) => one.kind === 'tag');
  return tag ? { tag } : {};
}
