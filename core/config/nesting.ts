/**
 * How deep a YAML text nests, before it is parsed: the parser recurses, and where its stack ends inside a regular
 * expression the whole process ends with it, past any `catch`.
 */

/** A configuration nests at most some ten deep; the parser's stack ends at about 700. */
export const MAX_YAML_DEPTH = 256;
/** `- - -` and `? ? ?` on one line. */
const MAX_COMPACT = 32;

/** @returns the first line (from 1) that nests deeper, or null. Looks at each character once; brackets in a text of one line count for that line alone. */
export function tooDeepLine(text: string): number | null {
  const indents: number[] = [];
  let depth = 0;
  let opened = { indent: 0, isRoot: false };
  let number = 0;
  for (const line of text.split('\n')) {
    number += 1;
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    const first = line.charAt(indent);
    if (first === '' || first === '#' || first === '\r') continue;
    const compact = /^(?:[-?] +)*/.exec(line.slice(indent))?.[0] ?? '';
    const items = compact.replaceAll(' ', '').length;
    while ((indents.at(-1) ?? -1) >= indent) indents.pop();
    indents.push(indent);
    if (items > MAX_COMPACT || indents.length + items > MAX_YAML_DEPTH) return number;
    // What is not indented further than the line of the first bracket is no part of it any more.
    if (depth > 0 && !opened.isRoot && indent <= opened.indent && !'[]{},'.includes(first)) depth = 0;
    for (let index = indent; index < line.length; index += 1) {
      const sign = line[index];
      if (sign === '#' && line[index - 1] === ' ') break;
      if (sign === '[' || sign === '{') {
        if (depth === 0) opened = { indent, isRoot: index === indent };
        depth += 1;
        if (depth > MAX_YAML_DEPTH) return number;
      } else if ((sign === ']' || sign === '}') && depth > 0) depth -= 1;
    }
  }
  return null;
}
