/** Intake on one page: what happens to a batch, in order, from the moment it is read to its ack, and where it ends. No logic here. */
import type { GatewayLog } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import type { Bindings } from '../bindings/bindings.ts';
import type { HeldEvents } from '../bindings/held.ts';
import type { BrokerLink } from '../broker/link.ts';
import type { GatewaySetup } from '../config/setup.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import { Acks } from './acks.ts';
import { acceptBatch, acknowledgeBatch, countBatch, finishBinding, keepBatch, startBinding } from './batch-stations.ts';
import type { BatchStation } from './batch-task.ts';
import { IntakeCounts } from './intake-counts.ts';
import { BatchKeeper, type BatchesKept } from './batch-keeper.ts';
import type { Quarantine } from './quarantine.ts';
import { Refusals } from './refusals.ts';

export interface IntakeLineParts {
  setup: Pick<GatewaySetup, 'gateway' | 'accepts' | 'exercise' | 'relays'>;
  log: GatewayLog;
  /** Publishes acks. */
  link: Pick<BrokerLink, 'publish'>;
  quarantine: Pick<Quarantine, 'add'>;
  /** For which devices and centres each edge may speak; for all when absent (tests). */
  bindings?: Pick<Bindings, 'admit' | 'admitCentre' | 'centresOf' | 'written'>;
  /** Keeps what was refused for its device or centre, whole. */
  held?: Pick<HeldEvents, 'add'>;
  registry: Pick<PresenceRegistry, 'noteEvents' | 'noteState'>;
  /** Gets what has just come to lie in the log, so that nobody near its end need read it there. */
  onKept?: BatchesKept;
}

export interface IntakeLine {
  stations: readonly BatchStation[];
  counts: IntakeCounts;
  keeper: BatchKeeper;
}

/** @param stop ends what waits for a log that does not take it */
export function intakeLine(parts: IntakeLineParts, world: World, stop: AbortSignal): IntakeLine {
  const { setup, log, link, quarantine, bindings, held, registry, onKept } = parts;
  const counts = new IntakeCounts(registry, world.tell);
  const refusals = new Refusals({ quarantine, link, held }, world.tell);
  const keeper = new BatchKeeper(
    log,
    {
      quarantine: (sender, refused, receivedAt) => refusals.quarantineEvents(sender, refused, receivedAt),
      kept: (batches) => onKept?.(batches),
    },
    world,
    stop,
  );
  const acks = new Acks(setup.gateway, log, link, world);
  return {
    stations: [
      // edge-limits.ts, intake-window.ts: before that, an edge above its rate or its window is left unanswered
      acceptBatch({ setup, bindings, refusals }), // each event against schema, sender and bindings; an unreadable batch ends in quarantine
      startBinding(bindings),                     // a device that nobody had is this edge's from here on: written beside the events
      keepBatch(keeper, refusals),                // each number once, flushed to the log; refused events are in quarantine before;
                                                  // with a full log it waits
      countBatch(counts),                         // accepted, duplicates, refused
      finishBinding,                              // on disk as well
      acknowledgeBatch(acks),                     // only now: what the log holds of this sender's stream
    ],
    counts, keeper,
  };
}
