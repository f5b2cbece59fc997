/** The example of every resource, for tests that stand a gateway up with them. */
import { AUDIT_EXAMPLE } from '../../../api/audit.ts';
import { BIND_RESULT_EXAMPLE, BINDING_EXAMPLE } from '../../../api/bindings.ts';
import { COMMAND_BODY_EXAMPLE, COMMAND_EXAMPLE } from '../../../api/commands.ts';
import { DEMO_EXAMPLE } from '../../../api/demo.ts';
import { DEVICE_EXAMPLE } from '../../../api/devices.ts';
import { EVENT_EXAMPLE } from '../../../api/events.ts';
import { INDICATOR_EXAMPLE } from '../../../api/indicators.ts';
import { LIVE_EXAMPLE } from '../../../api/live.ts';
import { LIVE_TICKET_EXAMPLE } from '../../../api/live-view.ts';
import { PICTURE_EXAMPLE, SNAPSHOT_EXAMPLE } from '../../../api/pictures.ts';
import { QUARANTINE_EXAMPLE } from '../../../api/quarantine.ts';
import { SERIES_EXAMPLE, SERIES_RANGE_EXAMPLE } from '../../../api/series.ts';
import { STATUS_EXAMPLE } from '../../../api/status.ts';
import { STORE_CHECK_EXAMPLE } from '../../../api/store-check.ts';
import { UNKNOWN_DEVICE_EXAMPLE } from '../../../api/unknown-devices.ts';
import { WARNING_EXAMPLE } from '../../../api/warnings.ts';

export const EXAMPLES = {
  auditEntry: AUDIT_EXAMPLE,
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
