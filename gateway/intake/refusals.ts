/** What is refused goes into quarantine, with its reason, before its sender is answered. */
import type { Event } from '../../core/event.ts';
import { explain, type Fault } from '../../core/faults.ts';
import type { Refusal } from '../../core/wire/messages.ts';
import { edgeTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';
import type { HeldEvents } from '../bindings/held.ts';
import type { BrokerLink } from '../broker/link.ts';
import type { RefusedEvent } from './accept.ts';
import { refusedRanges } from './acks.ts';
import type { BatchTask } from './batch-task.ts';
import { MAX_PAYLOAD_BYTES, payloadSha256, type Quarantine } from './quarantine.ts';

const MAX_DETAIL_CHARACTERS = 300;

export interface RefusalParts {
  quarantine: Pick<Quarantine, 'add'>;
  /** Publishes what is refused. */
  link: Pick<BrokerLink, 'publish'>;
  /** Keeps events that were refused for their device or centre, whole. */
  held?: Pick<HeldEvents, 'add'> | undefined;
}

type RefusedBatch = Pick<BatchTask, 'address' | 'payload' | 'receivedAt'>;

export class Refusals {
  readonly #quarantine: Pick<Quarantine, 'add'>;
  readonly #link: Pick<BrokerLink, 'publish'>;
  readonly #held: Pick<HeldEvents, 'add'> | undefined;
  readonly #tell: World['tell'];

  constructor(parts: RefusalParts, tell: World['tell']) {
    this.#quarantine = parts.quarantine;
    this.#link = parts.link;
    this.#held = parts.held;
    this.#tell = tell;
  }

  /** Nothing of it can be read or written: quarantined, counted, and answered by its digest. @returns false: it goes no further */
  async refuseBatch({ address: { centre, edge }, payload, receivedAt }: RefusedBatch, fault: Fault): Promise<false> {
    const detail = explain(fault, 'en').message;
    // A payload may be large: digested once, and only its head is copied.
    const whole = { sha256: payloadSha256(payload), bytes: payload.length };
    const head = new Uint8Array(payload.subarray(0, MAX_PAYLOAD_BYTES));
    await this.#quarantine.add([{ at: receivedAt, sender: edge, code: fault.code, detail, payload: head, whole }]);
    this.#tell({ kind: 'batch_refused', code: fault.code, sender: edge });
    this.#tell({ kind: 'fault', edge, fault });
    const refusal: Refusal = { v: WIRE_VERSION, error: fault.code, sha256: whole.sha256, detail: detail.slice(0, MAX_DETAIL_CHARACTERS) };
    await this.#link.publish(edgeTopic(centre, edge, 'ack'), JSON.stringify(refusal));
    return false;
  }

  /** Refused events of a batch that is otherwise well: an item for each run of one code. */
  async quarantineEvents(sender: string, refused: readonly RefusedEvent[], at: number): Promise<void> {
    const items = refusedRanges(refused).map(({ from, to, code }) => {
      const run = refused.filter(({ seq }) => seq >= from && seq <= to);
      const [first] = run as [RefusedEvent];
      const detail = `seq ${from}${to > from ? `–${to}` : ''}: ${explain(first, 'en').message}`;
      const payload = Buffer.from(JSON.stringify(run.map(({ event }) => event)));
      return { at, sender, code: code as RefusedEvent['code'], detail, payload };
    });
    await this.#quarantine.add(items);
    const foreign = refused.filter(({ code }) => code === 'CV_DEVICE_FOREIGN' || code === 'CV_CENTRE_FOREIGN');
    if (foreign.length > 0) await this.#held?.add(sender, foreign.map(({ event }) => event as Event));
  }
}
