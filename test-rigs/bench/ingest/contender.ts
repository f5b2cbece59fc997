/** What a contender of the ingest bench gives: where messages go, how they look, how far it has come, and what it stored. */
import type { Rig } from '../rig.ts';

export type PayloadShape = 'single' | 'batch';

export interface Login {
  clientId: string;
  user: string;
  password: string;
  /** With it, TLS: PEM of the sender's own, and of the CAs that it trusts. */
  tls?: { key: string; cert: string; ca: string };
}

export interface Contender {
  name: string;
  /** One line: what it is and what its figure means. */
  method: string;
  /** Most events on their way by shape: more than it takes in a second, since VictoriaMetrics tells its count but once a second. */
  window: Record<PayloadShape, number>;
  start(rig: Rig): Promise<RunningContender>;
}

export interface RunningContender {
  brokerPort: number;
  /** Its processes without the load's: what its processor time is counted from. */
  pids: readonly number[];
  login(sender: number): Login;
  topic(sender: number): string;
  /** A message with the events from `k` on of one sender. */
  payload(sender: number, k: number, count: number, atMs: number): Uint8Array;
  /** Events stored so far and open to queries. */
  stored(): Promise<number>;
  /** All values of a series, in order of time, by a query. */
  readBack(sender: number, device: number): Promise<number[]>;
}
