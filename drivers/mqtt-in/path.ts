/**
 * Paths into JSON: `a.b`, `list[0].value` (negative from the end), `list[*].value` (each), `` `odd name` `` in back-quotes.
 * No code is run: the time is proportional to the steps. Only own fields are read, and only `[*]` iterates a list.
 */
export type PathStep = { name: string } | { index: number } | 'each';

const PLAIN_NAME = /^[\p{L}\p{N}_@][\p{L}\p{N}_$@-]*$/u;
const TOKEN = /(?:^|\.)([\p{L}\p{N}_@][\p{L}\p{N}_$@-]*|`[^`]+`)|\[(-?\d{1,6}|\*)\]/uy;
const MAX_STEPS = 32;
const MAX_VALUES = 1000;
const MAX_KNOWN = 10_000;

function parse(text: string): PathStep[] | null {
  const steps: PathStep[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (!token || steps.length >= MAX_STEPS) return null;
    const [, name, index] = token;
    if (name !== undefined) steps.push({ name: name.startsWith('`') ? name.slice(1, -1) : name });
    else steps.push(index === '*' ? 'each' : { index: Number(index) });
  }
  return steps.length > 0 ? steps : null;
}

/** A field name as a segment of a path. */
export const pathSegment = (name: string): string => (PLAIN_NAME.test(name) ? name : `\`${name}\``);

export const isPath = (text: string): boolean => parse(text) !== null;

const known = new Map<string, PathStep[]>();

function stepsOf(text: string): readonly PathStep[] {
  let steps = known.get(text);
  if (!steps) {
    steps = parse(text) ?? [];
    if (known.size < MAX_KNOWN) known.set(text, steps);
  }
  return steps;
}

/** All values at a path: none when it does not exist, several with `[*]`, at most 1000. */
export function valuesAtPath(root: unknown, path: string): unknown[] {
  let found: unknown[] = [root];
  for (const step of stepsOf(path)) {
    const next: unknown[] = [];
    for (const value of found) {
      if (step === 'each') {
        if (Array.isArray(value)) for (const one of value.slice(0, MAX_VALUES - next.length)) next.push(one);
      } else if ('index' in step) {
        const one = Array.isArray(value) ? (value as unknown[]).at(step.index) : undefined;
        if (one !== undefined) next.push(one);
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, step.name)) {
        next.push((value as Record<string, unknown>)[step.name]);
      }
    }
    found = next;
  }
  return found;
}

/** The first value at a path; undefined when it does not exist. */
export const valueAtJsonPath = (root: unknown, path: string): unknown => valuesAtPath(root, path)[0];
