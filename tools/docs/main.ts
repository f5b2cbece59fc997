/** `npm run docs` writes the generated references; `npm run docs:check` fails when one is not as its source says. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allPages } from './pages.ts';

const root = join(import.meta.dirname, '..', '..');
const write = process.argv.includes('--write');
const stale: string[] = [];

const pages = await allPages();
for (const [path, text] of Object.entries(pages) as [string, string][]) {
  const file = join(root, path);
  if (write) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (read(file) !== text) stale.push(path);
}
// A page of an area, driver or sink that is gone.
for (const path of globSync('docs/{faults,configuration}/*.md', { cwd: root })) {
  if (Object.hasOwn(pages, path)) continue;
  if (write) rmSync(join(root, path));
  else stale.push(path);
}
if (stale.length > 0) {
  process.stderr.write(`out of date: ${stale.join(', ')}\n  → npm run docs\n`);
  process.exit(1);
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
