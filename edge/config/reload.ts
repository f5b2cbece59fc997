/** What of a changed setup an edge takes in while it runs, and what only a restart can. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { changedSettings, changedItems, type ReloadResult } from '../../core/config/reload.ts';
import type { EdgeSetup } from './setup.ts';

/** Who it is, where its log lies, whose clock it goes by, where it listens, how its models run, what pictures it keeps and how, how many cameras are watched: what others already hold on to. */
const FIXED = [
  'edge',
  'centre',
  'log.dir',
  'log.maxBytes',
  'clock.trust',
  'http.host',
  'http.port',
  'http.hosts',
  'http.token',
  'vision',
  'live',
  'evidence',
  'atRest',
];

/** Taken in at once, and named as they are; devices are named one by one. */
const TAKEN = ['gateway.urls', 'gateway.token', 'gateway.identity', 'gateway.ca', 'commands.key', 'catalogue', 'rules'];

export interface EdgeReloadPlan {
  /** The new one, with what is fixed as it was. */
  setup: EdgeSetup;
  isGatewayOther: boolean;
  report: ReloadResult;
}

export function edgeReloadPlan(before: EdgeSetup, after: EdgeSetup): EdgeReloadPlan {
  const { edge, centre, log, clock, http, vision, evidence, atRest, live } = before;
  const devices = changedItems(before.devices, after.devices, ({ id }) => id);
  return {
    setup: {
      ...after,
      edge,
      centre,
      log,
      http,
      ...(clock && { clock }),
      ...(vision && { vision }),
      ...(live && { live }),
      ...(evidence !== undefined && { evidence }),
      ...(atRest !== undefined && { atRest }),
    },
    isGatewayOther: !isDeepStrictEqual(before.gateway, after.gateway),
    report: {
      ...devices,
      changed: [...devices.changed, ...changedSettings(before, after, TAKEN)],
      restartNeeded: changedSettings(before, after, FIXED),
    },
  };
}
