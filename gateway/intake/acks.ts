/** Acks: what the log holds of each sender's stream, told once a turn however many batches came in between. */
import type { Stream } from '../../core/event.ts';
import { faultOf } from '../../core/faults.ts';
import type { GatewayLog } from '../../log/types.ts';
import type { Ack, RefusedRange } from '../../core/wire/messages.ts';
import { edgeTopic, WIRE_VERSION } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';
import type { BrokerLink } from '../broker/link.ts';
import { ackMark } from './batch-keeper.ts';

interface DueAck {
  centre: string;
  edge: string;
  stream: Stream;
  epoch: number;
  refused: RefusedRange[];
}

/** Keeps one ack well below what an edge takes (256 KB). */
const MAX_REFUSED = 1000;

export class Acks {
  readonly #owed = new Map<string, DueAck>();
  readonly #sending = new Set<string>();
  readonly #gateway: string;
  readonly #log: GatewayLog;
  readonly #link: Pick<BrokerLink, 'publish'>;
  readonly #world: Pick<World, 'clock' | 'tell'>;

  constructor(gateway: string, log: GatewayLog, link: Pick<BrokerLink, 'publish'>, world: Pick<World, 'clock' | 'tell'>) {
    this.#gateway = gateway;
    this.#log = log;
    this.#link = link;
    this.#world = world;
  }

  /** An ack of this stream is due; `centre` is the one in the edge's own topics. */
  due(centre: string, edge: string, stream: Stream, epoch: number, refused: readonly RefusedRange[] = []): void {
    const key = `${centre}|${edge}|${stream}|${epoch}`;
    const owed = this.#owed.get(key) ?? { centre, edge, stream, epoch, refused: [] };
    owed.refused.push(...refused);
    this.#owed.set(key, owed);
    if (this.#sending.has(key)) return;
    this.#sending.add(key);
    // One turn later: what else this turn brings goes into the same ack.
    setImmediate(() => { void this.#send(key); });
  }

  async #send(key: string): Promise<void> {
    for (let owed = this.#owed.get(key); owed; owed = this.#owed.get(key)) {
      this.#owed.delete(key);
      const { centre, edge, stream, epoch, refused } = owed;
      if (refused.length > MAX_REFUSED) this.#owed.set(key, { ...owed, refused: refused.slice(MAX_REFUSED) });
      try {
        const ack: Ack = {
          v: WIRE_VERSION, stream, epoch, ...ackMark(this.#log, edge, stream, epoch), refused: refused.slice(0, MAX_REFUSED),
          gateway: this.#gateway, at: this.#world.clock.nowMs(),
        };
        await this.#link.publish(edgeTopic(centre, edge, 'ack'), JSON.stringify(ack));
      } catch (error) {
        // Not kept for later: the edge sends again what it saw no ack of, and is answered then.
        this.#world.tell({ kind: 'fault', edge, fault: faultOf(error, 'CV_BROKER_UNREACHABLE', { url: '' }) });
      }
    }
    this.#sending.delete(key);
  }
}

/** Refused numbers as ranges of one code. */
export function refusedRanges(refused: readonly { seq: number; code: string }[]): RefusedRange[] {
  const ranges: RefusedRange[] = [];
  for (const { seq, code } of refused) {
    const last = ranges.at(-1);
    if (last && last.code === code && last.to === seq - 1) last.to = seq;
    else ranges.push({ from: seq, to: seq, code });
  }
  return ranges;
}
