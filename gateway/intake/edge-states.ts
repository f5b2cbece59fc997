/** What edges say of themselves: checked, noted in the registry, and answered with the gateway's clock. */
import { FaultError } from '../../core/faults.ts';
import type { ClockAnswer } from '../../core/wire/messages.ts';
import { edgeTopic, WIRE_VERSION, type EdgeAddress } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';
import type { Bindings } from '../bindings/bindings.ts';
import type { BrokerLink, BrokerMessage } from '../broker/link.ts';
import type { PresenceRegistry } from '../presence/registry.ts';
import type { EdgeLimits } from './edge-limits.ts';
import { readState } from './read-state.ts';

export interface EdgeStatesParts {
  link: Pick<BrokerLink, 'publish'>;
  registry: Pick<PresenceRegistry, 'noteState'>;
  bindings?: Pick<Bindings, 'admitCentre' | 'centresOf'> | undefined;
  /** What else edges may send here. */
  takes(): ('evidence' | 'clips')[];
  limits: EdgeLimits;
}

export class EdgeStates {
  readonly #parts: EdgeStatesParts;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  /** By edge: its last state above the limit. */
  readonly #late = new Map<string, { address: EdgeAddress; message: BrokerMessage }>();

  constructor(parts: EdgeStatesParts, world: Pick<World, 'clock' | 'tell'>) {
    this.#parts = parts;
    this.#world = world;
  }

  /** @returns false where it is above the limit: the last one counts when the second is over */
  take(address: EdgeAddress, message: BrokerMessage): boolean {
    const { edge } = address;
    this.#late.delete(edge);
    if (!this.#parts.limits.admitsState(edge, message.payload.length)) {
      this.#late.set(edge, { address, message });
      return false;
    }
    try {
      const state = readState(message.payload, edge);
      this.#parts.registry.noteState(state, this.#centreOf(address));
      // A state that the broker had kept was said some time ago: its echo says nothing about the clock.
      if (state.sentAt !== undefined && !message.retained) this.#answer(address, state.sentAt);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.#world.tell({ kind: 'batch_refused', code: error.fault.code, sender: edge });
      this.#world.tell({ kind: 'fault', edge, fault: error.fault });
    }
    return true;
  }

  /** A second is over. @param passedOver called for each that is above the limit again */
  takeLate(passedOver: (edge: string) => void): void {
    for (const [edge, { address, message }] of this.#late) {
      this.#late.delete(edge);
      if (!this.take(address, message)) passedOver(edge);
    }
  }

  #answer({ centre, edge }: EdgeAddress, sentAt: number): void {
    const takes = this.#parts.takes();
    const clock = { echo: sentAt, at: this.#world.clock.nowMs() };
    const answer: ClockAnswer = { v: WIRE_VERSION, clock, ...(takes.length > 0 && { takes }) };
    this.#parts.link.publish(edgeTopic(centre, edge, 'ack'), JSON.stringify(answer)).catch((error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      this.#world.tell({ kind: 'fault', edge, fault: error.fault });
    });
  }

  /** What an edge's topics say of its centre, where it may speak for it; else the one that it is known to be of. */
  #centreOf({ centre, edge }: EdgeAddress): string {
    const foreign = this.#parts.bindings?.admitCentre(centre, edge);
    if (!foreign) return centre;
    this.#parts.limits.tellOnce(edge, foreign);
    return this.#parts.bindings?.centresOf(edge)[0] ?? centre;
  }
}
