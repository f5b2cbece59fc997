/** Who may give commands: bearer tokens of the configuration, each with a name, and how often. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import type { Clock } from '../../core/world.ts';
import type { OperatorSetup } from '../config/setup.ts';

/** Of one operator, a minute. */
const MAX_COMMANDS = 60;
/** Wrong tokens from one address, a minute: guessing must not pay. */
const MAX_WRONG = 30;
const MINUTE_MS = 60_000;
const MAX_ADDRESSES = 10_000;

const digest = (text: string) => createHash('sha256').update(text).digest();

export class Operators {
  readonly #known: { name: string; digest: Buffer }[];
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #commands = new Map<string, number[]>();
  readonly #wrong = new Map<string, number[]>();

  constructor(operators: readonly OperatorSetup[], clock: Pick<Clock, 'monotonicMs'>) {
    this.#known = operators.map(({ name, token }) => ({ name, digest: digest(token) }));
    this.#clock = clock;
  }

  /**
   * The operator's name by the `Authorization` header.
   *
   * @param address of whoever asks
   * @throws CV_COMMANDS_CLOSED, CV_API_UNAUTHORISED, CV_COMMAND_TOO_MANY
   */
  identify(authorization: string | undefined, address: string): string {
    if (this.#known.length === 0) throw new FaultError('CV_COMMANDS_CLOSED');
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    // All are compared, by digest: the time it takes tells nothing.
    const found = token === undefined ? [] : this.#known.filter((one) => timingSafeEqual(one.digest, digest(token)));
    // Before any limit: whoever guesses from the same address, or through the same proxy, shuts nobody out.
    if (found[0]) return found[0].name;
    this.#within(this.#wrong, address, MAX_WRONG, address);
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > MAX_ADDRESSES && oldest !== undefined) this.#wrong.delete(oldest);
    this.#note(this.#wrong, address);
    throw new FaultError('CV_API_UNAUTHORISED');
  }

  /** Counts one command. @throws CV_COMMAND_TOO_MANY */
  admit(name: string): void {
    this.#within(this.#commands, name, MAX_COMMANDS, name);
    this.#note(this.#commands, name);
  }

  #note(times: Map<string, number[]>, key: string): void {
    times.set(key, [...(times.get(key) ?? []), this.#clock.monotonicMs()]);
  }

  #within(times: Map<string, number[]>, key: string, limit: number, who: string): void {
    const nowMs = this.#clock.monotonicMs();
    const recent = (times.get(key) ?? []).filter((atMs) => nowMs - atMs < MINUTE_MS);
    times.set(key, recent);
    if (recent.length < limit) return;
    throw new FaultError('CV_COMMAND_TOO_MANY', { limit, who, waitSeconds: Math.ceil((MINUTE_MS - (nowMs - (recent[0] as number))) / 1000) });
  }
}
