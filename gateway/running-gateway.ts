/** What a running gateway is given, and what it gives. */
import type { ConfigState, ReloadResult } from '../core/config/reload.ts';
import type { GatewaySetup } from './config/setup.ts';
import type { DemoControls } from './http/sources.ts';

export interface RunOptions {
  /** Prometheus text for `/metrics`. */
  metrics?(): Promise<string>;
  /** What became of a changed configuration file, for the status page. */
  config?(): ConfigState;
  /** Only inside `cityvitals demo`. */
  demo?: DemoControls;
  /** Where the console was built to; default: console-dist beside this file, when it is there. */
  consoleDir?: string;
}

export interface RunningGateway {
  /** Base URL of API and console, without a slash at its end. */
  httpUrl: string;
  /** Where edges and consumers connect. */
  brokerUrl: string;
  /** Makes the first administrator, once, within a day; null where there is one. */
  setupLink: string | null;
  /** Events in the log that the store or the rules have not taken yet, whichever is further behind. */
  held(): number;
  /**
   * Takes in a changed setup: rules, catalogue, edges, consumers, operators and the like. One at a time.
   *
   * @returns what was done, and which settings need a restart and stay as they were
   * @throws faults of rule and catalogue files; nothing has changed then
   */
  reload(next: GatewaySetup): Promise<ReloadResult>;
  /** Takes nothing more, finishes what is in hand, closes everything; twice is fine. */
  close(): Promise<void>;
}
