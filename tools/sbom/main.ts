/** `npm run package:sbom`: the bill of materials and the list of licences of what we hand out, in dist/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBom, ROOT } from './bom.ts';
import { isAllowed, licenceList, licenceOf } from './licences.ts';

const bom = readBom();
const refused = bom.components.filter((component) => !isAllowed(component.name, licenceOf(component)));
for (const component of refused) process.stderr.write(`${component.name} ${component.version}: licence "${licenceOf(component)}" is not allowed\n`);
const dist = join(ROOT, 'dist');
mkdirSync(dist, { recursive: true });
writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
writeFileSync(join(dist, 'licences.md'), licenceList(bom));
process.stdout.write(`dist/sbom.cdx.json, dist/licences.md: ${bom.components.length} packages\n`);
process.exitCode = refused.length > 0 ? 1 : 0;
