/** Cases by their folders, with their drivers, and what they give. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from '../../cases/case.ts';
import { checkCase } from '../../cases/read.ts';
import { replayLines, replayCase } from '../../cases/replay.ts';
import type { ConfigProblem } from '../../core/config/check.ts';
import { unknownName } from '../../core/config/issues.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { ResultLine } from '../../cases/result-lines.ts';
import { realFiles } from '../../core/world.ts';
import { driverById, driverIds } from '../../drivers/index.ts';
import type { EventsOptions } from './events.ts';
import '../../cases/faults.ts';

/** A folder that is a case, or the cases in it, by name. */
export async function foldersOf(path: string): Promise<string[]> {
  if (await realFiles.exists(join(path, 'case.yaml'))) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new FaultError('CV_CASE_UNREADABLE', { path, detail: error.code ?? error.message }, { cause: error });
  });
  const inside: string[] = [];
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const folder = join(path, entry.name);
    if (await realFiles.exists(join(folder, 'case.yaml'))) inside.push(folder);
  }
  return inside.length > 0 ? inside.toSorted() : [path];
}

export interface LoadedCase {
  recorded: Case;
  drivers: ReadonlyMap<string, Driver>;
}

/** @returns throws CV_DRIVER_UNKNOWN; problems of the files are returned */
export async function loadCase(folder: string): Promise<{ loaded: LoadedCase | null; problems: ConfigProblem[] }> {
  const { recorded, problems } = await checkCase(folder, realFiles);
  if (!recorded) return { loaded: null, problems };
  return { loaded: { recorded, drivers: await driversOf(recorded.devices.map(({ driver }) => driver)) }, problems };
}

/** @throws CV_DRIVER_UNKNOWN with the nearest name */
export async function driversOf(ids: readonly string[]): Promise<Map<string, Driver>> {
  const drivers = new Map<string, Driver>();
  for (const id of ids) {
    const driver = await driverById(id);
    if (!driver) {
      const { code, params } = unknownName('CV_DRIVER_UNKNOWN', { driver: id }, driverIds(), { en: 'the case', zh: '案例' });
      throw new FaultError(code, params);
    }
    drivers.set(id, driver);
  }
  return drivers;
}

/** What a case gives, line by line, as it comes. */
export async function replaySamples(
  { recorded, drivers }: LoadedCase,
  { pace, signal }: Omit<EventsOptions, 'drivers'>,
  give: (line: ResultLine) => void,
): Promise<void> {
  const camera = drivers.get(recorded.devices[0].driver);
  if (camera?.traits.includes('frames')) {
    // Detectors are heavy: loaded only for cameras.
    const { replayCamera } = await import('./camera.ts');
    for (const line of (await replayCamera(recorded, camera, signal)).lines) {
      await pace?.(line.at);
      give(line);
    }
    return;
  }
  await replayCase(recorded, { drivers, ...(pace ? { pace } : {}), ...(signal ? { signal } : {}) }, (played) =>
    replayLines(played).forEach(give),
  );
}
