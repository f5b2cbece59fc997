/** Where recordings, weights and clips made by others lie, for tests that read them; they never become part of the project. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** CITYVITALS_SHARED, or a folder `shared` beside the project; null when there is none. */
export function sharedFolder(...below: string[]): string | null {
  const folder = join(process.env.CITYVITALS_SHARED ?? join(ROOT, '..', 'shared'), ...below);
  return existsSync(folder) ? folder : null;
}

/** For `{ skip: … }` of a test: false when the folder is there, else the reason. */
export function skipWithout(folder: string | null, what: string): string | false {
  return folder ? false : `${what} not found (set CITYVITALS_SHARED)`;
}

/** What the manifest of the traffic folder says of one of its files. */
export function listedFacts(file: string): string {
  const rows = readFileSync(join(sharedFolder('traffic') as string, 'MANIFEST.tsv'), 'utf8').split('\n');
  const row = rows.find((line) => line.startsWith(`${file}\t`));
  if (!row) throw new Error(`${file} is not in the manifest`);
  return row.split('\t').at(-1) as string;
}

/** The frames of `domain/vectors.json` for protocols that begin so; none where the folder is not there. */
export function goldenFrames<V>(protocol: string): V[] {
  const folder = sharedFolder('domain');
  if (folder === null) return [];
  const { vectors } = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as { vectors: (V & { protocol: string })[] };
  return vectors.filter((vector) => vector.protocol.startsWith(protocol));
}
