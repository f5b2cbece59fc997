/** zod's issues as faults of ours: what is wrong and what would be right, in both languages. Pure. */
import { z } from 'zod';
import type { Fault, FaultCode } from '../faults.ts';
import { nearestName } from './nearest.ts';
import type { ConfigPath } from './problem.ts';
import { unwrapSchema, defOf, describeField, hintFor, metaOf, schemaAt, typeWords } from './schema-notes.ts';
import type { BilingualText } from '../bilingual-text.ts';

export interface ConfigIssue {
  path: ConfigPath;
  fault: Fault;
  what: 'key' | 'value';
}

type Issue = z.core.$ZodIssue;

/** What the sentences need to know beside the issue. */
export interface IssueContext {
  schema: z.ZodType;
  /** The data that was checked, whole. */
  root: unknown;
  /** Where that data stands in its file; paths given back are whole ones. */
  base: ConfigPath;
  owner: BilingualText;
  /** How a value may be shown: secrets never are. */
  show(path: ConfigPath, value: unknown): string;
  /** A scalar as written in the file, where it differs from its value (`007`). */
  written(path: ConfigPath): string | null;
}

const list = (names: readonly string[]): string => names.join(', ');
const both = (text: string): BilingualText => ({ en: text, zh: text });

/** Params of a fault from sentences in two languages. */
export function bilingualParams(words: Record<string, BilingualText>): Record<string, string> {
  const pairs = Object.entries(words).flatMap(([name, { en, zh }]) => [[name, en], ...(en === zh ? [] : [[`${name}Zh`, zh]])]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

export function configIssues(issue: Issue, around: IssueContext, prefix: ConfigPath = []): ConfigIssue[] {
  const path = [...prefix, ...(issue.path as ConfigPath)];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, keysOf(around.schema, path), around));
  if (issue.code === 'invalid_union') return 'discriminator' in issue ? wrongKind(path, around) : union(issue, path, around);
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    const inner = issue.issues[0];
    const what = inner ? complaintOf(inner, path, String(path.at(-1)), around) : both(issue.message);
    return [invalid(path, what, schemaAt(around.schema, path), around, 'key')];
  }
  const value = valueAtPath(around.root, path);
  const schema = schemaAt(around.schema, path);
  if (value === undefined && path.length > 0) return [missing(path, schema, around)];
  return [invalid(path, complaintOf(issue, path, value, around), schema, around, 'value')];
}

export function unknownKey(path: ConfigPath, key: string, known: readonly string[], around: IssueContext): ConfigIssue {
  return {
    path: [...around.base, ...path, key],
    what: 'key',
    fault: unknownName('CV_SETTING_UNKNOWN', { key }, known, ownerOf(path, around)),
  };
}

/** A name that is not among the known ones: the one that was probably meant, and all. */
export function unknownName(code: FaultCode, asked: Record<string, string>, known: readonly string[], owner: BilingualText): Fault {
  const near = nearestName(Object.values(asked)[0] ?? '', known);
  const all = list(known);
  const hint = near
    ? { en: `did you mean "${near}"? known here: ${all}`, zh: `是否想写“${near}”？此处可用：${all}` }
    : { en: `known here: ${all}`, zh: `此处可用：${all}` };
  return { code, params: { ...asked, ...(near ? { nearest: near } : {}), ...bilingualParams({ owner, hint }) } };
}

/** The names that an object schema knows at a path. */
function keysOf(schema: z.ZodType, path: ConfigPath): string[] {
  const field = schemaAt(schema, path);
  if (!field) return [];
  const def = defOf(unwrapSchema(field));
  const shapes = def.shape ? [def.shape] : (def.options ?? []).map((option) => defOf(unwrapSchema(option)).shape ?? {});
  return [...new Set(shapes.flatMap((shape) => Object.keys(shape)))];
}

function missing(path: ConfigPath, schema: z.ZodType | null, around: IssueContext): ConfigIssue {
  const key = path.at(-1) as string | number;
  return {
    path: [...around.base, ...path],
    what: 'key',
    fault: {
      code: 'CV_SETTING_MISSING',
      params: { key: String(key), ...bilingualParams({ owner: ownerOf(path.slice(0, -1), around), hint: hintFor(key, schema) }) },
    },
  };
}

function invalid(
  path: ConfigPath,
  problem: BilingualText,
  schema: z.ZodType | null,
  around: IssueContext,
  what: 'key' | 'value',
): ConfigIssue {
  const key = path.at(-1) ?? '';
  const hint = hintFor(key, schema);
  return {
    path: [...around.base, ...path],
    what,
    fault: {
      code: 'CV_SETTING_INVALID',
      params: {
        key: nameOf(path),
        ...bilingualParams({ owner: ownerOf(path.slice(0, -1), around), problem, hint: withQuotes(path, hint, schema, around) }),
      },
    },
  };
}

/** A list's item is spoken of by its list: `range[0]`. */
function nameOf(path: ConfigPath): string {
  const last = path.at(-1);
  return typeof last === 'number' && path.length > 1 ? `${String(path.at(-2))}[${last}]` : String(last ?? '');
}

/** A number where a text is wanted is most often a text without its quotes. */
function withQuotes(path: ConfigPath, hint: BilingualText, schema: z.ZodType | null, around: IssueContext): BilingualText {
  const value = valueAtPath(around.root, path);
  const isBare = typeof value === 'number' || typeof value === 'boolean';
  if (!isBare || !schema || defOf(unwrapSchema(schema)).type !== 'string' || metaOf(schema).form) return hint;
  const quoted = `"${around.written([...around.base, ...path]) ?? String(value)}"`;
  return { en: `put it in quotes: ${quoted}`, zh: `请加引号：${quoted}` };
}

function complaintOf(issue: Issue, path: ConfigPath, value: unknown, around: IssueContext): BilingualText {
  const shown = around.show([...around.base, ...path], value);
  switch (issue.code) {
    case 'invalid_type': return wrongType(issue.expected, value, shown, schemaAt(around.schema, path));
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const near = typeof value === 'string' ? nearestName(value, choices) : null;
      return {
        en: `${shown} is not one of ${list(choices)}${near ? `; did you mean ${near}?` : ''}`,
        zh: `${shown} 不在 ${list(choices)} 之列${near ? `；是否想写 ${near}？` : ''}`,
      };
    }
    case 'too_small': return size(issue.origin, issue.inclusive ? ['at least', '至少'] : ['more than', '大于'], Number(issue.minimum), shown);
    case 'too_big': return size(issue.origin, issue.inclusive ? ['at most', '至多'] : ['less than', '小于'], Number(issue.maximum), shown);
    case 'not_multiple_of': return { en: `${shown} is not a multiple of ${issue.divisor}`, zh: `${shown} 不是 ${issue.divisor} 的倍数` };
    case 'invalid_format': return wrongFormat(issue, shown);
    case 'custom': return custom(issue, path, value, around);
    default: return both(issue.message);
  }
}

function wrongType(expected: string, value: unknown, shown: string, schema: z.ZodType | null): BilingualText {
  const wanted = (schema && metaOf(schema).form) ?? typeWords(expected);
  if (value === null || value === undefined) return { en: `is empty; expected ${wanted.en}`, zh: `为空；应为${wanted.zh}` };
  if (expected === 'int' && typeof value === 'number') return { en: `${shown} is not a whole number`, zh: `${shown} 不是整数` };
  const got = typeWords(Array.isArray(value) ? 'array' : typeof value);
  const what = typeof value === 'object' ? got : { en: `${shown} is ${got.en}`, zh: `${shown} 是${got.zh}` };
  return {
    en: `${what.en}${typeof value === 'object' ? ' stands here' : ''}; expected ${wanted.en}`,
    zh: `${typeof value === 'object' ? '此处是' : ''}${what.zh}；应为${wanted.zh}`,
  };
}

function size(origin: string, [en, zh]: readonly [string, string], limit: number, shown: string): BilingualText {
  if (origin === 'string')
    return { en: `${shown} has the wrong length; ${en} ${limit} characters`, zh: `${shown} 长度不符；${zh} ${limit} 个字符` };
  if (origin === 'number' || origin === 'int' || origin === 'bigint')
    return { en: `${shown} is out of range; ${en} ${limit}`, zh: `${shown} 超出范围；应${zh} ${limit}` };
  return { en: limit === 1 ? `expected ${en} one entry` : `expected ${en} ${limit} entries`, zh: `应有${zh} ${limit} 项` };
}

const FORMATS: Record<string, BilingualText> = {
  url: { en: 'a URL', zh: 'URL 地址' },
  ipv4: { en: 'an IPv4 address', zh: 'IPv4 地址' },
  ipv6: { en: 'an IPv6 address', zh: 'IPv6 地址' },
  email: { en: 'an e-mail address', zh: '电子邮箱' },
  datetime: { en: 'a time such as 2026-01-01T00:00:00Z', zh: '时间（如 2026-01-01T00:00:00Z）' },
  date: { en: 'a date such as 2026-01-01', zh: '日期（如 2026-01-01）' },
};

function wrongFormat(issue: Extract<Issue, { code: 'invalid_format' }>, shown: string): BilingualText {
  if (issue.format !== 'regex') {
    const wanted = FORMATS[issue.format] ?? both(issue.format);
    return { en: `${shown} is not ${wanted.en}`, zh: `${shown} 不是${wanted.zh}` };
  }
  const pattern = String(issue.pattern ?? '');
  // A schema that gives a sentence of its own knows better than its pattern.
  const own = issue.message.startsWith('Invalid string') ? '' : ` (${issue.message})`;
  return { en: `${shown} does not have the form ${pattern}${own}`, zh: `${shown} 不符合格式 ${pattern}` };
}

/** A sentence of a schema's own; it may hold the value, which is masked where it is secret. */
function custom(issue: Extract<Issue, { code: 'custom' }>, path: ConfigPath, value: unknown, around: IssueContext): BilingualText {
  const zh = issue.params?.zh;
  const shown = around.show([...around.base, ...path], value);
  const isHidden = typeof value === 'string' && value !== '' && shown !== quoteValue(value);
  const mask = (text: string) => (isHidden ? text.replaceAll(value, shown) : text);
  return { en: mask(issue.message), zh: mask(typeof zh === 'string' ? zh : issue.message) };
}

export const quoteValue = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** Of several forms a setting may have, the one that was meant speaks: the one whose type fits, with fewest complaints. */
function union(issue: Extract<Issue, { code: 'invalid_union' }>, path: ConfigPath, around: IssueContext): ConfigIssue[] {
  const value = valueAtPath(around.root, path);
  const schema = schemaAt(around.schema, path);
  if (value === undefined) return [missing(path, schema, around)];
  const meant = (issue.errors as Issue[][])
    .filter(
      (branch) =>
        branch.length > 0
        && !branch.some((inner) => inner.path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(inner.code)),
    )
    .toSorted((a, b) => a.length - b.length)[0];
  if (meant) return meant.flatMap((inner) => configIssues(inner, around, path));
  const problem = around.show([...around.base, ...path], value);
  const wanted = schema ? describeField(schema) : null;
  return [
    invalid(
      path,
      { en: `${problem} is not ${wanted?.en ?? 'of a known form'}`, zh: `${problem} 不是${wanted?.zh ?? '已知的形式'}` },
      schema,
      around,
      'value',
    ),
  ];
}

/**
 * A group whose kind is none of those there are: that, and the rest of its mistakes as of the kind that was meant, by
 * the kind's name or by what else the group holds. Where nothing tells, nothing is said to be missing.
 */
function wrongKind(path: ConfigPath, around: IssueContext): ConfigIssue[] {
  const key = String(path.at(-1));
  const of = path.slice(0, -1);
  const group = valueAtPath(around.root, of) as Record<string, unknown>;
  const union = schemaAt(around.schema, of);
  const options = (union && defOf(unwrapSchema(union)).options) ?? [];
  const kinds = options.map((option) => String(defOf(unwrapSchema(shapeOf(option)[key] as z.ZodType)).values?.[0]));
  const held = options.map((option) => Object.keys(group).filter((name) => Object.hasOwn(shapeOf(option), name)).length);
  const named = typeof group[key] === 'string' ? kinds.indexOf(nearestName(group[key], kinds) ?? '') : -1;
  const most = held.indexOf(Math.max(...held));
  const isKnown = named >= 0 || held.filter((count) => count === held[most]).length === 1;
  const index = named >= 0 ? named : most;
  const meant = options[index];
  const schema = schemaAt(around.schema, path);
  const own =
    group[key] === undefined
      ? missing(path, schema, around)
      : invalid(
          path,
          complaintOf({ code: 'invalid_value', values: kinds, path: [...path], input: group[key], message: '' }, path, group[key], around),
          schema,
          around,
          'value',
        );
  const rest = meant?.safeParse({ ...group, [key]: kinds[index] }).error?.issues ?? [];
  return [
    own,
    ...rest
      .flatMap((inner) => configIssues(inner, of.length === 0 && meant ? { ...around, schema: meant } : around, of))
      .filter(({ fault }) => isKnown || fault.code !== 'CV_SETTING_MISSING'),
  ];
}

const shapeOf = (schema: z.ZodType): Record<string, z.ZodType> => defOf(unwrapSchema(schema)).shape ?? {};

/** Who holds a setting: `devices[pump-07].points[level]`; the file itself at its top. */
function ownerOf(path: ConfigPath, around: Pick<IssueContext, 'root' | 'base' | 'owner'>): BilingualText {
  const named = path.map((part, index) => {
    if (typeof part !== 'number') return `${index > 0 ? '.' : ''}${part}`;
    const item = valueAtPath(around.root, path.slice(0, index + 1));
    const id = item && typeof item === 'object' ? (item as { id?: unknown }).id : undefined;
    return `[${typeof id === 'string' ? id : part}]`;
  }).join('');
  if (!named) return around.owner;
  return around.base.length > 0 ? { en: `${around.owner.en}, ${named}`, zh: `${around.owner.zh} 的 ${named}` } : both(named);
}

export function valueAtPath(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
