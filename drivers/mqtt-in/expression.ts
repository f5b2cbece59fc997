/**
 * Expressions for values in JSON: a path, or a JSONata expression that only computes. Expressions that could run without
 * end, reach beyond the message or differ between runs are refused when the configuration is checked; the rest is limited
 * in steps, so that the same message gives the same result on any machine.
 */
import { createRequire } from 'node:module';
import type jsonata from 'jsonata';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { valuesAtPath, isPath } from './path.ts';

const MAX_CHARS = 1000;
const MAX_VALUES = 1000;
/** A usual expression needs tens; one that joins lists needs millions. */
const MAX_STEPS = 20_000;
const MAX_KNOWN = 10_000;

const FUNCTIONS = new Set([
  'sum',
  'count',
  'max',
  'min',
  'average',
  'abs',
  'floor',
  'ceil',
  'round',
  'power',
  'sqrt',
  'number',
  'string',
  'boolean',
  'not',
  'exists',
  'type',
  'length',
  'substring',
  'substringBefore',
  'substringAfter',
  'uppercase',
  'lowercase',
  'trim',
  'contains',
  'split',
  'join',
  'base64decode',
  'parseInteger',
  'append',
  'reverse',
  'sort',
  'distinct',
  'zip',
  'keys',
  'lookup',
  'merge',
  'spread',
  'toMillis',
  'fromMillis',
  'formatNumber',
  'formatBase',
]);
const NODES = new Set([
  'path',
  'name',
  'number',
  'string',
  'value',
  'binary',
  'unary',
  'condition',
  'block',
  'bind',
  'variable',
  'function',
  'wildcard',
  'descendant',
  'sort',
  'filter',
  'group',
]);

/** The values of an expression; `problem` is the reason where it failed. */
export interface ExpressionResult {
  values: unknown[];
  problem: BilingualText | null;
}

type Reader = (root: unknown) => ExpressionResult;

const readers = new Map<string, Reader | { refused: BilingualText }>();
let loaded: typeof jsonata | undefined;
/** Loaded only for expressions that are more than a path. */
const library = () => (loaded ??= createRequire(import.meta.url)('jsonata') as typeof jsonata);

/** Why the expression is not allowed; null when it is. */
export function expressionProblem(text: string): BilingualText | null {
  const reader = readerOf(text);
  return 'refused' in reader ? reader.refused : null;
}

/** All values of the expression, several for a list, at most 1000. Never throws. */
export function evaluateAll(root: unknown, text: string): ExpressionResult {
  const reader = readerOf(text);
  return 'refused' in reader ? { values: [], problem: reader.refused } : reader(root);
}

/** The first value; undefined when there is none. */
export const evaluateFirst = (root: unknown, text: string): unknown => evaluateAll(root, text).values[0];

function readerOf(text: string): Reader | { refused: BilingualText } {
  let reader = readers.get(text);
  if (!reader) {
    reader = isPath(text) ? (root) => ({ values: valuesAtPath(root, text), problem: null }) : compile(text);
    if (readers.size < MAX_KNOWN) readers.set(text, reader);
  }
  return reader;
}

class TooManySteps extends Error {}

/** The library's messages are English only; its codes are documented. */
function problemOf(error: unknown): BilingualText {
  if (error instanceof TooManySteps) return { en: `more than ${MAX_STEPS} steps for this message`, zh: `对此消息的计算超过 ${MAX_STEPS} 步` };
  const { code, message } = error as Error & { code?: string };
  return { en: message, zh: `${code ?? '计算失败'}（${message}）` };
}

function compile(text: string): Reader | { refused: BilingualText } {
  if (text.trim() === '' || text.length > MAX_CHARS)
    return { refused: { en: `it must have 1 to ${MAX_CHARS} characters`, zh: `长度应为 1 到 ${MAX_CHARS} 个字符` } };
  let expression: jsonata.Expression;
  try {
    expression = library()(text);
  } catch (error) {
    return { refused: problemOf(error) };
  }
  const refused = refusalOf(expression.ast(), new Set(['', '$']));
  if (refused !== null) return { refused };
  let steps = 0;
  expression.assign('__evaluate_entry', () => {
    steps += 1;
    if (steps > MAX_STEPS) throw new TooManySteps();
  });
  return (root) => {
    steps = 0;
    try {
      const result: unknown = expression.evaluate(root);
      const values = Array.isArray(result) ? (result as unknown[]).slice(0, MAX_VALUES) : [result];
      // Inherited properties are not part of a message.
      return { values: values.filter((value) => value !== undefined && typeof value !== 'function'), problem: null };
    } catch (error) {
      return { values: [], problem: problemOf(error) };
    }
  };
}

/** @param names of variables that may be read: the message, and variables bound by the expression */
function refusalOf(node: unknown, names: Set<string>): BilingualText | null {
  if (Array.isArray(node)) {
    for (const one of node as unknown[]) {
      const refused = refusalOf(one, names);
      if (refused !== null) return refused;
    }
    return null;
  }
  if (typeof node !== 'object' || node === null) return null;
  const { type, value, procedure, lhs, focus, index, nextFunction } = node as Record<string, unknown>;
  if (type === undefined) return refusalOf(Object.values(node), names);
  if (focus !== undefined || index !== undefined || nextFunction !== undefined) return notAvailable('@ # ~>');
  if (typeof type !== 'string' || !NODES.has(type)) return notAvailable(String(type));
  if (type === 'binary' && value === '..') return notAvailable('..');
  if (type === 'bind') names.add(String((lhs as { value?: unknown }).value));
  if (type === 'variable' && !names.has(String(value))) return notAvailable(`$${String(value)}`);
  if (type === 'function') {
    const called = procedure as { type?: unknown; value?: unknown };
    if (called.type !== 'variable' || !FUNCTIONS.has(String(called.value)))
      return notAvailable(called.type === 'variable' ? `$${String(called.value)}()` : '()');
  }
  return refusalOf(Object.entries(node).filter(([key]) => key !== 'procedure').map(([, one]) => one as unknown), names);
}

const notAvailable = (what: string): BilingualText => ({ en: `\`${what}\` is not available here`, zh: `此处不能使用 \`${what}\`` });
