/** Checks what may be written from the centre: by a driver that writes, within a range, under interlocks that can be judged. */
import type { ConfigDocument, ConfigProblem, ConfigPath } from '../../core/config/check.ts';
import { bilingualParams, unknownName } from '../../core/config/issues.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Driver } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import type { Condition } from '../../core/wire/commands.ts';
import { isPlainObject, problemAt } from './points.ts';
import type { PointSetup } from './setup.ts';

/** A device of the file, as far as it could be read. */
export interface CheckedDevice {
  id: string;
  path: ConfigPath;
  driver: Driver | null;
  /** Its `points` as they stand in the file. */
  written: unknown;
  /** Those that are in order. */
  points: readonly PointSetup[];
}

export function checkWrites(document: ConfigDocument, devices: readonly CheckedDevice[]): ConfigProblem[] {
  return devices.flatMap((device) => device.points.flatMap((point) => (point.write ? checkWrite(document, devices, device, point) : [])));
}

function checkWrite(
  document: ConfigDocument,
  devices: readonly CheckedDevice[],
  device: CheckedDevice,
  point: PointSetup,
): ConfigProblem[] {
  const path = [...placeOf(device, point.id), 'write'];
  const owner: BilingualText = { en: `point "${point.id}" of device "${device.id}"`, zh: `设备“${device.id}”的测点“${point.id}”` };
  const { range, interlocks } = point.write ?? { interlocks: [] };
  const problems: ConfigProblem[] = [];
  const wrong = (key: string, problem: BilingualText, hint: BilingualText) =>
    problems.push(
      ...problemAt(document, [...path, key], {
        code: 'CV_SETTING_INVALID',
        params: { key: `write.${key}`, ...bilingualParams({ owner, problem, hint }) },
      }),
    );
  if (device.driver && !device.driver.traits.includes('writes')) {
    wrong(
      'allow',
      { en: `its driver ${device.driver.id} does not write`, zh: `其驱动 ${device.driver.id} 不支持写入` },
      { en: 'leave `write` out', zh: '去掉 `write`' },
    );
  }
  if (!range && point.unit !== '') {
    wrong(
      'allow',
      { en: 'what may be written needs a range', zh: '可写的数值必须有范围' },
      { en: 'add `write.range: [low, high]`', zh: '补充 `write.range: [低, 高]`' },
    );
  }
  if (range && point.range && (range[0] < point.range[0] || range[1] > point.range[1])) {
    wrong(
      'range',
      { en: `it goes beyond the range of the point, ${point.range.join(' to ')}`, zh: `超出测点自身的范围 ${point.range.join(' 至 ')}` },
      { en: 'a range within it', zh: '应在其范围之内' },
    );
  }
  const isList = Array.isArray((rawPoint(device, point.id)?.write as { interlock?: unknown } | undefined)?.interlock);
  interlocks.forEach((interlock, at) =>
    problems.push(...checkInterlock(document, devices, device, interlock, [...path, 'interlock', ...(isList ? [at] : [])], owner)),
  );
  return problems;
}

function checkInterlock(
  document: ConfigDocument,
  devices: readonly CheckedDevice[],
  written: CheckedDevice,
  { device: id = written.id, point }: Condition,
  path: ConfigPath,
  owner: BilingualText,
): ConfigProblem[] {
  const device = devices.find((one) => one.id === id);
  if (!device) return problemAt(document, [...path, 'device'], senselessDevice(id, owner, devices));
  // One that is there and not in order has been told already.
  if (device.points.some((one) => one.id === point) || rawPoint(device, point)) return [];
  return problemAt(
    document,
    [...path, 'point'],
    unknownName(
      'CV_POINT_UNKNOWN',
      { point },
      device.points.map((one) => one.id),
      { en: `device "${id}"`, zh: `设备“${id}”` },
    ),
  );
}

function senselessDevice(id: string, owner: BilingualText, devices: readonly CheckedDevice[]): Fault {
  const known = devices.map((one) => one.id).join(', ');
  return {
    code: 'CV_SETTING_INVALID',
    params: {
      key: 'write.interlock.device',
      ...bilingualParams({
        owner,
        problem: { en: `there is no device "${id}"`, zh: `没有设备“${id}”` },
        hint: { en: `known here: ${known}`, zh: `此处可用：${known}` },
      }),
    },
  };
}

/** Where the point stands in the file; the device where it does not (a fixed point without an entry has no `write` either). */
function placeOf(device: CheckedDevice, id: string): ConfigPath {
  const raw = rawPoint(device, id);
  return raw ? [...device.path, 'points', (device.written as unknown[]).indexOf(raw)] : device.path;
}

function rawPoint({ written }: CheckedDevice, id: string): Record<string, unknown> | undefined {
  return Array.isArray(written) ? written.filter(isPlainObject).find((one) => one.id === id) : undefined;
}
