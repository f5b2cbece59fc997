/** Recorded cases of a driver: `drivers/<id>/recorded/<case>/`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from '../../cases/case.ts';
import { readCase } from '../../cases/read.ts';
import type { ResultLine } from '../../cases/result-lines.ts';
import { realFiles } from '../../core/world.ts';

export type { Case } from '../../cases/case.ts';
/** What a case must give, line by line. */
export type CaseLine = ResultLine;

/** Every case below a `recorded` folder, by name; none when there is no such folder. Throws for one that is broken. */
export async function recordedCasesIn(recorded: string): Promise<Case[]> {
  const entries = await readdir(recorded, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).toSorted();
  return Promise.all(names.map((name) => readCase(join(recorded, name), realFiles)));
}
