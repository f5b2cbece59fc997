/** Settled numbers of a log compared with its rows: missing numbers that are not settled, and marks that do not match. */
import type { Fault } from '../core/faults.ts';
import { LOSS_SENDER, LOSS_STREAM } from './gateway-losses.ts';
import { SenderMarks } from './sender-marks.ts';
import { fromMark, missingRanges, type SeqRange } from './ranges.ts';
import { unsettledRows, parseStreamState, type StreamState } from './stream-state.ts';
import { LOG_START, type Cursor, type SettledRange } from './types.ts';
import type { LogFileContent } from './verify-file.ts';
import './faults.ts';

export interface SettledNumbers {
  /** The part of [from, to] that is neither settled nor covered by a gap record. */
  unsettled(epoch: number, from: number, to: number): SeqRange[];
  faults: Fault[];
}

interface NamedContent {
  name: string;
  content: LogFileContent;
}

/** Edge: from the newest state; epochs missing in it are fully settled. */
export function edgeSettledNumbers(files: readonly NamedContent[]): SettledNumbers {
  const newest = files.at(-1);
  const state = newest ? parsed(newest.content.state, parseStreamState) : null;
  if (!newest) return { unsettled: () => [], faults: [] };
  if (!state) return { unsettled: (_epoch, from, to) => [[from, to]], faults: [unreadableFault(newest.name)] };
  return { unsettled: (epoch, from, to) => (isUnsettledEpoch(state, epoch) ? unsettledRows(state, epoch, from, to) : []), faults: [] };
}

const isUnsettledEpoch = (state: StreamState, epoch: number): boolean =>
  state.epochs.has(epoch) || Math.max(...state.epochs.keys(), epoch) === epoch;

/** Gateway: the newest snapshot and the rows after it; older rows must be covered by the snapshot. */
export function gatewaySettledNumbers(files: readonly NamedContent[]): SettledNumbers {
  const faults: Fault[] = [];
  const newest = files.at(-1);
  const snapshot = newest ? parsed(newest.content.state, SenderMarks.parse) : null;
  if (newest && !snapshot) faults.push(unreadableFault(newest.name));
  const marks = snapshot ?? new SenderMarks();
  for (const { name, content } of files.slice(0, -1)) {
    if (snapshot) faults.push(...unmarkedFaults(name, content, marks));
  }
  for (const { content } of snapshot ? files.slice(-1) : files) {
    for (const origin of content.origins) marks.recordAccepted(origin);
    for (const text of content.settled) for (const range of JSON.parse(text) as SettledRange[]) marks.settle(range, 0);
  }
  const trimmed =
    files.map(({ content }) => parsed(content.trimmed, (text) => JSON.parse(text) as Cursor)).findLast((one) => one !== null) ?? LOG_START;
  const firstKept = (epoch: number): number => (epoch === trimmed.epoch ? trimmed.seq + 1 : epoch < trimmed.epoch ? Infinity : 1);
  return {
    unsettled: (epoch, from, to) =>
      missingRanges(fromMark(marks.mark(LOSS_SENDER, LOSS_STREAM, epoch)), Math.max(from, firstKept(epoch)), to),
    faults,
  };
}

/** Groups not covered by the snapshot: a resend would be accepted as new. An epoch missing in the snapshot was pruned. */
function unmarkedFaults(file: string, { origins }: LogFileContent, marks: SenderMarks): Fault[] {
  return origins.flatMap(({ sender, stream, epoch, seq, span }): Fault[] => {
    const have = fromMark(marks.mark(sender, stream, epoch));
    const [first] = have.length === 0 ? [] : missingRanges(have, seq, seq + span - 1);
    return first ? [{ code: 'CV_VERIFY_LOG_UNMARKED', params: { file, sender, stream, epoch, fromSeq: first[0], toSeq: first[1] } }] : [];
  });
}

function parsed<T>(text: string | null, parse: (text: string) => T): T | null {
  if (text === null) return null;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

const unreadableFault = (file: string): Fault => ({ code: 'CV_VERIFY_LOG_STATE', params: { file } });
