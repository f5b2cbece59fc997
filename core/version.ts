/** The version of this package, from its package.json: one folder up from the sources, two from the compiled package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const places = [join(import.meta.dirname, '..', 'package.json'), join(import.meta.dirname, '..', '..', 'package.json')];

function read(): string {
  const path = places.find((place) => existsSync(place));
  return path ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : 'unknown';
}

export const VERSION = read();
