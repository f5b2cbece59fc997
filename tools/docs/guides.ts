/** Guides that show files of the project: each block headed by a path holds that file as it is. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const SHOWN = /^```(\w+) (docs\/samples\/\S+)\n[^]*?^```$/gm;

/** Path → text. */
export function guides(): Record<string, string> {
  const pages = globSync('docs/adding-a-driver*.md', { cwd: ROOT });
  return Object.fromEntries(pages.map((page) => [page, withFiles(readFileSync(join(ROOT, page), 'utf8'))]));
}

const withFiles = (text: string): string =>
  text.replaceAll(
    SHOWN,
    (_block, language: string, path: string) => `\`\`\`${language} ${path}\n${readFileSync(join(ROOT, path), 'utf8')}\`\`\``,
  );
