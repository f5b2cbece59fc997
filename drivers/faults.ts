/** The fault tables of all drivers, for code that explains faults without loading the drivers: the gateway, `status`, the docs. */
import { globSync } from 'node:fs';
import { extname, join } from 'node:path';

// Whatever folder has one, so that a new driver needs no line here.
for (const path of globSync(`*/faults${extname(import.meta.filename)}`, { cwd: import.meta.dirname }).toSorted())
  await import(join(import.meta.dirname, path));
