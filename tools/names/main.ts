/** `node tools/names/main.ts`: names that mean several things, and words that were given up; `npm run check` runs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSources } from '../imports.ts';
import { ourFiles } from '../our-files.ts';
import { ALLOWED_REPEATS } from './allowed-repeats.ts';
import { needlessRepeats, repeatedNames } from './exported.ts';
import { CHINESE, IDENTIFIERS, PHRASES } from './given-up.ts';
import { givenUpHits, type Text } from './texts.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Where the words themselves are listed, and data of earlier versions, which stay as they were written. */
const OWN = /^(?:tools\/names|test-rigs\/fixtures\/\d[^/]*)\//;

const paths = ourFiles(ROOT, ['ts', 'tsx', 'mjs', 'md', 'yaml', 'html']).filter((path) => !OWN.test(path));
const texts: Text[] = paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const code = texts.filter(({ path }) => /\.(?:ts|tsx|mjs)$/.test(path));
const sources = readSources(ROOT);

const MAX_REPEATS = 40;
const allowed = Object.keys(ALLOWED_REPEATS).length;
const wrong = [
  ...(allowed > MAX_REPEATS ? [`${allowed} names may repeat, at most ${MAX_REPEATS}`] : []),
  ...repeatedNames(sources, ALLOWED_REPEATS).map((line) => `one name, several things: ${line}`),
  ...needlessRepeats(sources, ALLOWED_REPEATS).map((name) => `allowed to repeat, but does not: ${name}`),
  ...givenUpHits(code, IDENTIFIERS),
  ...givenUpHits(texts, [...PHRASES, ...CHINESE]),
];
for (const line of wrong) console.error(line);
if (wrong.length > 0) process.exitCode = 1;
