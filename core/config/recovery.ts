/**
 * YAML that does not parse still has readable lines around the bad one. To report every problem at once, a line that
 * cannot be read is told, left out, and the rest is read again.
 */
import { LineCounter, parseDocument, type Document, type ErrorCode, type YAMLParseError } from 'yaml';
import { tooDeepLine } from './nesting.ts';

interface SyntaxProblem {
  line: number;
  column: number;
  code: ErrorCode;
  /** The parser's own words, English. */
  detail: string;
  /** Offset of what the parser complains about in the text that was read. */
  offset: number;
}

export interface RecoveredDocument {
  document: Document;
  lines: LineCounter;
  syntax: SyntaxProblem[];
  /** Lines (from 1) that were left out: nothing more is said about them. */
  leftOut: Map<number, string>;
}

const MAX_LEFT_OUT = 30;
const TRIES_CHARS = 3_000_000;
// These leave what stands before them as it was meant; the checks go on with it.
const HARMLESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DUPLICATE_KEY', 'MULTIPLE_DOCS']);

export function parseWithRecovery(text: string): RecoveredDocument {
  const deep = tooDeepLine(text);
  if (deep !== null)
    return { ...parse(''), syntax: [{ line: deep, column: 1, code: 'RESOURCE_EXHAUSTION', detail: '', offset: 0 }], leftOut: new Map() };
  const syntax: SyntaxProblem[] = [];
  const leftOut = new Map<number, string>();
  let current = text;
  let { document, lines } = parse(current);
  if (document.errors.some((error) => error.code === 'TAB_AS_INDENT')) {
    current = withoutTabs(text, syntax);
    ({ document, lines } = parse(current));
  }
  // Trying out what mends a file is worth it for a file that a person wrote, not for megabytes.
  const mostLeftOut = Math.min(MAX_LEFT_OUT, Math.floor(TRIES_CHARS / Math.max(1, text.length)));
  for (;;) {
    const harmless = document.errors.filter((error) => HARMLESS.has(error.code)).map((error) => place(error, lines));
    const worst = document.errors.find((error) => !HARMLESS.has(error.code));
    const found = worst && place(worst, lines);
    const lineIndex = found && leftOut.size < mostLeftOut ? lineToLeaveOut(current, found.line, document.errors.length, leftOut) : null;
    if (!found || lineIndex === null) return { document, lines, syntax: [...syntax, ...harmless, ...(found ? [found] : [])], leftOut };
    const content = current.split('\n')[lineIndex - 1] ?? '';
    if (!syntax.some((other) => other.line === lineIndex))
      syntax.push({ ...found, ...(lineIndex === found.line ? {} : { line: lineIndex, column: content.search(/\S/) + 1 }) });
    leftOut.set(lineIndex, content);
    current = blank(current, lineIndex);
    ({ document, lines } = parse(current));
  }
}

function parse(text: string): { document: Document; lines: LineCounter } {
  const lines = new LineCounter();
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: 'error' }), lines };
}

function place(error: YAMLParseError, lines: LineCounter): SyntaxProblem {
  const { line, col } = lines.linePos(error.pos[0]);
  return { line, column: col, code: error.code, detail: error.message, offset: error.pos[0] };
}

/** Every line that is indented by tabs is told; read on as it was probably meant. */
function withoutTabs(text: string, syntax: SyntaxProblem[]): string {
  const contents = text.split('\n');
  const indents = contents.map((content) => (content.trim() === '' ? '' : (/^[ \t]*/.exec(content)?.[0] ?? '')));
  indents.forEach((indent, index) => {
    if (indent.includes('\t'))
      syntax.push({ line: index + 1, column: indent.indexOf('\t') + 1, code: 'TAB_AS_INDENT', detail: 'a tab', offset: 0 });
  });
  const byWidth = (width: number) => indents.map((indent) => indent.replaceAll('\t', ' '.repeat(width)));
  const readings = [meantIndents(contents, indents), byWidth(2), byWidth(4), byWidth(8)].map((meant) =>
    contents.map((content, index) => (meant[index] as string) + content.slice((indents[index] as string).length)).join('\n'),
  );
  const errors = new Map(readings.map((reading) => [reading, parse(reading).document.errors.length]));
  // Of equal ones the first: what follows from the lines around.
  return readings.toSorted((one, other) => (errors.get(one) ?? 0) - (errors.get(other) ?? 0))[0] as string;
}

/** Below a line that ends with a colon: two deeper; below a line of the same tabs: the same; else beside the line before. */
function meantIndents(contents: readonly string[], indents: readonly string[]): string[] {
  const meant: string[] = [];
  const known = new Map<string, string>();
  let before = '';
  let beforeIndent = '';
  contents.forEach((content, index) => {
    const indent = indents[index] as string;
    const words = content.trim();
    if (words === '' || words.startsWith('#')) return void meant.push('');
    const inner = beforeIndent + (before.startsWith('- ') ? '  ' : '');
    if (!indent.includes('\t')) {
      known.clear();
      meant.push(indent);
    } else {
      const isItem = words.startsWith('- ');
      const beside = isItem && before.startsWith('- ') ? beforeIndent : inner;
      const now = known.get(indent) ?? (before.endsWith(':') ? `${inner}  ` : beside);
      known.set(indent, now);
      meant.push(now);
    }
    before = words;
    beforeIndent = meant[index] as string;
  });
  return meant;
}

/**
 * The parser often notices a line late (an unclosed bracket or quote): the line whose absence mends most is the bad one.
 *
 * @returns null when every line that it could be was left out already
 */
function lineToLeaveOut(text: string, noticedLine: number, errors: number, leftOut: ReadonlyMap<number, string>): number | null {
  const contents = text.split('\n');
  const noticed = Math.min(noticedLine, contents.length);
  const isCandidate = (line: number) => !leftOut.has(line) && (contents[line - 1] ?? '').trim() !== '';
  const candidates = new Set<number>([noticed].filter(isCandidate));
  const before = Array.from({ length: noticed - 1 }, (_, back) => noticed - 1 - back).find(isCandidate);
  if (before !== undefined) candidates.add(before);
  // A quote that is never closed is noticed at the end of the file only.
  for (let line = 1; line < noticed && candidates.size < 8; line += 1)
    if (isCandidate(line) && oddQuotes(contents[line - 1] as string)) candidates.add(line);
  let best: number | null = null;
  let fewest = Infinity;
  for (const candidate of candidates) {
    const left = parse(blank(text, candidate)).document.errors.length;
    if (left < fewest) [best, fewest] = [candidate, left];
  }
  return candidates.has(noticed) && fewest >= errors ? noticed : best;
}

const oddQuotes = (content: string): boolean => [`"`, `'`].some((quote) => (content.split(quote).length - 1) % 2 === 1);

function blank(text: string, line: number): string {
  // A list item keeps its dash, so that the items after it keep their numbers.
  return text.split('\n').map((content, index) => (index === line - 1 ? (/^(\s*- )/.exec(content)?.[1] ?? '') : content)).join('\n');
}
