/**
 * What an installer writes to find a value in JSON: a path, which is read by itself, or any other expression of JSONata
 * that only computes. What could run without end, reach beyond the message or differ from one run to the next is
 * refused when the file is checked; the rest is bounded in steps, so the same message gives the same on any machine.
 */
import { createRequire } from 'node:module';
import type jsonata from 'jsonata';
import { allAt, isPath } from './path.ts';

const MOST_CHARS = 1000;
const MOST_VALUES = 1000;
/** A reading needs tens; a message that makes a join of its lists needs millions. */
const MOST_STEPS = 20_000;
const MOST_KNOWN = 10_000;

const FUNCTIONS = new Set([
  'sum', 'count', 'max', 'min', 'average', 'abs', 'floor', 'ceil', 'round', 'power', 'sqrt', 'number', 'string', 'boolean', 'not', 'exists', 'type',
  'length', 'substring', 'substringBefore', 'substringAfter', 'uppercase', 'lowercase', 'trim', 'contains', 'split', 'join', 'base64decode', 'parseInteger',
  'append', 'reverse', 'sort', 'distinct', 'zip', 'keys', 'lookup', 'merge', 'spread', 'toMillis', 'fromMillis', 'formatNumber', 'formatBase',
]);
const NODES = new Set(['path', 'name', 'number', 'string', 'value', 'binary', 'unary', 'condition', 'block', 'bind', 'variable', 'function', 'wildcard', 'descendant', 'sort', 'filter', 'group']);

export interface Words {
  en: string;
  zh: string;
}

/** What stands at it; `failed` says why where it could not be computed. */
export interface Found {
  values: unknown[];
  failed: Words | null;
}

type Reader = (root: unknown) => Found;

const readers = new Map<string, Reader | { refused: Words }>();
let loaded: typeof jsonata | undefined;
/** Only where somebody writes more than a path. */
const library = () => (loaded ??= createRequire(import.meta.url)('jsonata') as typeof jsonata);

/** Why this is no expression that may be used; null when it is one. */
export function whyNot(text: string): Words | null {
  const reader = readerOf(text);
  return 'refused' in reader ? reader.refused : null;
}

/** All that stands there, several where it gives a list, never more than 1000. Never throws. */
export function valuesAt(root: unknown, text: string): Found {
  const reader = readerOf(text);
  return 'refused' in reader ? { values: [], failed: reader.refused } : reader(root);
}

/** The first of them; undefined where there is none. */
export const valueAt = (root: unknown, text: string): unknown => valuesAt(root, text).values[0];

function readerOf(text: string): Reader | { refused: Words } {
  let reader = readers.get(text);
  if (!reader) {
    reader = isPath(text) ? (root) => ({ values: allAt(root, text), failed: null }) : computing(text);
    if (readers.size < MOST_KNOWN) readers.set(text, reader);
  }
  return reader;
}

class TooMuch extends Error {}

/** The library speaks English alone; its codes are documented. */
function said(error: unknown): Words {
  if (error instanceof TooMuch) return { en: `it takes more than ${MOST_STEPS} steps on this message`, zh: `对此消息的计算超过 ${MOST_STEPS} 步` };
  const { code, message } = error as Error & { code?: string };
  return { en: message, zh: `${code ?? '计算失败'}（${message}）` };
}

function computing(text: string): Reader | { refused: Words } {
  if (text.trim() === '' || text.length > MOST_CHARS) return { refused: { en: `it must have 1 to ${MOST_CHARS} characters`, zh: `长度应为 1 到 ${MOST_CHARS} 个字符` } };
  let expression: jsonata.Expression;
  try {
    expression = library()(text);
  } catch (error) {
    return { refused: said(error) };
  }
  const refused = refusalOf(expression.ast(), new Set(['', '$']));
  if (refused !== null) return { refused };
  let steps = 0;
  expression.assign('__evaluate_entry', () => {
    steps += 1;
    if (steps > MOST_STEPS) throw new TooMuch();
  });
  return (root) => {
    steps = 0;
    try {
      const result: unknown = expression.evaluate(root);
      const values = Array.isArray(result) ? (result as unknown[]).slice(0, MOST_VALUES) : [result];
      // What an object inherits is nothing that a message says.
      return { values: values.filter((value) => value !== undefined && typeof value !== 'function'), failed: null };
    } catch (error) {
      return { values: [], failed: said(error) };
    }
  };
}

/** @param names of variables that may be read: the message, and what the expression itself has put aside */
function refusalOf(node: unknown, names: Set<string>): Words | null {
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
  if (focus !== undefined || index !== undefined || nextFunction !== undefined) return notHere('@ # ~>');
  if (typeof type !== 'string' || !NODES.has(type)) return notHere(String(type));
  if (type === 'binary' && value === '..') return notHere('..');
  if (type === 'bind') names.add(String((lhs as { value?: unknown }).value));
  if (type === 'variable' && !names.has(String(value))) return notHere(`$${String(value)}`);
  if (type === 'function') {
    const called = procedure as { type?: unknown; value?: unknown };
    if (called.type !== 'variable' || !FUNCTIONS.has(String(called.value))) return notHere(called.type === 'variable' ? `$${String(called.value)}()` : '()');
  }
  return refusalOf(Object.entries(node).filter(([key]) => key !== 'procedure').map(([, one]) => one as unknown), names);
}

const notHere = (what: string): Words => ({ en: `\`${what}\` is not available here`, zh: `此处不能使用 \`${what}\`` });
