/** Levels at which rules change their mind: reduce never hides that a value has crossed one. */
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';

/** In the rules' unit: the catalogue's. */
export type RuleLimits = (device: DeviceSetup, point: PointSetup) => readonly number[];

/** @throws the first problem of the rules' files, CV_CONFIG_UNREADABLE */
export async function readRuleLimits(paths: readonly string[], centre: string, files: World['files']): Promise<RuleLimits> {
  if (paths.length === 0) return () => [];
  const [{ readRules }, { limitsOf }] = await Promise.all([import('../../city/rules/read.ts'), import('../../city/rules/rule.ts')]);
  const {
    rules,
    problems: [problem],
  } = readRules(await Promise.all(paths.map(async (path) => ({ path, text: await textOf(path, files) }))));
  if (problem) throw new FaultError(problem.fault.code, problem.fault.params);
  return (device, point) => {
    const series = { indicator: point.indicator, device: device.id, point: point.id, subject: device.subject, centre };
    // A level begins at its limit and ends at some distance from it.
    return rules.flatMap((rule) => limitsOf([rule], series).flatMap(({ value, direction }) => {
      const hysteresis = rule.type === 'threshold' ? rule.off.hysteresis : 0;
      return hysteresis === 0 ? [value] : [value, direction === 'high' ? value - hysteresis : value + hysteresis];
    }));
  };
}

async function textOf(path: string, files: World['files']): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}
