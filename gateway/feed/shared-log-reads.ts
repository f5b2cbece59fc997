/**
 * Reads of the log, shared by consumers that stand at the same place: near its end they mostly do, and then each group
 * comes out of the log once and not once for each of them.
 */
import { formatCursor, type Cursor, type GatewayLog, type ReadLimit, type StoredGroup } from '../../log/types.ts';

/** As many as are kept, of at most the limit's bytes each. */
const KEPT_READS = 8;

interface SharedRead {
  groups: Promise<StoredGroup[]>;
  /** What the log had appended when it was begun. */
  appends: number;
  /** It gave something: that stays true whatever is appended. */
  isGood: boolean;
}

export class SharedLogReads {
  readonly #log: Pick<GatewayLog, 'read'>;
  readonly #limit: ReadLimit;
  readonly #reads = new Map<string, SharedRead>();

  constructor(log: Pick<GatewayLog, 'read'>, limit: ReadLimit) {
    this.#log = log;
    this.#limit = limit;
  }

  /**
   * What comes after the cursor, as the log reads it.
   *
   * @param appends a count that grows with every append: a read that is still under way and began before the newest one
   *   might not see it, and whoever then went to sleep would not be woken
   */
  after(cursor: Cursor, appends: number): Promise<StoredGroup[]> {
    const key = formatCursor(cursor);
    const known = this.#reads.get(key);
    if (known && (known.isGood || known.appends === appends)) return known.groups;
    const shared: SharedRead = { groups: this.#log.read(cursor, this.#limit), appends, isGood: false };
    this.#reads.delete(key);
    this.#reads.set(key, shared);
    const forget = () => { if (this.#reads.get(key) === shared) this.#reads.delete(key); };
    shared.groups.then((groups) => {
      shared.isGood = groups.length > 0;
      if (!shared.isGood) forget();
    }, forget);
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > KEPT_READS && oldest !== undefined) this.#reads.delete(oldest);
    return shared.groups;
  }
}
