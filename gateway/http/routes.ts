/** Every route of the API but those of the demo, in the order of the document. */
import { ACCOUNT_ROUTES } from './account.ts';
import { AUDIT_ROUTE } from './audit.ts';
import { BINDING_ROUTES } from './bindings.ts';
import { COMMAND_ROUTES } from './commands.ts';
import { DEVICE_ROUTES } from './devices.ts';
import { ENROLMENT_ROUTES } from './enrolment.ts';
import { EVENTS_ROUTE } from './events.ts';
import { EVIDENCE_ROUTE } from './evidence.ts';
import { INDICATORS_ROUTE } from './indicators.ts';
import { LIVE_VIEW_ROUTE } from './live-view.ts';
import { LIVE_ROUTE } from './live.ts';
import { metaRoutes } from './meta.ts';
import { OIDC_ROUTES } from './oidc.ts';
import { QUARANTINE_ROUTE } from './quarantine.ts';
import type { Route } from './route.ts';
import { SERIES_ROUTE } from './series.ts';
import { SESSION_ROUTES } from './session.ts';
import { STATUS_ROUTE } from './status.ts';
import { STORE_CHECK_ROUTES } from './store-check.ts';
import { UNKNOWN_DEVICES_ROUTE } from './unknown-devices.ts';
import { USER_ROUTES } from './users.ts';
import { WARNING_ROUTES } from './warnings.ts';

/** @param more the demo's, where there is one */
export function routesOf(version: string, more: readonly Route[] = []): Route[] {
  const routes: Route[] = [
    ...metaRoutes(version, () => routes),
    STATUS_ROUTE,
    ...DEVICE_ROUTES,
    INDICATORS_ROUTE,
    ...WARNING_ROUTES,
    QUARANTINE_ROUTE,
    ...STORE_CHECK_ROUTES,
    LIVE_VIEW_ROUTE,
    UNKNOWN_DEVICES_ROUTE,
    SERIES_ROUTE,
    EVENTS_ROUTE,
    EVIDENCE_ROUTE,
    LIVE_ROUTE,
    ...SESSION_ROUTES,
    ...OIDC_ROUTES,
    ...ACCOUNT_ROUTES,
    ...USER_ROUTES,
    AUDIT_ROUTE,
    ...ENROLMENT_ROUTES,
    ...COMMAND_ROUTES,
    ...BINDING_ROUTES,
    ...more,
  ];
  return routes;
}
