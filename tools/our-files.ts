/** The files of the tree that we wrote: not what was installed, built, or left by a run. */
import { globSync } from 'node:fs';

const FOREIGN = /^(?:data|shared)\/|(?:^|\/)(?:dist|console-dist)\//;

/** @param extensions without the dot. @returns paths from the root, sorted */
export const ourFiles = (root: string, extensions: readonly string[]): string[] =>
  globSync(`**/*.{${extensions.join(',')}}`, { cwd: root, exclude: (name) => name === 'node_modules' || name.startsWith('.') })
    .filter((path) => !FOREIGN.test(path))
    .toSorted();
