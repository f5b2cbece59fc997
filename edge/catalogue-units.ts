/** With a catalogue an edge sends its units; without one it sends the points' own and loads nothing for it. */
import { FaultError } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import type { PointSetup } from './config/setup.ts';
import type { Conversion } from './stations/qualify.ts';

/** @throws the first problem of the catalogue's files, CV_CONFIG_UNREADABLE */
export async function conversions(paths: readonly string[], files: World['files']): Promise<(point: PointSetup) => Conversion | null> {
  if (paths.length === 0) return () => null;
  const [{ readCatalogue }, { converter }] = await Promise.all([import('../core/catalogue/catalogue.ts'), import('../core/units.ts')]);
  const { catalogue, problems } = readCatalogue(await Promise.all(paths.map(async (path) => ({ path, text: await textOf(path, files) }))));
  const [first] = problems;
  if (first) throw new FaultError(first.fault.code, first.fault.params);
  return (point) => {
    const unit = catalogue?.of(point.indicator)?.unit;
    if (unit === undefined || unit === point.unit || point.unit === '') return null;
    const convert = converter(point.unit, unit);
    // No way from one unit to the other: the gateway flags it, with the value as it was measured.
    return convert ? { unit, convert } : null;
  };
}

async function textOf(path: string, files: World['files']): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}
