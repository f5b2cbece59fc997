/** Devices that spoke to this edge and that nobody configured, taken from what drivers tell; the newest hundred. */
import type { Tell, TelemetryEvent } from '../../core/telemetry.ts';
import { MAX_UNKNOWN_UP } from '../../core/wire/limits.ts';
import type { UnknownDeviceState } from '../../core/wire/messages.ts';

const MAX_KEPT = 100;

export class UnknownDeviceList {
  readonly #nowMs: () => number;
  /** The one that spoke last is last. */
  readonly #byName = new Map<string, UnknownDeviceState>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The given `tell`, observed. */
  wrapTell(tell: Tell): Tell {
    return (event) => {
      this.#observe(event);
      tell(event);
    };
  }

  /** Newest first. */
  list(): UnknownDeviceState[] {
    return [...this.#byName.values()].toReversed();
  }

  /** What of it goes to the gateway with each word about this edge. */
  newest(): UnknownDeviceState[] {
    return this.list().slice(0, MAX_UNKNOWN_UP);
  }

  #observe(event: TelemetryEvent): void {
    if (event.kind === 'unknown_device_known') this.#byName.delete(nameOf(event));
    if (event.kind !== 'unknown_device') return;
    const { kind: _kind, ...device } = event;
    const name = nameOf(device);
    const before = this.#byName.get(name);
    const now = this.#nowMs();
    this.#byName.delete(name);
    this.#byName.set(name, { ...device, count: (before?.count ?? 0) + 1, firstAt: before?.firstAt ?? now, lastAt: now });
    const [oldest] = this.#byName.keys();
    if (this.#byName.size > MAX_KEPT && oldest !== undefined) this.#byName.delete(oldest);
  }
}

const nameOf = ({ driver, address, id }: { driver: string; address: string; id: string }) => JSON.stringify([driver, address, id]);
