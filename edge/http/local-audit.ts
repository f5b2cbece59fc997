/** What is asked of the local HTTP and matters to an auditor. What a gateway asks for somebody is in its own record, by name. */
import type { IncomingMessage } from 'node:http';
import { setBounded } from '../../core/bounded-map.ts';
import { networkOf } from '../../core/net.ts';
import type { Clock } from '../../core/world.ts';
import type { EdgeAuditEntry, EdgeAuditLog } from '../../log/audit/edge-entry.ts';

/** A supervisor asks with a token every few seconds: whoever was not here for so long signs in anew. */
const SIGN_IN_MS = 3_600_000;
const MAX_NETWORKS = 1000;

/** By the token of the configuration, by the key that the gateway knows, or by being on this machine. */
export type LocalReader = 'token' | 'gateway' | 'local';

export class LocalAudit {
  readonly #log: EdgeAuditLog;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By network: when it last came with the token, monotonic ms. */
  readonly #seenMs = new Map<string, number>();

  constructor(log: EdgeAuditLog, clock: Pick<Clock, 'monotonicMs'>) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Somebody may read. */
  admitted(reader: LocalReader, request: IncomingMessage): void {
    if (reader !== 'token') return;
    const network = networkOf(addressOf(request));
    const nowMs = this.#clock.monotonicMs();
    const seenMs = this.#seenMs.get(network) ?? -Infinity;
    setBounded(this.#seenMs, network, nowMs, MAX_NETWORKS);
    if (nowMs - seenMs >= SIGN_IN_MS) this.#append({ kind: 'sign_in', who: reader, what: 'token', outcome: 'done' }, request);
  }

  refused(what: string, request: IncomingMessage): void {
    this.#append({ kind: 'refusal', who: '', what, outcome: 'refused' }, request);
  }

  picture(device: string, reader: LocalReader, request: IncomingMessage): void {
    if (reader !== 'gateway') this.#append({ kind: 'evidence_read', who: reader, what: `picture ${device}`, outcome: 'done' }, request);
  }

  live(device: string, outcome: EdgeAuditEntry['outcome'], request: IncomingMessage): void {
    this.#append({ kind: 'live_view', who: 'gateway', what: device, outcome }, request);
  }

  #append(entry: Omit<EdgeAuditEntry, 'from'>, request: IncomingMessage): void {
    this.#log.append({ ...entry, from: addressOf(request) });
  }
}

const addressOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? '';
