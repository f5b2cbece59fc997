/** The places of a source file where a small mistake could be made, found in its syntax tree, each with the mistake. */
import { parseSync } from 'vite';

export interface MutationSite {
  line: number;
  start: number;
  end: number;
  from: string;
  to: string;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

const OPERATORS: Record<string, string> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+=': '-=',
  '-=': '+=',
};
/** Parts of a file that are no behaviour. */
const SKIPPED = new Set(['ImportDeclaration', 'ExportAllDeclaration', 'ImportExpression']);
/** What is left of these when the types are gone is the expression within. */
const TYPED = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSInstantiationExpression']);
/** Keys of an object whose texts are for readers: another wording is another document, not another behaviour. */
const WORDING = new Set(['zh', 'en', 'description', 'summary']);

export function sitesOf(path: string, text: string): MutationSite[] {
  const found: MutationSite[] = [];
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const add = (start: number, end: number, to: string) => {
    found.push({ line: text.slice(0, start).split('\n').length, start, end, from: text.slice(start, end), to });
  };
  const visit = (node: Node): void => {
    if (TYPED.has(node.type)) return visit(node['expression'] as Node);
    if (SKIPPED.has(node.type) || node.type.startsWith('TS') || isWording(node)) return;
    mutate(node, text, add);
    for (const [key, value] of Object.entries(node)) {
      if (key === 'parent') continue;
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
    }
  };
  visit(program as unknown as Node);
  return found.filter(({ start, end, to }) => parses(path, text.slice(0, start) + to + text.slice(end)));
}

function mutate(node: Node, text: string, add: (start: number, end: number, to: string) => void): void {
  const { start, end } = node;
  if (node.type === 'BinaryExpression' || node.type === 'LogicalExpression' || node.type === 'AssignmentExpression') {
    const operator = node['operator'] as string;
    const to = OPERATORS[operator];
    const left = (node['left'] as Node).end;
    const index = text.indexOf(operator, left);
    if (to && index >= 0 && index < (node['right'] as Node).start) add(index, index + operator.length, to);
  }
  if ((node.type === 'IfStatement' || node.type === 'ConditionalExpression') && isNode(node['test'])) {
    const { start: from, end: to } = node['test'];
    add(from, to, `!(${text.slice(from, to)})`);
  }
  if (node.type === 'ExpressionStatement' && isCall(node['expression'])) add(start, end, ';');
  if (node.type === 'Literal') {
    const value = node['value'];
    if (typeof value === 'number') add(start, end, String(value + 1));
    if (typeof value === 'boolean') add(start, end, String(!value));
    if (typeof value === 'string' && value !== '' && /^['"]/.test(text.slice(start, end)))
      add(start, end, `${text[start]}~${text.slice(start + 1, end)}`);
  }
  if (node.type === 'TemplateElement' || node.type === 'Literal') {
    const index = text.slice(start, end).indexOf('synchronous=FULL');
    if (index >= 0) add(start + index, start + index + 'synchronous=FULL'.length, 'synchronous=OFF');
  }
}

/** Texts in both languages, a setting's notes, of both languages, and of an error that only a programmer sees. */
function isWording(node: Node): boolean {
  const key = node['key'];
  if (node.type === 'Property' && isNode(key) && isText(node['value'])) return WORDING.has(String(key['name'] ?? key['value']));
  if (node.type === 'NewExpression' && isNode(node['callee'])) return /^(Type|Range)?Error$/.test(String(node['callee']['name']));
  const callee = node.type === 'CallExpression' && isNode(node['callee']) ? node['callee'] : null;
  return callee?.type === 'MemberExpression' && isNode(callee['property']) && callee['property']['name'] === 'meta';
}

const isText = (value: unknown): boolean =>
  isNode(value) && ((value.type === 'Literal' && typeof value['value'] === 'string') || value.type === 'TemplateLiteral');

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string' && typeof (value as Node).start === 'number';

const isCall = (value: unknown): boolean =>
  isNode(value) &&
  (value.type === 'CallExpression' ||
    (value.type === 'AwaitExpression' && isCall(value['argument'])) ||
    (value.type === 'ChainExpression' && isCall(value['expression'])));

function parses(path: string, text: string): boolean {
  return parseSync(path, text).errors.length === 0;
}
