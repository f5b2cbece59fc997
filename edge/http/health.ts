/** What `/healthz` says of an edge. */
import type { ConfigState } from '../../core/config/reload.ts';
import { STREAMS, type Stream } from '../../core/event.ts';
import type { EdgeLog } from '../../log/types.ts';
import type { DeviceState, UnknownDeviceState } from '../../core/wire/messages.ts';
import type { Fault } from '../../core/faults.ts';
import type { TrustedKeyStatus } from '../commands/trusted-key.ts';
import type { IdentityStatus } from '../identity/judge-identity.ts';
import type { UplinkStatus } from '../forward/forward.ts';
import type { LogProblem } from './log-problems.ts';

export interface EdgeHealth {
  /** The edge runs and its log takes what comes. An uplink or a device that is away does not make it false: nothing is lost. */
  ok: boolean;
  edge: string;
  centre: string;
  version: string;
  now: number;
  log: { writing: boolean; depth: number; bytes: number; byStream: Record<Stream, number> };
  /** False: nobody has set the clock yet, and nothing is sent until somebody does. */
  clock: { known: boolean; source: string | null };
  /** What ails the log or did of late, with the ranges that were lost. */
  problems: LogProblem[];
  uplink: UplinkStatus;
  /** Absent: none is configured. A fault where it is missing or cannot be used. */
  identity?: IdentityStatus | Fault;
  /** By which commands are verified; a fault where it cannot be read, and none is executed; null: they are not verified. */
  commandKey?: TrustedKeyStatus;
  devices: DeviceState[];
  /** Devices that spoke and that nobody configured, newest first; at most a hundred. */
  unknown: UnknownDeviceState[];
  /** What became of a changed configuration file; absent where nobody watches one. */
  config?: ConfigState;
}

export interface EdgeHealthParts {
  edge: string;
  centre: string;
  version: string;
  nowMs(): number;
  log: EdgeLog;
  isKeeping(): boolean;
  problems?(): LogProblem[];
  clock(): EdgeHealth['clock'];
  uplink(): UplinkStatus;
  identity?(): IdentityStatus | Fault | null;
  commandKey?(): TrustedKeyStatus;
  devices(): DeviceState[];
  unknown?(): UnknownDeviceState[];
  config?: (() => ConfigState) | undefined;
}

export function edgeHealth(facts: EdgeHealthParts): EdgeHealth {
  const sizes = STREAMS.map((stream) => {
    const { events, bytes } = facts.log.size(stream);
    return { stream, events, bytes };
  });
  const writing = facts.isKeeping();
  const identity = facts.identity?.();
  return {
    ok: writing,
    edge: facts.edge, centre: facts.centre, version: facts.version, now: facts.nowMs(),
    log: {
      writing,
      depth: sizes.reduce((sum, size) => sum + size.events, 0),
      bytes: sizes.reduce((sum, size) => sum + size.bytes, 0),
      byStream: Object.fromEntries(sizes.map((size) => [size.stream, size.events])) as Record<Stream, number>,
    },
    problems: facts.problems?.() ?? [],
    clock: facts.clock(),
    uplink: facts.uplink(),
    ...(identity && { identity }),
    ...(facts.commandKey && { commandKey: facts.commandKey() }),
    devices: facts.devices(),
    unknown: facts.unknown?.() ?? [],
    ...(facts.config ? { config: facts.config() } : {}),
  };
}
