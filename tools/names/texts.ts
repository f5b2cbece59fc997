/** Where words that were given up still stand: in code, in messages and in documents. */

export interface Text {
  path: string;
  text: string;
}

export interface GivenUpWord {
  word: string | RegExp;
  /** What to write instead. */
  use: string;
  /** Files in which the word means something else, with the reason. */
  except?: readonly { path: RegExp; because: string }[];
}

/** `path:line: word, write use`, for every hit. */
export function givenUpHits(texts: readonly Text[], words: readonly GivenUpWord[]): string[] {
  const patterns = words.map(({ word, use, except = [] }) => ({ pattern: typeof word === 'string' ? new RegExp(`(?<![\\w$])${word}(?![\\w$])`) : word, use, except }));
  return texts.flatMap(({ path, text }) => {
    const applied = patterns.filter(({ pattern, except }) => pattern.test(text) && !except.some((row) => row.path.test(path)));
    if (applied.length === 0) return [];
    return text.split('\n').flatMap((line, index) => applied.flatMap(({ pattern, use }) => {
      const [hit] = pattern.exec(line) ?? [];
      return hit === undefined ? [] : [`${path}:${index + 1}: ${hit}, write ${use}`];
    }));
  });
}
