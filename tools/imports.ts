/**
 * Reads the imports of every source file and says which break the arrows of the architecture (DESIGN 11), which make
 * a ring, and where code below the mains touches the real world.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  path: string;
  text: string;
  /** Project-relative paths of the files it imports. */
  imports: string[];
}

/** Layer → what it may import, besides itself. */
const BASE = ['core', 'log', 'city', 'api', 'cases', 'scene'];
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  log: ['core'],
  cases: ['core'],
  city: ['core'],
  scene: ['core'],
  api: ['core', 'city'],
  drivers: ['core', 'scene'],
  models: ['core', 'scene'],
  edge: [...BASE, 'drivers', 'models'],
  gateway: BASE,
  cli: [...BASE, 'drivers', 'models', 'edge', 'gateway'],
  console: ['api'],
  'test-rigs': [...BASE, 'drivers', 'models', 'edge', 'gateway', 'cli', 'tools'],
  tools: [...BASE, 'drivers', 'models', 'edge', 'gateway', 'cli', 'test-rigs'],
  configs: [...BASE, 'drivers', 'models', 'edge', 'gateway'],
  'docs/samples': [...BASE, 'drivers'],
};

/** Named exceptions, each with its reason. */
const ALLOWED: Record<string, readonly string[]> = {
  // The demo is a rig that users start: it brings up the simulated devices.
  'cli/demo.ts': ['test-rigs/'],
  // So are what plays cases and what records them.
  'cli/replay.ts': ['test-rigs/replay/'],
  'cli/case.ts': ['test-rigs/replay/'],
  'cli/record.ts': ['test-rigs/record/', 'test-rigs/replay/'],
  // It explains faults of devices that its edges name, by rows alone; no driver is loaded.
  'gateway/main.ts': ['drivers/faults.ts'],
  // The graph of a camera's model is looked at before it starts.
  'drivers/camera/examine.ts': ['models/'],
  // What a zone counts is checked against the classes of the camera's model, and has the indicator that it names.
  'drivers/camera/settings.ts': ['models/index.ts'],
  'drivers/camera/resolve-settings.ts': ['models/index.ts', 'models/manifest.ts'],
};

/** Only these know the registries of plugs; everyone else is given what they chose. */
const REGISTRIES = new Set(['drivers/index.ts', 'drivers/faults.ts', 'models/index.ts']);
const KNOWS_REGISTRIES = [/^edge\/main\.ts$/, /^gateway\/main\.ts$/, /^cli\//, /^test-rigs\//, /^tools\//, /\.test\.ts$/];

const REAL_WORLD =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|process\.env|console\.(log|error|warn|info|debug))\b/;
const MAY_TOUCH_WORLD = [
  /\/main\.ts$/,
  /\.?worker\.ts$/,
  /^cli\//,
  /^core\/world\.ts$/,
  /^test-rigs\//,
  /^tools\//,
  /^console\//,
  /^docs\/samples\/consumer\.ts$/,
  /\.test\.ts$/,
  /(^|\/)testing\//,
];

export function readSources(root: string): SourceFile[] {
  const paths = Object.keys(MAY_IMPORT).flatMap((layer) => globSync(`${layer}/**/*.{ts,tsx}`, { cwd: root }));
  return paths.filter((path) => !path.includes('node_modules') && !path.endsWith('.d.ts')).toSorted().map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, imports: importsOf(path, text) };
  });
}

function importsOf(path: string, text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)['"](\.{1,2}\/[^'"]+)['"]/g))
    found.push(normalize(join(dirname(path), match[1] as string)));
  return found;
}

export function brokenArrows(files: readonly SourceFile[]): string[] {
  const broken: string[] = [];
  for (const file of files) {
    for (const target of file.imports) {
      const problem = arrowProblem(file.path, target);
      if (problem) broken.push(`${file.path} imports ${target}: ${problem}`);
    }
  }
  return broken;
}

function arrowProblem(path: string, target: string): string | null {
  if (ALLOWED[path]?.some((prefix) => target.startsWith(prefix))) return null;
  const from = layerOf(path);
  const to = layerOf(target);
  const isTest = path.endsWith('.test.ts') || path.endsWith('/contract.ts') || path.includes('/testing/');
  if (from !== to && !MAY_IMPORT[from]?.includes(to)) {
    // Contract tests look at everything that is registered.
    return isTest && from !== 'core' ? null : `${from} may not import ${to}`;
  }
  if (from === 'drivers' && to === 'drivers') {
    const [own, other] = [path.split('/')[1], target.split('/')[1]];
    const isShared = other === 'listening' && own !== 'index.ts';
    if (target.split('/').length > 2 && other !== own && !isShared && !REGISTRIES.has(path) && !isTest)
      return 'drivers never import each other';
  }
  if (REGISTRIES.has(target) && !KNOWS_REGISTRIES.some((known) => known.test(path)) && layerOf(path) !== layerOf(target))
    return 'only the mains, cli and contract tests know the registries';
  return null;
}

const layerOf = (path: string) => (path.startsWith('docs/samples/') ? 'docs/samples' : path.split('/')[0] as string);

/** Rings of imports, each as `a → b → a`. Type-only rings count: they make a file unreadable alone. */
export function rings(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: string[]) => {
    const index = trail.indexOf(path);
    if (index >= 0) {
      found.push([...trail.slice(index), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const target of byPath.get(path)?.imports ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  return found;
}

/** Lines below the mains that touch clock, timers, chance, console or environment themselves. */
export function worldTouches(files: readonly SourceFile[]): string[] {
  const touches: string[] = [];
  for (const file of files) {
    if (MAY_TOUCH_WORLD.some((allowed) => allowed.test(file.path))) continue;
    file.text.split('\n').forEach((line, index) => {
      const code = line.replace(/^\s*(\/\/|\*|\/\*).*/, '').replace(/\/\/ .*/, '');
      const match = REAL_WORLD.exec(code);
      if (match) touches.push(`${file.path}:${index + 1}: ${match[0]}`);
    });
  }
  return touches;
}

const MAX_LINES = 500;
/** Tables of what is expected. */
const MAX_TEST_LINES = 600;

export function tooLong(files: readonly SourceFile[]): string[] {
  return files
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ path, lines }) => lines > (path.endsWith('.test.ts') ? MAX_TEST_LINES : MAX_LINES))
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}
