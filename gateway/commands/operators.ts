/** Who may give commands: bearer tokens of the configuration, each with a name, and how often. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import type { Clock } from '../../core/world.ts';
import type { OperatorSetup } from '../config/setup.ts';
import { RateLimit } from '../../core/rate-limit.ts';

/** Of one operator, a minute. */
const MAX_COMMANDS = 60;
/** Wrong tokens from one address, a minute: guessing must not pay. */
const MAX_WRONG = 30;

const digest = (text: string) => createHash('sha256').update(text).digest();

export class Operators {
  readonly #known: { name: string; digest: Buffer }[];
  readonly #commands: RateLimit;
  readonly #wrong: RateLimit;

  constructor(operators: readonly OperatorSetup[], clock: Pick<Clock, 'monotonicMs'>) {
    this.#known = operators.map(({ name, token }) => ({ name, digest: digest(token) }));
    this.#commands = new RateLimit(MAX_COMMANDS, clock);
    this.#wrong = new RateLimit(MAX_WRONG, clock);
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
    this.#wrong.count(networkOf(address));
    throw new FaultError('CV_API_UNAUTHORISED');
  }

  /** Counts one command. @throws CV_COMMAND_TOO_MANY */
  admit(name: string): void {
    this.#commands.count(name);
  }
}
