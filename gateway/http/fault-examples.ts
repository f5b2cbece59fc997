import { DEVICE_EXAMPLE } from '../../api/devices.ts';
import { EXAMPLE_AT } from '../../api/example-values.ts';
import type { FaultParams } from '../../core/faults.ts';

/** What the sentences of faults speak of, in the document's examples. */
export const FAULT_PARAMS_EXAMPLE: FaultParams = {
  parameter: 'limit',
  detail: 'expected a whole number from 1 to 1000',
  detailZh: '应为 1 到 1000 的整数',
  path: '/api/v1/devices',
  id: 'nobody',
  what: 'device',
  whatZh: '设备',
  list: '/api/v1/devices',
  after: '1781764190000-12',
  oldest: '1781764190000-900',
  head: '1781764190000-2431',
  device: DEVICE_EXAMPLE.id,
  count: 2,
  from: EXAMPLE_AT,
  to: EXAMPLE_AT - 1,
  origin: 'https://elsewhere.example',
  limit: 60,
  who: 'duty-1',
  whoZh: 'duty-1',
  waitSeconds: 30,
  edge: 'pump-07',
  point: 'running',
  address: '127.0.0.1:8080',
  host: 'city.example',
  name: 'li-wei',
  permission: 'command',
  centre: '500112',
  min: 10,
  max: 1024,
  owner: 'pump-08',
  key: 'bindings',
};
