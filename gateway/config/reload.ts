/** What of a changed setup a gateway takes in while it runs, and what only a restart can. Pure. */
import { changedSettings, changedItems, type ReloadResult } from '../../core/config/reload.ts';
import type { Rule } from '../../city/rules/rule.ts';
import type { EmbeddedBrokerSetup, GatewaySetup } from './setup.ts';

/** Who it is, where its files lie, where it listens, what it publishes, and ways to people. */
const FIXED = [
  'gateway',
  'centre',
  'log.dir',
  'log.maxBytes',
  'log.keepMs',
  'store.dir',
  'store.compaction',
  'evidence',
  'atRest',
  'streams',
  'http.host',
  'http.port',
  'http.hosts',
  'http.trustProxy',
  'tls',
  'notifiers',
];
/** Taken in at once, and named as they are; lists of things are named thing by thing. */
const TAKEN = [
  'name',
  'http.anonymous',
  'accepts',
  'exercise',
  'edgeHttp',
  'bindings',
  'relays',
  'live',
  'audit',
  'signIn',
  'store.retentionMs',
  'store.maxBytes',
  'catalogue',
];
const FIXED_EMBEDDED = ['broker.host', 'broker.port', 'broker.maxConnections'];

export type BrokerRights = Pick<EmbeddedBrokerSetup, 'edges' | 'consumers' | 'anonymous'>;

export interface GatewayPlan {
  /** The new one, with what is fixed as it was. */
  setup: GatewaySetup;
  /** null with a broker elsewhere: it has its own. */
  rights: BrokerRights | null;
  told: ReloadResult;
}

/** @param rules those of the two setups */
export function planOf(before: GatewaySetup, after: GatewaySetup, rules: { before: readonly Rule[]; after: readonly Rule[] }): GatewayPlan {
  const both = before.broker.kind === 'embedded' && after.broker.kind === 'embedded' ? [before.broker, after.broker] as const : null;
  const broker = both ? { ...both[0], edges: both[1].edges, consumers: both[1].consumers, anonymous: both[1].anonymous } : before.broker;
  const restartNeeded = changedSettings(before, after, [...FIXED, ...(both ? FIXED_EMBEDDED : ['broker'])]);
  const { name: _, ...unnamed } = after;
  const parts = [
    named(
      'rule',
      changedItems(rules.before, rules.after, ({ id }) => id),
    ),
    ...(both
      ? [
          named(
            'edge',
            changedItems(both[0].edges, both[1].edges, ({ id }) => id),
          ),
          named(
            'consumer',
            changedItems(both[0].consumers, both[1].consumers, ({ user }) => user),
          ),
        ]
      : []),
    named(
      'sink',
      changedItems(before.sinks, after.sinks, ({ id }) => id),
    ),
    named(
      'reader',
      changedItems(before.http.readers ?? [], after.http.readers ?? [], ({ name }) => name),
    ),
    named(
      'operator',
      changedItems(before.operators ?? [], after.operators ?? [], ({ name }) => name),
    ),
  ];
  const changed = changedSettings(before, after, [...TAKEN, ...(both ? ['broker.anonymous'] : [])]);
  const all = (of: 'added' | 'changed' | 'removed') => parts.flatMap((part) => part[of]);
  return {
    setup: {
      ...unnamed,
      ...(after.name ? { name: after.name } : {}),
      gateway: before.gateway,
      centre: before.centre,
      log: before.log,
      store: { ...before.store, retentionMs: after.store.retentionMs, maxBytes: after.store.maxBytes },
      http: { ...before.http, readers: after.http.readers, anonymous: after.http.anonymous },
      notifiers: before.notifiers,
      broker,
      ...(before.evidence && { evidence: before.evidence }),
      ...(before.atRest !== undefined && { atRest: before.atRest }),
      ...(before.streams && { streams: before.streams }),
      ...(before.tls && { tls: before.tls }),
    },
    rights: both && { edges: both[1].edges, consumers: both[1].consumers, anonymous: both[1].anonymous },
    told: {
      added: all('added'),
      changed: [...all('changed'), ...changed],
      removed: all('removed'),
      kept: parts.reduce((sum, { kept }) => sum + kept, 0),
      restartNeeded,
    },
  };
}

function named(what: string, { added, changed, removed, kept }: Omit<ReloadResult, 'restartNeeded'>): Omit<ReloadResult, 'restartNeeded'> {
  const name = (ids: readonly string[]) => ids.map((id) => `${what} ${id}`);
  return { added: name(added), changed: name(changed), removed: name(removed), kept };
}
