/**
 * Who did what at this edge, for the audit record of its gateway: each entry is an event, kept by the log and sent like any
 * other. What is told again and again is summed a minute, as at a gateway.
 */
import type { ReloadResult } from '../../core/config/reload.ts';
import type { Draft } from '../../core/event.ts';
import { faultOf } from '../../core/faults.ts';
import { VERSION } from '../../core/version.ts';
import { pause, type Timer, type World } from '../../core/world.ts';
import { auditDraft, type EdgeAuditEntry, type EdgeAuditLog } from '../../log/audit/edge-entry.ts';
import { RepeatedEntries } from '../../log/audit/repeats.ts';

const MINUTE_MS = 60_000;
/** For the gateway to take the last entry, where it is there. */
const STOP_WITHIN_MS = 500;
const LOOK_MS = 20;

export interface EdgeAuditParts {
  edge: string;
  centre: string;
  /** Onto the line. */
  record(draft: Draft): void;
  /** Resolves once all that was recorded is on disk, or is not going to be. */
  whenKept(): Promise<boolean>;
  /** Events of its stream that no gateway has acknowledged, where one is there to do so. */
  waiting(): number;
}

export class EdgeAudit implements EdgeAuditLog {
  readonly #parts: EdgeAuditParts;
  readonly #world: Pick<World, 'clock'>;
  readonly #repeats = new RepeatedEntries<EdgeAuditEntry['kind']>();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(parts: EdgeAuditParts, world: Pick<World, 'clock'>) {
    this.#parts = parts;
    this.#world = world;
  }

  append(entry: EdgeAuditEntry): void {
    if (this.#isStopped) return;
    if (this.#repeats.take(entry)) this.#record(entry);
    if (!this.#repeats.isEmpty) this.#timer ??= this.#world.clock.after(MINUTE_MS, () => this.#recordSums());
  }

  started(): void {
    this.append(ofEdge('start', `edge ${this.#parts.edge} ${VERSION}`));
  }

  /** Before anything is closed. It is kept at once; a gateway that is there also gets it now. */
  async stopped(): Promise<void> {
    if (this.#isStopped) return;
    this.#recordSums();
    this.append(ofEdge('stop', `edge ${this.#parts.edge}`));
    this.#isStopped = true;
    if (!(await this.#parts.whenKept())) return;
    for (let leftMs = STOP_WITHIN_MS; leftMs > 0 && this.#parts.waiting() > 0; leftMs -= LOOK_MS)
      await pause(this.#world.clock, LOOK_MS);
  }

  /** A changed configuration taken in, or refused: by names of settings, never by their values. */
  async reload(run: () => Promise<ReloadResult>): Promise<ReloadResult> {
    try {
      const result = await run();
      const { added, changed, removed, restartNeeded } = result;
      const named = Object.entries({ added, changed, removed, restartNeeded }).filter(([, names]) => names.length > 0);
      const details = Object.fromEntries(named.map(([key, names]) => [key, names.join(', ')]));
      this.append({ ...ofEdge('config_change', 'configuration reloaded'), details });
      return result;
    } catch (error) {
      const { code } = faultOf(error, 'CV_API_INTERNAL');
      this.append({ ...ofEdge('config_change', 'configuration refused'), outcome: 'refused', details: { code } });
      throw error;
    }
  }

  #record(entry: EdgeAuditEntry): void {
    this.#parts.record(auditDraft(this.#parts, entry, this.#world.clock));
  }

  #recordSums(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const sum of this.#repeats.takeSums()) this.#record(sum);
  }
}

const ofEdge = (kind: EdgeAuditEntry['kind'], what: string): EdgeAuditEntry => ({
  kind, who: 'edge', from: 'local', what, outcome: 'done',
});
