/** One example of every shape, for the document; a test holds each to its schema. */
import type { FaultParams } from '../../core/faults.ts';
import { BIND_RESULT_EXAMPLE, BINDING_EXAMPLE } from '../../api/bindings.ts';
import { COMMAND_BODY_EXAMPLE, COMMAND_EXAMPLE } from '../../api/commands.ts';
import { DEMO_EXAMPLE } from '../../api/demo.ts';
import { DEVICE_EXAMPLE } from '../../api/devices.ts';
import { EVENT_EXAMPLE } from '../../api/events.ts';
import { EXAMPLE_AT } from '../../api/example-values.ts';
import { INDICATOR_EXAMPLE } from '../../api/indicators.ts';
import { LIVE_EXAMPLE } from '../../api/live.ts';
import { LIVE_TICKET_EXAMPLE } from '../../api/live-view.ts';
import { PICTURE_EXAMPLE, SNAPSHOT_EXAMPLE } from '../../api/pictures.ts';
import { QUARANTINE_EXAMPLE } from '../../api/quarantine.ts';
import { SERIES_EXAMPLE, SERIES_RANGE_EXAMPLE } from '../../api/series.ts';
import { STATUS_EXAMPLE } from '../../api/status.ts';
import { STORE_CHECK_EXAMPLE } from '../../api/store-check.ts';
import { UNKNOWN_DEVICE_EXAMPLE } from '../../api/unknown-devices.ts';
import { WARNING_EXAMPLE } from '../../api/warnings.ts';

/** What the sentences of faults speak of, in the document's examples. */
const faultParams: FaultParams = {
  parameter: 'limit',
  detail: 'a whole number from 1 to 1000 is wanted',
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
  owner: 'pump-08',
  key: 'bindings',
};

export const EXAMPLES = {
  faultParams,
  device: DEVICE_EXAMPLE,
  binding: BINDING_EXAMPLE,
  bindResult: BIND_RESULT_EXAMPLE,
  unknownDevice: UNKNOWN_DEVICE_EXAMPLE,
  series: SERIES_EXAMPLE,
  range: SERIES_RANGE_EXAMPLE,
  warning: WARNING_EXAMPLE,
  status: STATUS_EXAMPLE,
  picture: PICTURE_EXAMPLE,
  snapshot: SNAPSHOT_EXAMPLE,
  liveTicket: LIVE_TICKET_EXAMPLE,
  indicator: INDICATOR_EXAMPLE,
  quarantined: QUARANTINE_EXAMPLE,
  command: COMMAND_EXAMPLE,
  commandBody: COMMAND_BODY_EXAMPLE,
  storeCheck: STORE_CHECK_EXAMPLE,
  demo: DEMO_EXAMPLE,
  live: LIVE_EXAMPLE,
  event: EVENT_EXAMPLE,
  events: { items: [EVENT_EXAMPLE], next: EVENT_EXAMPLE.cursor },
};
