/** What could not be made for events: each piece is counted, its fault is said once, until it is well again. */
import type { Fault, FaultCode } from '../../../core/faults.ts';
import type { LossReason } from '../../../core/losses.ts';
import type { Tell } from '../../../core/telemetry.ts';

export class EvidenceFaults {
  readonly #tell: Tell;
  readonly #told = new Map<string, FaultCode>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  failed(device: string, fault: Fault, reason: LossReason): void {
    this.#tell({ kind: 'evidence_lost', count: 1, reason, device });
    if (this.#told.get(device) === fault.code) return;
    this.succeeded(device);
    this.#told.set(device, fault.code);
    this.#tell({ kind: 'fault', fault, device });
  }

  succeeded(device: string): void {
    const told = this.#told.get(device);
    if (told) this.#tell({ kind: 'fault_cleared', code: told, device });
    this.#told.delete(device);
  }

  /** It is not there any more. */
  forget(device: string): void {
    this.#told.delete(device);
  }
}
