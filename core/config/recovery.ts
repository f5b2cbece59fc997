/**
 * YAML that does not parse still has readable lines around the bad one. To report every problem at once, a line that
 * cannot be read is told, left out, and the rest is read again.
 */
import { LineCounter, parseDocument, type Document, type ErrorCode, type YAMLParseError } from 'yaml';

export interface SyntaxProblem {
  line: number;
  column: number;
  code: ErrorCode;
  /** The parser's own words, English. */
  detail: string;
  /** Offset of what the parser complains about in the text that was read. */
  offset: number;
}

export interface Recovered {
  document: Document;
  lines: LineCounter;
  syntax: SyntaxProblem[];
  /** Lines (from 1) that were left out: nothing more is said about them. */
  leftOut: Map<number, string>;
}

const MAX_LEFT_OUT = 30;
// These leave what stands before them as it was meant; the checks go on with it.
const HARMLESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DUPLICATE_KEY', 'MULTIPLE_DOCS']);

export function parseWithRecovery(text: string): Recovered {
  const syntax: SyntaxProblem[] = [];
  const leftOut = new Map<number, string>();
  let current = withoutTabs(text, syntax);
  for (;;) {
    const { document, lines } = parse(current);
    const harmless = document.errors.filter((error) => HARMLESS.has(error.code)).map((error) => place(error, lines));
    const worst = document.errors.find((error) => !HARMLESS.has(error.code));
    if (!worst || leftOut.size >= MAX_LEFT_OUT) {
      const rest = worst ? [place(worst, lines)] : [];
      return { document, lines, syntax: [...syntax, ...harmless, ...rest], leftOut };
    }
    const found = place(worst, lines);
    const at = lineToLeaveOut(current, found.line, document.errors.length);
    const content = current.split('\n')[at - 1] ?? '';
    if (!syntax.some((other) => other.line === at)) syntax.push({ ...found, ...(at === found.line ? {} : { line: at, column: content.search(/\S/) + 1 }) });
    leftOut.set(at, content);
    current = blank(current, at);
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

/** Every line that is indented by tabs is told; read on with the width of a tab that makes most sense of the file. */
function withoutTabs(text: string, syntax: SyntaxProblem[]): string {
  if (!parse(text).document.errors.some((error) => error.code === 'TAB_AS_INDENT')) return text;
  const contents = text.split('\n');
  const indents = contents.map((content) => (content.trim() === '' ? '' : (/^[ \t]*/.exec(content)?.[0] ?? '')));
  indents.forEach((indent, at) => {
    if (indent.includes('\t')) syntax.push({ line: at + 1, column: indent.indexOf('\t') + 1, code: 'TAB_AS_INDENT', detail: 'a tab', offset: 0 });
  });
  const readings = [2, 4, 8].map((width) => contents.map((content, at) => {
    const indent = indents[at] as string;
    return indent.replaceAll('\t', ' '.repeat(width)) + content.slice(indent.length);
  }).join('\n'));
  return readings.toSorted((a, b) => parse(a).document.errors.length - parse(b).document.errors.length)[0] as string;
}

/** The parser often notices a line late (an unclosed bracket or quote): the line whose absence mends most is the bad one. */
function lineToLeaveOut(text: string, noticedLine: number, errors: number): number {
  const contents = text.split('\n');
  const candidates = new Set<number>([Math.min(noticedLine, contents.length)]);
  for (let line = noticedLine - 1; line >= 1 && candidates.size < 2; line -= 1) if (contents[line - 1]?.trim()) candidates.add(line);
  // A quote that is never closed is noticed at the end of the file only.
  contents.forEach((content, at) => { if (at < noticedLine && oddQuotes(content) && candidates.size < 8) candidates.add(at + 1); });
  let best = noticedLine;
  let fewest = errors;
  for (const candidate of candidates) {
    const left = parse(blank(text, candidate)).document.errors.length;
    if (left < fewest) [best, fewest] = [candidate, left];
  }
  return Math.min(best, contents.length);
}

const oddQuotes = (content: string): boolean => [`"`, `'`].some((quote) => (content.split(quote).length - 1) % 2 === 1);

function blank(text: string, line: number): string {
  // A list item keeps its dash, so that the items after it keep their numbers.
  return text.split('\n').map((content, at) => (at === line - 1 ? (/^(\s*- )/.exec(content)?.[1] ?? '') : content)).join('\n');
}
