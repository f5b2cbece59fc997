/** `node tools/long-lines.ts [--lower]`: lines of code that are too long to read; how many each folder has left may only shrink. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ourFiles } from './our-files.ts';

const ROOT = join(import.meta.dirname, '..');
/** Folder → how many it has left; those of a folder that is not in it are mistakes. */
const REMAINING_FILE = join(import.meta.dirname, 'long-lines.json');

const LONGEST = 140;
/** What stands around a literal that is too long by itself: there is nothing to break. */
const AROUND_LITERAL = 70;
const LITERAL = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[(,=:?&|!] ?)\/(?![/*])(?:[^/\\]|\\.)+\/[a-z]*/g;
/** Tables of words, a row a line. */
const TABLES = /(?:^|\/)(?:faults\/[\w-]+|faults|losses|telemetry|words)\.ts$/;

export interface LongLine {
  path: string;
  line: number;
  length: number;
}

/** Lines of a file that could be broken and are not. */
export function longLinesOf(path: string, text: string): LongLine[] {
  if (TABLES.test(path)) return [];
  return text
    .split('\n')
    .flatMap((line, index) => (line.length > LONGEST && isBreakable(line) ? [{ path, line: index + 1, length: line.length }] : []));
}

function isBreakable(line: string): boolean {
  const longest = Math.max(0, ...(line.match(LITERAL) ?? []).map((literal) => literal.length));
  return line.trim().length - longest > AROUND_LITERAL;
}

/** Of the whole tree, by top folder. */
export function longLines(): Map<string, LongLine[]> {
  return Map.groupBy(
    ourFiles(ROOT, ['ts', 'tsx', 'mjs', 'js']).flatMap((path) => longLinesOf(path, readFileSync(join(ROOT, path), 'utf8'))),
    ({ path }) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '.'),
  );
}

/** One sentence a folder that has more than it may. */
export function growth(found: ReadonlyMap<string, readonly LongLine[]>, remaining: Readonly<Record<string, number>>): string[] {
  return [...found].flatMap(([folder, lines]) => {
    const allowed = remaining[folder] ?? 0;
    if (lines.length <= allowed) return [];
    const places = lines.map(({ path, line, length }) => `  ${path}:${line} (${length})`);
    return [
      `${folder}: ${lines.length} lines of more than ${LONGEST} characters, ${allowed} allowed${allowed === 0 ? `\n${places.join('\n')}` : ''}`,
    ];
  });
}

if (import.meta.main) {
  const remaining = JSON.parse(readFileSync(REMAINING_FILE, 'utf8')) as Record<string, number>;
  const found = longLines();
  const complaints = growth(found, remaining);
  if (complaints.length > 0)
    process.stderr.write(`${complaints.join('\n')}\n  → wrap them; \`node tools/long-lines.ts FOLDER\` lists those of a folder\n`);
  for (const folder of process.argv.slice(2).filter((word) => !word.startsWith('-'))) {
    for (const { path, line, length } of found.get(folder) ?? []) process.stdout.write(`${path}:${line} (${length})\n`);
  }
  if (process.argv.includes('--lower')) {
    const lowered = Object.fromEntries(
      Object.keys(remaining)
        .map((folder) => [folder, Math.min(remaining[folder] ?? 0, found.get(folder)?.length ?? 0)])
        .filter(([, count]) => count !== 0),
    );
    writeFileSync(REMAINING_FILE, `${JSON.stringify(lowered, null, 2)}\n`);
  }
  process.exitCode = complaints.length > 0 ? 1 : 0;
}
