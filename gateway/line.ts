/**
 * The gateway's line on one page: what happens to a batch from the moment an edge has sent it. Intake checks it, writes it
 * to the log and acknowledges it; from there on everyone reads the log, each at its own place and pace.
 */
import type { Normaliser } from '../city/catalogue/catalogue.ts';
import type { GatewayLog } from '../log/types.ts';
import type { World } from '../core/world.ts';
import { withoutAuditEvents } from './audit/without-audit-events.ts';
import type { Bindings } from './bindings/bindings.ts';
import type { HeldEvents, TakeHeld } from './bindings/held.ts';
import type { BrokerLink, BrokerMessage } from './broker/link.ts';
import type { GatewaySetup } from './config/setup.ts';
import { Intake, type IntakeParts } from './intake/intake.ts';
import type { IntakeStats } from './intake/intake-counts.ts';
import type { Quarantine } from './intake/quarantine.ts';
import type { PresenceRegistry } from './presence/registry.ts';
import type { Consumer } from './feed/consumer.ts';
import { openLogFeed } from './feed/log-feed.ts';
import { streamsConsumer } from './streams/out.ts';
import type { Publisher } from './streams/publisher.ts';

export interface GatewayLineParts {
  log: GatewayLog;
  quarantine: Quarantine;
  registry: PresenceRegistry;
  /** For which devices and centres each edge may speak. */
  bindings: Bindings;
  held: HeldEvents;
  /** Publishes acks. */
  link: Pick<BrokerLink, 'publish'>;
  publisher: Publisher;
  /** Whether anybody may be listening to the clean events. */
  isHeard(): boolean;
  /** Of the catalogue as it is now. */
  normaliser(): Normaliser;
  store: Consumer;
  warnings: Consumer;
  sinks: readonly Consumer[];
  isRevoked?: IntakeParts['isRevoked'];
  /** Takes what edges tell the audit record; nobody else is handed that. */
  audit?: Consumer;
  takes?: IntakeParts['takes'];
  onSettled?: IntakeParts['onSettled'];
}

export interface GatewayLine {
  /** What edges send goes in here. */
  take(message: BrokerMessage): Promise<void> | void;
  /** Events that were held back, once it is known whose they are. */
  takeHeldEvents: TakeHeld;
  stats(): Readonly<IntakeStats>;
  /** Events that a consumer has not taken yet. */
  lag(consumer: string): number;
  open(): Promise<void>;
  /** A consumer comes, or goes, while the line runs. */
  addConsumer(consumer: Consumer): Promise<void>;
  removeConsumer(consumer: string): Promise<void>;
  close(): Promise<void>;
}

export function gatewayLine(setup: GatewaySetup, parts: GatewayLineParts, world: World): GatewayLine {
  const { log, quarantine, registry, link, publisher } = parts;
  const { events, indicators } = setup.streams ?? { events: 'all', indicators: [] };
  const streams = events === 'none'
    ? []
    : [streamsConsumer(log, publisher, { indicators, isHeard: parts.isHeard, normaliser: parts.normaliser }, world)];
  const others = [
    parts.store,      // time series: last values, ranges, aggregates
    parts.warnings,   // rules → state machine → outbox
    ...streams,       // clean events for other consumers
    ...parts.sinks,   // InfluxDB and the like; overrun when the log is full of them
  ].map(withoutAuditEvents);
  const feed = openLogFeed(log, [...others, ...(parts.audit ? [parts.audit] : [])], world);
  // intake/line.ts: accept → bind → keep → count → acknowledge; what is refused → quarantine; what is kept → feed
  const intake = new Intake(
    {
      setup,
      log,
      quarantine,
      registry,
      bindings: parts.bindings,
      held: parts.held,
      link,
      onKept: (groups) => feed.offer(groups),
      ...(parts.isRevoked && { isRevoked: parts.isRevoked }),
      ...(parts.takes && { takes: parts.takes }),
      ...(parts.onSettled && { onSettled: parts.onSettled }),
    },
    world,
  );
  return {
    take: (message) => intake.take(message),
    takeHeldEvents: (sender, id, events) => intake.takeHeldEvents(sender, id, events),
    stats: () => intake.stats,
    lag: (consumer) => feed.lag(consumer),
    open: () => feed.start(),
    addConsumer: (consumer) => feed.addConsumer(withoutAuditEvents(consumer)),
    removeConsumer: (consumer) => feed.removeConsumer(consumer),
    async close() {
      await intake.close();
      const fed = feed.close();
      await parts.warnings.close();
      // Whoever still waits for a broker that is away waits no longer: it is in the log, or in the outbox.
      publisher.close();
      await fed;
    },
  };
}
