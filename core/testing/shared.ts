/** Where recordings, weights and clips made by others lie, for tests that read them; they never become part of the project. */
import { existsSync } from 'node:fs';
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
