/**
 * `node tools/move/main.ts PLAN [--write]`: moves files and folders by a plan, and mends what names them: relative
 * paths in code (imports, `new URL('./x', import.meta.url)`, `join(import.meta.dirname, '..', 'x')`), links in Markdown,
 * and paths from the project's root in comments, strings and documents. Without --write it only says what it would do.
 *
 * A line of a plan is `FROM TO`; `FROM/` is a folder with all that is in it, else a file without its suffix, whose tests
 * go along. Of several that fit, the longest counts. Gone when the moves are done.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, posix } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const [plan, ...flags] = process.argv.slice(2);
if (plan === undefined) throw new Error('usage: node tools/move/main.ts PLAN [--write]');
const write = flags.includes('--write');

const rows = readFileSync(plan, 'utf8')
  .split('\n')
  .map((line) => line.replace(/#.*/, '').trim())
  .filter((line) => line !== '')
  .map((line) => {
    const [from, to] = line.split(/\s+/);
    if (from === undefined || to === undefined || from.endsWith('/') !== to.endsWith('/')) throw new Error(`no move: ${line}`);
    return { from, to };
  });
const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

const used = new Set<string>();
function movedFile(path: string): string {
  let best: { from: string; to: string } | null = null;
  let rest = '';
  for (const row of rows) {
    let tail: string | null = null;
    if (row.from.endsWith('/')) tail = path.startsWith(row.from) ? path.slice(row.from.length) : null;
    else if (path.startsWith(row.from) && /^(\.[a-z-]+)*\.(ts|tsx|mjs|mts)$/.test(path.slice(row.from.length)))
      tail = path.slice(row.from.length);
    if (tail === null || (best && best.from.length >= row.from.length)) continue;
    [best, rest] = [row, tail];
  }
  if (!best) return path;
  used.add(best.from);
  return best.to + rest;
}

const to = new Map(tracked.map((path) => [path, movedFile(path)]));
for (const { from } of rows) if (!used.has(from)) throw new Error(`nothing is moved by: ${from}`);
const targets = new Map<string, string>();
for (const [from, target] of to) {
  if (targets.has(target)) throw new Error(`${from} and ${targets.get(target)} would both be ${target}`);
  targets.set(target, from);
}
/** Where folders go all of whose files go to one folder; null: they go to several. */
const folders = new Map<string, string | null>();
for (const [from, target] of to) {
  for (let folder = dirname(from); folder !== '.'; folder = dirname(folder)) {
    const tail = from.slice(folder.length);
    const goes = target.endsWith(tail) ? target.slice(0, -tail.length) : null;
    folders.set(folder, !folders.has(folder) || folders.get(folder) === goes ? goes : null);
  }
}

/** Where something lies that lay at `path`; null where it is not known, or not one place any more. */
function placeOf(path: string): string | null {
  const clean = path.replace(/\/$/, '');
  const file = to.get(clean) ?? to.get(`${clean}.ts`)?.replace(/\.ts$/, '');
  if (file !== undefined) return file;
  return folders.get(clean) ?? null;
}

const isFile = (path: string) => existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isFile();
const doubts: string[] = [];

function relativeTo(fromFile: string, oldRelative: string): string | null {
  const [path = '', tail = ''] = oldRelative.split(/(?=[?#])/);
  const old = normalize(join(dirname(fromFile), path));
  if (old.startsWith('..')) return null;
  const place = placeOf(old);
  if (place === null) {
    if (existsSync(join(ROOT, old)) && old !== '.' && folders.has(old)) doubts.push(`${fromFile}: ${oldRelative} is in several places now`);
    return old === '.' || existsSync(join(ROOT, old)) ? posix.relative(dirname(to.get(fromFile) as string), old) + tail : null;
  }
  let found = posix.relative(dirname(to.get(fromFile) as string), place);
  if (path.endsWith('/')) found += '/';
  return (found.startsWith('.') ? found : `./${found}`) + tail;
}

function mendCode(path: string, text: string): string {
  let mended = text.replace(/(['"`])(\.{1,2}\/[\w./@-]*)(?=\1|\$\{)/g, (all, quote: string, target: string) => {
    // `./${name}`: what lies beside it goes along.
    if (/^\.\/+$/.test(target)) return all;
    const exact = relativeTo(path, target);
    return exact === null ? all : quote + exact;
  });
  mended = mended.replace(/import\.meta\.dirname((?:, (?:'[^'\n]*'))+)/g, (all, list: string) => {
    const parts = [...list.matchAll(/'([^'\n]*)'/g)].map((match) => match[1] as string);
    if (
      !parts.some(
        (part) => part.startsWith('..') || /^[\w.-]+\.ts$/.test(part) || part.includes('/') || folders.has(join(dirname(path), part)),
      )
    )
      return all;
    // The longest part of it that exists counts; what follows stays as it is.
    for (let length = parts.length; length > 0; length -= 1) {
      const old = normalize(join(dirname(path), ...parts.slice(0, length)));
      const known = old === '.' ? '.' : placeOf(old) ?? (existsSync(join(ROOT, old)) ? old : null);
      if (known === null) continue;
      const found = posix.relative(dirname(to.get(path) as string), known);
      const rest = parts.slice(length);
      const same = posix.relative(dirname(path), old);
      if (found === same) return all;
      const joined = parts.length === 1 || parts.slice(0, length).some((part) => part.includes('/')) ? [found] : found.split('/');
      return `import.meta.dirname${[...joined, ...rest].map((part) => `, '${part}'`).join('')}`;
    }
    doubts.push(`${path}: ${all}`);
    return all;
  });
  return mended;
}

function mendLinks(path: string, text: string): string {
  return text.replace(/(\]\()([^)\s:#][^)\s:]*)(\))/g, (all, open: string, target: string, close: string) => {
    const [bare = ''] = target.split('#');
    const old = normalize(join(dirname(path), bare));
    if (!isFile(old) && !folders.has(old.replace(/\/$/, ''))) return all;
    const found = relativeTo(path, target);
    return found === null ? all : open + (target.startsWith('.') ? found : found.replace(/^\.\//, '')) + close;
  });
}

/** Paths from the project's root, as they stand in sentences, strings and lists. */
function mendMentions(text: string): string {
  return text.replace(
    /(?<![\w./@-])((?:core|edge|gateway|drivers|models|cli|console|test-rigs|tools)(?:\/[\w-]+)+(?:\.[\w.-]*\w)?\/?)/g,
    (all, mention: string) => {
      const place = placeOf(mention);
      if (place === null) return all;
      return mention.endsWith('/') ? `${place}/` : place;
    },
  );
}

let changed = 0;
const texts = new Map<string, string>();
for (const path of tracked) {
  if (
    !/\.(ts|tsx|mts|mjs|js|md|json|ya?ml|css|html|py|c|txt)$|(^|\/)\.oxlintrc\.json$/.test(path) ||
    path === 'package-lock.json' ||
    path.startsWith('tools/move/') ||
    path.includes('/recorded/')
  )
    continue;
  const before = readFileSync(join(ROOT, path), 'utf8');
  let after = before;
  if (/\.(ts|tsx|mts|mjs)$/.test(path)) after = mendCode(path, after);
  if (path.endsWith('.md')) after = mendLinks(path, after);
  after = mendMentions(after);
  if (after !== before) {
    changed += 1;
    texts.set(path, after);
  }
}

const moves = [...to].filter(([from, target]) => from !== target);
for (const doubt of doubts) process.stderr.write(`? ${doubt}\n`);
process.stdout.write(`${moves.length} files move, ${changed} are mended\n`);
if (!write) process.exit(0);
for (const [path, text] of texts) writeFileSync(join(ROOT, path), text);
for (const [from, target] of moves) {
  mkdirSync(dirname(join(ROOT, target)), { recursive: true });
  renameSync(join(ROOT, from), join(ROOT, target));
}
for (const [from] of moves) {
  for (let folder = dirname(from); folder !== '.'; folder = dirname(folder)) {
    try {
      execFileSync('rmdir', [join(ROOT, folder)], { stdio: 'ignore' });
    } catch {
      break;
    }
  }
}
