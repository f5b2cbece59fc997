/** What the project's files export, by name; and which names mean several things. */
import type { SourceFile } from '../imports.ts';

const EXPORT = /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;

/** Tests, and what a user would copy, have names of their own. */
const isCounted = (path: string) => !path.endsWith('.test.ts') && !path.startsWith('docs/');

/** Name → the files that declare it; an interface and a function of one name in one file are one thing. */
function exportedNames(sources: readonly SourceFile[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { path, text } of sources) {
    if (!isCounted(path)) continue;
    for (const name of new Set([...text.matchAll(EXPORT)].map(([, found]) => found as string))) {
      names.set(name, [...(names.get(name) ?? []), path]);
    }
  }
  return names;
}

/** Names that several files declare, `allowed` ones aside, as `name: file, file`. */
export function repeatedNames(sources: readonly SourceFile[], allowed: Readonly<Record<string, string>>): string[] {
  return [...exportedNames(sources)].filter(([name, paths]) => paths.length > 1 && !Object.hasOwn(allowed, name)).map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

/** Allowed names that are no longer repeated. */
export function needlessRepeats(sources: readonly SourceFile[], allowed: Readonly<Record<string, string>>): string[] {
  const names = exportedNames(sources);
  return Object.keys(allowed).filter((name) => (names.get(name)?.length ?? 0) < 2);
}
