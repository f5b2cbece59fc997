/** A case as the configuration of an edge: what its points lack for one is filled in. */
import type { Case } from '../../cases/case.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { formatDuration } from '../../core/quantity.ts';
import { checkEdge } from '../../edge/config/check.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import '../../cases/faults.ts';

export interface ReplaySetup {
  /** Of the edge; default: a name for replays alone. */
  edge?: string;
  centre?: string;
  gateway?: { url: string; token: string };
  /** Folder of its log. */
  dir?: string;
}

/** @returns throws CV_CASE_LINE when the devices of the case are none that an edge could have */
export async function setupOf(
  recorded: Case,
  drivers: ReadonlyMap<string, Driver>,
  { edge = 'replay', centre = '000000000', gateway, dir = './replay' }: ReplaySetup = {},
): Promise<EdgeSetup> {
  const devices = recorded.devices.map(({ id, driver, settings, points, timeoutMs }) => ({
    id, driver, settings, timeout: formatDuration(Math.max(10, timeoutMs)),
    ...(drivers.get(driver)?.points ? {} : { points: points.map((point) => ({ indicator: indicatorOf(point.id), unit: '', ...point })) }),
  }));
  const written = { edge, centre, gateway: gateway ?? { url: 'mqtt://127.0.0.1:1883', token: 'none' }, log: { dir }, devices };
  const entries = [...drivers].map(([id, driver]) => ({ id, load: async () => driver }));
  const path = `${recorded.folder}/case.yaml`;
  const { setup, problems: [problem] } = await checkEdge({ path, text: JSON.stringify(written) }, { drivers: entries });
  if (setup) return setup;
  throw new FaultError('CV_CASE_LINE', {
    place: path,
    detail: problem ? `${problem.path}: ${new FaultError(problem.fault.code, problem.fault.params).message}` : '',
  });
}

/** A point that names no indicator goes by one of its own, which no catalogue knows. */
const indicatorOf = (point: string): string => `case.${point.replaceAll(/[^A-Za-z0-9._-]/g, '-')}`.slice(0, 64);
