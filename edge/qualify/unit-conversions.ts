/** With a catalogue an edge sends its units; without one it sends the points' own and loads nothing for it. */
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import type { DeviceFault } from '../read/examine-devices.ts';
import type { UnitConversion } from './qualify.ts';

export interface UnitConversions {
  (point: PointSetup): UnitConversion | null;
  /** The unit of a point's indicator, where that of the point cannot be converted into it; else null. */
  unconvertibleUnit(point: PointSetup): string | null;
}

/** @throws the first problem of the catalogue's files, CV_CONFIG_UNREADABLE */
export async function readUnitConversions(paths: readonly string[], files: World['files']): Promise<UnitConversions> {
  if (paths.length === 0) return Object.assign(() => null, { unconvertibleUnit: () => null });
  const [{ readCatalogue }, { unitConverter }] = await Promise.all([
    import('../../city/catalogue/catalogue.ts'),
    import('../../city/catalogue/units.ts'),
  ]);
  const { catalogue, problems } = readCatalogue(await Promise.all(paths.map(async (path) => ({ path, text: await textOf(path, files) }))));
  const [first] = problems;
  if (first) throw new FaultError(first.fault.code, first.fault.params);
  const wantedOf = ({ indicator, unit }: PointSetup): string | null => {
    const wanted = catalogue?.of(indicator)?.unit;
    return wanted === undefined || wanted === unit || unit === '' ? null : wanted;
  };
  const converterOf = (point: PointSetup, unit: string) => unitConverter(point.unit, unit || '1');
  return Object.assign((point: PointSetup): UnitConversion | null => {
    const unit = wantedOf(point);
    const convert = unit === null ? null : converterOf(point, unit);
    // No way from one unit to the other: it goes up as it was measured, flagged.
    return unit !== null && convert ? { unit, convert } : null;
  }, {
    unconvertibleUnit(point: PointSetup): string | null {
      const unit = wantedOf(point);
      return unit === null || converterOf(point, unit) ? null : unit;
    },
  });
}

/** Points whose values take no part in warnings until their unit is corrected. */
export function unconvertiblePoints(
  devices: readonly Pick<DeviceSetup, 'id' | 'points'>[],
  { unconvertibleUnit }: Pick<UnitConversions, 'unconvertibleUnit'>,
): DeviceFault[] {
  return devices.flatMap(({ id, points }) =>
    points.flatMap((point): DeviceFault[] => {
      const wanted = unconvertibleUnit(point);
      return wanted === null
        ? []
        : [
            {
              device: id,
              fault: {
                code: 'CV_UNIT_UNCONVERTIBLE',
                params: { point: `${id}/${point.id}`, indicator: point.indicator, unit: point.unit, wanted },
              },
            },
          ];
    }),
  );
}

async function textOf(path: string, files: World['files']): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}
