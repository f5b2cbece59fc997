/**
 * Checks configuration files: reads YAML, fills in secrets, holds it against a zod schema, and gives every problem at
 * once with its place. Touches no device; what it reads from outside (environment, secret files) comes as arguments.
 */
import type { z } from 'zod';
import { ConfigDocument, type ConfigSource, type Secrets } from './document.ts';
import { configIssues, quoteValue, unknownKey, valueAtPath, type IssueContext, type ConfigIssue } from './issues.ts';
import { sortProblems, type ConfigProblem, type ConfigPath } from './problem.ts';
import { unwrapSchema, defOf, metaOf, schemaAt } from './schema-notes.ts';
import type { BilingualText } from '../bilingual-text.ts';

export type { ConfigSource, Secrets } from './document.ts';
export { sortProblems, problemLine, resolvePath, type ConfigProblem, type ConfigPath, type ProblemLine } from './problem.ts';
export { ConfigDocument } from './document.ts';

export interface CheckOptions extends Secrets {
  /** How the file is spoken of at its top; default: this file. */
  owner?: BilingualText;
}

export interface CheckedDocument<T> {
  /** null when there are problems. */
  value: T | null;
  problems: ConfigProblem[];
}

const THIS_FILE: BilingualText = { en: 'this file', zh: '本文件' };

/**
 * The usual way in: text → value, or all its problems from the top down.
 *
 * @param source the file's path (for places and for paths relative to it) and its text
 */
export function checkDocument<T>(source: ConfigSource, schema: z.ZodType<T>, options: CheckOptions = {}): CheckedDocument<T> {
  const document = new ConfigDocument(source, options);
  const checked = checkPart(document, schema, [], options.owner);
  const problems = sortProblems([...document.problems, ...checked.problems]);
  return { value: problems.length === 0 ? checked.value : null, problems };
}

/** Holds one part of a read file against a schema; `owner` is how the part is spoken of (`device "pump"`). */
export function checkPart<T>(
  document: ConfigDocument,
  schema: z.ZodType<T>,
  base: ConfigPath = [],
  owner: BilingualText = THIS_FILE,
  value: unknown = valueAtPath(document.value, base),
): CheckedDocument<T> {
  // An empty file or part lacks what it lacks; that is told better than "nothing is not an object".
  const root = value ?? (defOf(unwrapSchema(schema)).type === 'object' ? {} : value);
  const around: IssueContext = {
    schema,
    root,
    base,
    owner,
    show: (path, shown) => {
      const field = schemaAt(schema, path.slice(base.length));
      return document.secretSource(path) ?? (field && metaOf(field).secret ? '(secret)' : quoteValue(shown));
    },
    written: (path) => document.written(path),
  };
  const parsed = schema.safeParse(root);
  const all = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => configIssues(issue, around))),
    ...strangers(schema, root, [], around),
  ];
  const problems = all.flatMap((one) => placed(document, one));
  return { value: parsed.success && all.length === 0 ? parsed.data : null, problems };
}

function placed(document: ConfigDocument, { path, fault, what }: ConfigIssue): ConfigProblem[] {
  const problem = document.problem(path, fault, what);
  return problem ? [problem] : [];
}

/** Unknown names below schemas that would silently drop them (`z.object`): here every schema is strict. */
function strangers(schema: z.ZodType, value: unknown, path: ConfigPath, around: IssueContext): ConfigIssue[] {
  if (value === null || typeof value !== 'object') return [];
  const def = defOf(unwrapSchema(schema));
  if (def.options) {
    const meant = def.options.find((option) => option.safeParse(value).success);
    return meant ? strangers(meant, value, path, around) : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const element = def.element ?? def.items?.[index];
      return element ? strangers(element, item, [...path, index], around) : [];
    });
  }
  const { shape, valueType } = def;
  return Object.entries(value).flatMap(([key, item]) => {
    const next = shape && Object.hasOwn(shape, key) ? shape[key] : valueType;
    if (next) return strangers(next, item, [...path, key], around);
    return shape && !def.catchall ? [unknownKey(path, key, Object.keys(shape), around)] : [];
  });
}
