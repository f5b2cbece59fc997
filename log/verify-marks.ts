/** What a log remembers of settled numbers, held against its rows: which missing numbers are still owed, and which marks do not fit. */
import type { Fault } from '../core/faults.ts';
import { LOST_SENDER, LOST_STREAM } from './gateway-losses.ts';
import { Marks } from './marks.ts';
import { fromMark, missingOf, type Range } from './ranges.ts';
import { owed, parseState, type StreamState } from './stream-state.ts';
import { START, type Cursor, type SettledRange } from './types.ts';
import type { FileContent } from './verify-file.ts';
import './faults.ts';

export interface Memory {
  /** What of these numbers is neither settled nor named by a gap record. */
  owed(epoch: number, from: number, to: number): Range[];
  faults: Fault[];
}

interface NamedContent {
  name: string;
  content: FileContent;
}

/** An edge's: the newest state says what is settled; epochs that it does not name are drained. */
export function edgeMemory(files: readonly NamedContent[]): Memory {
  const newest = files.at(-1);
  const state = newest ? parsed(newest.content.state, parseState) : null;
  if (!newest) return { owed: () => [], faults: [] };
  if (!state) return { owed: (_epoch, from, to) => [[from, to]], faults: [unreadable(newest.name)] };
  return { owed: (epoch, from, to) => (owes(state, epoch) ? owed(state, epoch, from, to) : []), faults: [] };
}

const owes = (state: StreamState, epoch: number): boolean => state.epochs.has(epoch) || epoch > Math.max(0, ...state.epochs.keys());

/** A gateway's: marks are the newest snapshot and the rows since; each older row has to be in that snapshot. */
export function gatewayMemory(files: readonly NamedContent[]): Memory {
  const faults: Fault[] = [];
  const newest = files.at(-1);
  const snapshot = newest ? parsed(newest.content.state, Marks.parse) : null;
  if (newest && !snapshot) faults.push(unreadable(newest.name));
  const marks = snapshot ?? new Marks();
  for (const { name, content } of files.slice(0, -1)) {
    if (snapshot) faults.push(...unmarked(name, content, marks));
  }
  for (const { content } of snapshot ? files.slice(-1) : files) {
    for (const origin of content.origins) marks.accepted(origin);
    for (const text of content.settled) for (const range of JSON.parse(text) as SettledRange[]) marks.settle(range, 0);
  }
  const trimmed = files.map(({ content }) => parsed(content.trimmed, (text) => JSON.parse(text) as Cursor)).findLast((one) => one !== null) ?? START;
  const firstKept = (epoch: number): number => (epoch === trimmed.epoch ? trimmed.seq + 1 : epoch < trimmed.epoch ? Infinity : 1);
  return { owed: (epoch, from, to) => missingOf(fromMark(marks.mark(LOST_SENDER, LOST_STREAM, epoch)), Math.max(from, firstKept(epoch)), to), faults };
}

/** Groups whose numbers the snapshot does not have: sent again, they would be taken for new. An epoch that it does not name at all is forgotten. */
function unmarked(file: string, { origins }: FileContent, marks: Marks): Fault[] {
  return origins.flatMap(({ sender, stream, epoch, seq, span }): Fault[] => {
    const have = fromMark(marks.mark(sender, stream, epoch));
    const [first] = have.length === 0 ? [] : missingOf(have, seq, seq + span - 1);
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

const unreadable = (file: string): Fault => ({ code: 'CV_VERIFY_LOG_STATE', params: { file } });
