/** Which lane sends next: live first, with a share for the backlog that is never taken from it. Pure. */
import type { Lane } from '../../core/wire/topics.ts';

/** At least this part of what is sent is backlog while both lanes have work. */
export const BACKLOG_SHARE = 0.3;

export class LaneScheduler {
  /** Bytes of backlog that live sending owes; positive = the backlog's turn. */
  #owed = 0;

  choose(has: { up: boolean; late: boolean }): Lane | null {
    if (has.up && has.late) return this.#owed > 0 ? 'late' : 'up';
    if (has.up) return 'up';
    return has.late ? 'late' : null;
  }

  /** `contended`: the other lane had work as well. Alone, a lane neither gathers nor pays. */
  sent(lane: Lane, bytes: number, contended: boolean): void {
    if (!contended) this.#owed = 0;
    else this.#owed += lane === 'up' ? BACKLOG_SHARE * bytes : -(1 - BACKLOG_SHARE) * bytes;
  }
}
