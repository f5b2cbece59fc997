/**
 * Paths into JSON: `a.b`, `list[0].value` (negative from the end), `list[*].value` (each), `` `odd name` `` in back-quotes.
 * No code is run: a path takes as long as it has steps. It sees own fields alone, and only `[*]` goes into a list.
 */
export type Step = { name: string } | { index: number } | 'each';

const PLAIN_NAME = /^[\p{L}\p{N}_@][\p{L}\p{N}_$@-]*$/u;
const TOKEN = /(?:^|\.)([\p{L}\p{N}_@][\p{L}\p{N}_$@-]*|`[^`]+`)|\[(-?\d{1,6}|\*)\]/uy;
const MOST_STEPS = 32;
const MOST_VALUES = 1000;
const MOST_KNOWN = 10_000;

function parse(text: string): Step[] | null {
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (!token || steps.length >= MOST_STEPS) return null;
    const [, name, index] = token;
    if (name !== undefined) steps.push({ name: name.startsWith('`') ? name.slice(1, -1) : name });
    else steps.push(index === '*' ? 'each' : { index: Number(index) });
  }
  return steps.length > 0 ? steps : null;
}

/** A field's name as a step of a path. */
export const stepFor = (name: string): string => (PLAIN_NAME.test(name) ? name : `\`${name}\``);

export const isPath = (text: string): boolean => parse(text) !== null;

const known = new Map<string, Step[]>();

function stepsOf(text: string): readonly Step[] {
  let steps = known.get(text);
  if (!steps) {
    steps = parse(text) ?? [];
    if (known.size < MOST_KNOWN) known.set(text, steps);
  }
  return steps;
}

/** All that stands at a path: none where it leads nowhere, several by `[*]`, never more than 1000. Only own fields are seen. */
export function allAt(root: unknown, path: string): unknown[] {
  let found: unknown[] = [root];
  for (const step of stepsOf(path)) {
    const next: unknown[] = [];
    for (const value of found) {
      if (step === 'each') {
        if (Array.isArray(value)) for (const one of value.slice(0, MOST_VALUES - next.length)) next.push(one);
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

/** The first that stands at a path; undefined where it leads nowhere. */
export const at = (root: unknown, path: string): unknown => allAt(root, path)[0];
