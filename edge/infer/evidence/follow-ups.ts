/** What follows an event as an event of its own: made beside the line, and awaited when the edge ends. */
import type { Draft, Evidence } from '../../../core/event.ts';
import type { Tell } from '../../../core/telemetry.ts';
import { ownClock, type Clock } from '../../../core/world.ts';
import type { DeviceSetup } from '../../config/setup.ts';

export interface FollowUpParts {
  centre: string;
  /** Where it stands and what it is about. */
  deviceOf(id: string): Pick<DeviceSetup, 'subject' | 'position'> | undefined;
}

/** @param of the events that it follows */
export function followUpEvent(
  { centre, deviceOf }: FollowUpParts,
  clock: Clock,
  {
    of,
    at,
    evidence,
    ...place
  }: { device: string; point: string; indicator: string; of: readonly { point: string }[]; at: number | undefined; evidence: Evidence },
): Draft {
  const { subject = place.device, position } = deviceOf(place.device) ?? {};
  const nowMs = Math.round(clock.nowMs());
  return {
    ...place,
    subject,
    centre,
    kind: 'occurrence',
    value: [...new Set(of.map(({ point }) => point))].join(' '),
    unit: '',
    occurredAt: at ?? nowMs,
    clock: ownClock(clock),
    observedAt: nowMs,
    quality: 'good',
    origin: 'live',
    ...(position && { position }),
    evidence: [evidence],
  };
}

export class FollowUps {
  readonly #tell: Tell;
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  /** Aborts when the edge ends. */
  readonly signal = this.#ending.signal;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Never rejects. @param failed is told of what fails before the edge ends; what its end cuts off is counted here */
  add(device: string, work: Promise<void>, failed: (error: unknown) => void): void {
    const run = work.catch((error: unknown) => {
      if (this.signal.aborted) this.#tell({ kind: 'evidence_lost', count: 1, reason: 'shutdown', device });
      else failed(error);
    }).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when all that are coming are there, or lost. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** What is still coming is lost, and counted. */
  async close(): Promise<void> {
    this.#ending.abort(new DOMException('the edge ends', 'AbortError'));
    await this.settled();
  }
}
