/** Settings of the data logger that can be written: the request that sets one, and the one that reads it back. */
import type { PointOf, WritableValue } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import { readRequest, writeRequest, type Hj212Request } from './frame.ts';
import { PARAMETERS, type Hj212Point } from './settings.ts';

/** Pure. @throws CV_HJ212_WRITE for a point that is no parameter, or a value that it cannot take */
export function write(point: PointOf<Hj212Point>, value: WritableValue): Hj212Request[] {
  const { id, parameter } = point;
  if (parameter === undefined) throw new FaultError('CV_HJ212_WRITE', { point: id, detail: 'a measured value cannot be set', detailZh: '监测值不能写入' });
  const { least, most, unit } = PARAMETERS[parameter];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw new FaultError('CV_HJ212_WRITE', { point: id, detail: `a whole number of ${least} to ${most} ${unit} is wanted`, detailZh: `应为 ${least} 到 ${most} 的整数（${unit}）` });
  return [writeRequest(parameter, value), readRequest(id, parameter)];
}
