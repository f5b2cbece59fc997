/** JSON of somebody else. Nested too deeply, it can be parsed but neither checked nor written again: both recurse and end in a RangeError. */

/** Events, states and commands nest at most some ten deep. */
export const MAX_JSON_DEPTH = 64;

/** @throws SyntaxError when it is no JSON, or nests deeper than MAX_JSON_DEPTH */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError(`JSON nested more than ${MAX_JSON_DEPTH} deep`);
  return JSON.parse(text);
}

/** Looks at each character at most twice. */
export function isTooDeep(text: string): boolean {
  if (!hasMoreOpenings(text)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

/** Most texts, columns among them, open fewer brackets than may nest: they need no closer look. */
function hasMoreOpenings(text: string): boolean {
  let count = 0;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > MAX_JSON_DEPTH) return true;
    }
  }
  return false;
}

/** Of its closing quote; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at;
    if (code === 0x5c) at += 1;
  }
  return text.length;
}
