/** What we hand out is made of packages that may be passed on, and its bill of materials is whole. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { bundledPackages, readBom, ROOT } from './bom.ts';
import { isAllowed, licenceList, licenceOf, STATED_LICENCES } from './licences.ts';

const bom = readBom();
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { version?: string; license?: string; dev?: boolean; devOptional?: boolean }>;
};

/** What CycloneDX 1.5 wants, and what whoever looks for a weakness needs: name, version, address and digest of each. */
const COMPONENT = z.object({
  'bom-ref': z.string().min(1),
  type: z.enum(['application', 'framework', 'library', 'container', 'platform', 'operating-system', 'device', 'file', 'data']),
  name: z.string().min(1),
  version: z.string().min(1),
  purl: z.string().regex(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@[\w.+-]+$/),
  scope: z.enum(['required', 'optional', 'excluded']).optional(),
});
const BOM = z.object({
  $schema: z.string(),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.[5-9]$/),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.object({ timestamp: z.iso.datetime(), component: COMPONENT }),
  components: z.array(COMPONENT.extend({
    hashes: z.array(z.object({ alg: z.enum(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']), content: z.string().regex(/^[0-9a-f]+$/) })).min(1),
    licenses: z.array(z.union([
      z.object({ expression: z.string().min(1) }),
      z.object({ license: z.union([z.object({ id: z.string().min(1) }), z.object({ name: z.string().min(1) })]) }),
    ])).min(1),
  })),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

test('the bill of materials is one by its schema, and names every package that we hand out', () => {
  const checked = BOM.safeParse(bom);
  assert.deepEqual(checked.error?.issues ?? [], []);
  assert.deepEqual([bom.metadata.component.name, bom.metadata.component.version], ['cityvitals', manifest.version]);
  const ours = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  assert.deepEqual(ours.filter((own) => bom.components.every(({ name }) => name !== own)), []);
  // npm's own word on what is needed without tools.
  const versions = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
  const needed = Object.entries(lock.packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional);
  const names = needed.map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`);
  assert.deepEqual(names.filter((one) => !versions.has(one)), []);
  const refs = bom.components.map((one) => one['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
  const known = new Set([...refs, bom.metadata.component['bom-ref']]);
  assert.deepEqual(bom.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]).filter((ref) => !known.has(ref)), []);
});

test('what the console and the graphs are built of is in it, other tools of ours are not', () => {
  assert.deepEqual(bundledPackages(), ['@cycjimmy/jsmpeg-player', '@vladmandic/human', 'preact', 'uplot']);
  const bundled = bom.components.filter(({ properties = [] }) => properties.some(({ name }) => name === 'cityvitals:bundled'));
  assert.deepEqual(bundled.map(({ name }) => name).toSorted(), bundledPackages());
  for (const tool of ['oxlint', 'typescript', 'knip']) assert.ok(bom.components.every(({ name }) => name !== tool), tool);
  assert.match(readFileSync(join(ROOT, 'models/convert/sources.ts'), 'utf8'), /@vladmandic\/human/);
});

test('each package is under a licence by which it may be passed on', () => {
  const refused = bom.components.filter((component) => !isAllowed(component.name, licenceOf(component)));
  assert.deepEqual(refused.map((component) => `${component.name} ${licenceOf(component)}`), []);
  // A package that says it by itself now needs no line of ours.
  for (const name of Object.keys(STATED_LICENCES)) {
    const said = lock.packages[`node_modules/${name}`];
    assert.ok(said && (said.license === undefined || said.license.startsWith('SEE LICENSE')), name);
  }
});

test('licences are judged as SPDX means them, and what is not understood is refused', () => {
  const right = ['MIT', '(MIT OR GPL-3.0-only)', 'GPL-3.0-only OR ISC AND MIT'];
  const wrong = ['MIT AND GPL-3.0-only', '', 'MIT AND (ISC OR GPL-3.0-only)', 'AGPL-3.0-only'];
  assert.deepEqual([...right, ...wrong].filter((expression) => isAllowed('a', expression)), right);
  assert.deepEqual(['a', '@img/sharp-libvips-linux-x64'].map((name) => isAllowed(name, 'LGPL-3.0-or-later')), [false, true]);
});

test('the list of licences names each package once', () => {
  const list = licenceList(bom);
  for (const { name, version } of bom.components) assert.equal(list.split(`\n- ${name} ${version}\n`).length, 2, name);
});
