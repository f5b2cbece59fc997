/** Which licences what we hand out may be under, and the list of them. */
import type { Bom, BomComponent } from './cyclonedx.ts';

/** They let a program under Apache-2.0 be passed on, with notices at the most. */
const ALLOWED = new Set([
  '0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'Unlicense', 'WTFPL', 'LicenseRef-UCUM',
]);

/** By package, with what makes it right there alone. */
const EXCEPTIONS: readonly { package: RegExp; licence: string; why: string }[] = [
  {
    package: /^@img\/sharp-(libvips|wasm|win32)/,
    licence: 'LGPL-3.0-or-later',
    why: 'libvips is a shared library of its own package, unchanged, and can be replaced by another build',
  },
];

/** Licences of packages that name none in their package.json, as their own files say. */
export const STATED_LICENCES: Readonly<Record<string, { licence: { license: { id?: string; name?: string } }; from: string }>> = {
  '@lhncbc/ucum-lhc': { licence: { license: { name: 'LicenseRef-UCUM' } }, from: 'LICENSE.md: free to use and pass on, with its notice' },
  dequeue: { licence: { license: { id: 'BSD-2-Clause' } }, from: 'LICENSE' },
  precond: { licence: { license: { id: 'MIT' } }, from: 'README.md' },
};

/** The licence as an expression of SPDX; '' where none is known. */
export function licenceOf({ licenses = [] }: Pick<BomComponent, 'licenses'>): string {
  return licenses.map((one) => ('expression' in one ? one.expression : (one.license.id ?? one.license.name ?? ''))).join(' AND ');
}

/** @returns whether a package may be passed on under this expression */
export function isAllowed(name: string, expression: string): boolean {
  const allowed = (id: string) => ALLOWED.has(id) || EXCEPTIONS.some((one) => one.package.test(name) && one.licence === id);
  // OR binds weaker than AND. Nested brackets do not occur: what is not understood is refused.
  const plain = expression.trim().replace(/^\(([^()]*)\)$/, '$1');
  if (plain === '' || /[()]/.test(plain)) return false;
  return plain.split(/ OR /).some((side) => side.split(/ AND /).every((id) => allowed(id.trim())));
}

/** The list for people: licences, and who is under each. */
export function licenceList({ metadata, components }: Bom): string {
  const byLicence = Map.groupBy(components, licenceOf);
  const sections = [...byLicence].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([licence, ones]) => {
    const lines = ones.map(({ name, version }) => `- ${name} ${version}`).toSorted();
    return `## ${licence}\n\n${[...new Set(lines)].join('\n')}\n`;
  });
  const { name, version } = metadata.component;
  const exceptions = EXCEPTIONS.map(({ licence, why }) => `${licence}: ${why}.`).join('\n');
  return `# Licences of what ${name} ${version} is made of\n\n${exceptions}\n\n${sections.join('\n')}`;
}
