/** The bill of materials (CycloneDX) of what we hand out: npm's, with what is built into console and graphs, and every licence. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bom, BomComponent } from './cyclonedx.ts';
import { STATED_LICENCES } from './licences.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** The detector's graph is converted from its files. */
const GRAPH_PACKAGES = ['@vladmandic/human'];

/** Packages that are development dependencies, and parts of what we hand out all the same: the console is built of them. */
export function bundledPackages(): string[] {
  const texts = globSync('console/**/*.{ts,tsx}', { cwd: ROOT })
    .filter((path) => !/\.test\.tsx?$|vite\.config\.ts$|\.d\.ts$/.test(path))
    .map((path) => readFileSync(join(ROOT, path), 'utf8'));
  const names = texts.flatMap((text) => [...text.matchAll(/\b(?:from|import) *\(? *'(@[\w-]+\/[\w.-]+|[a-z][\w.-]*)(?:\/[^']*)?'/g)]);
  return [...new Set([...names.map(([, name = '']) => name), ...GRAPH_PACKAGES])].toSorted();
}

/**
 * From the lock alone: the same on every machine, whatever is installed there. Not by `--omit dev`: npm then leaves out what
 * a tool of ours needs as well.
 *
 * @throws Error where npm fails
 */
export function readBom(): Bom {
  const all = npmSbom();
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  const refsOf = (versions: Record<string, string> | undefined, names = Object.keys(versions ?? {})) =>
    names.map((name) => `${name}@${versions?.[name]}`);
  const needed = withTheirs([...refsOf(manifest.dependencies), ...refsOf(manifest.optionalDependencies)], all);
  const bundled = refsOf(manifest.devDependencies, bundledPackages());
  const refs = new Set([...needed, ...withTheirs(bundled, all)]);
  const { component } = all.metadata;
  const own = component['bom-ref'];
  return {
    ...all,
    // npm takes the name of the folder.
    metadata: { ...all.metadata, component: { ...component, name: 'cityvitals' } },
    components: all.components.filter((one) => refs.has(one['bom-ref']))
      .map((one) => withLicence(needed.has(one['bom-ref']) ? one : asBundled(one))),
    dependencies: all.dependencies.filter(({ ref }) => refs.has(ref) || ref === own)
      .map((one) => (one.ref === own ? { ...one, dependsOn: one.dependsOn?.filter((ref) => refs.has(ref)) } : one)),
  };
}

/** npm calls it a tool. */
const asBundled = (component: BomComponent): BomComponent => ({
  ...component, scope: 'required', properties: [{ name: 'cityvitals:bundled', value: 'true' }],
});

function npmSbom(): Bom {
  const options = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const done = spawnSync('npm', options, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
  if (done.status !== 0) throw new Error(`npm sbom failed: ${done.error?.message ?? done.stderr}`);
  return JSON.parse(done.stdout) as Bom;
}

/** These and all that they depend on. */
function withTheirs(refs: readonly string[], { components, dependencies }: Bom): Set<string> {
  const found = new Set<string>();
  const known = new Set(components.map((one) => one['bom-ref']));
  const next = new Map(dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  const follow = (ref: string): void => {
    if (found.has(ref)) return;
    if (!known.has(ref)) throw new Error(`${ref} is not in package-lock.json`);
    found.add(ref);
    for (const one of next.get(ref) ?? []) follow(one);
  };
  refs.forEach(follow);
  return found;
}

function withLicence(component: BomComponent): BomComponent {
  const stated = STATED_LICENCES[component.name];
  return component.licenses?.length || !stated ? component : { ...component, licenses: [stated.licence] };
}
