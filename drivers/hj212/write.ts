/** Writes a parameter of the data logger: the request that sets it, and the one that reads it back. */
import type { PointOf, WritableValue } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import { parameterReadRequest, parameterWriteRequest, type Hj212Request } from './frame.ts';
import { LOGGER_PARAMETERS, type Hj212Point } from './settings.ts';

/** Pure. @throws CV_HJ212_WRITE for a point that is not a parameter, or an invalid value */
export function write(point: PointOf<Hj212Point>, value: WritableValue): Hj212Request[] {
  const { id, parameter } = point;
  if (parameter === undefined)
    throw new FaultError('CV_HJ212_WRITE', { point: id, detail: 'a measured value cannot be set', detailZh: '监测值不能写入' });
  const { min, max, unit } = LOGGER_PARAMETERS[parameter];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw new FaultError('CV_HJ212_WRITE', {
      point: id,
      detail: `expected a whole number from ${min} to ${max} ${unit}`,
      detailZh: `应为 ${min} 到 ${max} 的整数（${unit}）`,
    });
  return [parameterWriteRequest(parameter, value), parameterReadRequest(id, parameter)];
}
