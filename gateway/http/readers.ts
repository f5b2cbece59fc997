/**
 * Who may read where HTTP is reached from other machines: by a token in the `Authorization` header, or by the cookie
 * that signing in has left in a browser, since its EventSource sends no header. The cookie is made from the token: it
 * outlives a restart, ends when the token is taken out of the configuration, and gives no command.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SessionView } from '../../api/session.ts';
import { setBounded } from '../../core/bounded-map.ts';
import { FaultError } from '../../core/faults.ts';
import { isLocalHost } from '../../core/http-host.ts';
import { networkOf } from '../../core/net.ts';
import type { Clock } from '../../core/world.ts';
import type { HttpSetup } from '../config/setup.ts';
import { RateLimit } from '../../core/rate-limit.ts';

/** Wrong tokens from one address, a minute: guessing must not pay. */
const MAX_WRONG = 30;
const COOKIE_SECONDS = 30 * 24 * 3600;
/** Sign-outs that are remembered, for streams that were open then. */
const MAX_SIGN_OUTS = 10_000;

export interface Holder {
  readonly name: string;
  readonly token: string;
}

/** Whether HTTP is reached from other machines, itself or through a proxy. */
export const needsToken = ({ host, trustProxy = [] }: Pick<HttpSetup, 'host' | 'trustProxy'>): boolean =>
  !isLocalHost(host) || trustProxy.length > 0;

export const NOBODY: SessionView = { name: null, role: null };

const digest = (text: string) => createHash('sha256').update(text).digest();
const cookieOf = (token: string) => createHash('sha256').update(`cityvitals session\0${token}`).digest('base64url');

const bearerOf = ({ authorization }: IncomingHttpHeaders): string | undefined => /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];

export class Readers {
  /** Cookies belong to a host, whatever its port: each gateway has one of its own. */
  readonly #cookie: string;
  readonly #isNeeded: boolean;
  readonly #wrong: RateLimit;
  /** By cookie and address: the number of its sign-out. */
  readonly #signOuts = new Map<string, number>();
  #signOutCount = 0;
  #known: { view: SessionView; token: Buffer; cookie: Buffer }[] = [];

  /** @param isNeeded whether anybody has to say who they are */
  constructor(gateway: string, isNeeded: boolean, clock: Pick<Clock, 'monotonicMs'>) {
    this.#cookie = `cityvitals-${gateway}`;
    this.#isNeeded = isNeeded;
    this.#wrong = new RateLimit(MAX_WRONG, clock);
  }

  /** Takes the place of what was known before. */
  setTokens(readers: readonly Holder[], operators: readonly Holder[]): void {
    const all = [
      ...readers.map((one) => ({ ...one, role: 'reader' as const })),
      ...operators.map((one) => ({ ...one, role: 'operator' as const })),
    ];
    this.#known = all.map(({ name, role, token }) => ({ view: { name, role }, token: digest(token), cookie: digest(cookieOf(token)) }));
  }

  /** Whether a request may read. @throws CV_API_READ_TOKEN, CV_COMMAND_TOO_MANY */
  admit(headers: IncomingHttpHeaders, address: string): void {
    if (this.#isNeeded && !this.#find(headers, address)) throw new FaultError('CV_API_READ_TOKEN');
  }

  /** Whether more than that it is well or not may be told. */
  isAdmitted(headers: IncomingHttpHeaders, address: string): boolean {
    try {
      this.admit(headers, address);
      return true;
    } catch {
      return false;
    }
  }

  /** Of a stream that begins now: whether its viewer may still read whenever that is asked. */
  following(headers: IncomingHttpHeaders, address: string): () => boolean {
    const begunAt = this.#signOutCount;
    const key = this.#signOutKey(headers, address);
    return () => (key === null || (this.#signOuts.get(key) ?? 0) <= begunAt) && this.isAdmitted(headers, address);
  }

  /** Whose session it is. @throws as `admit` */
  session(headers: IncomingHttpHeaders, address: string): SessionView {
    this.admit(headers, address);
    return this.#find(headers, address) ?? NOBODY;
  }

  /**
   * @param isSecure over HTTPS
   * @returns who it is, and the `Set-Cookie` header
   * @throws CV_API_READ_TOKEN, CV_COMMAND_TOO_MANY
   */
  signIn(token: string, address: string, isSecure: boolean): { session: SessionView; cookie: string } {
    const session = this.#match('token', token, address);
    if (!session) throw new FaultError('CV_API_READ_TOKEN');
    return { session, cookie: this.#setCookie(cookieOf(token), COOKIE_SECONDS, isSecure) };
  }

  /**
   * Ends a session: the streams of its browser too. A cookie is the same in each browser of one token, so streams of
   * another one at that address end as well, and begin again by themselves.
   *
   * @returns the `Set-Cookie` header
   */
  signOut(headers: IncomingHttpHeaders, address: string, isSecure: boolean): string {
    const key = this.#signOutKey(headers, address);
    if (key !== null) setBounded(this.#signOuts, key, this.#signOutCount += 1, MAX_SIGN_OUTS);
    return this.#setCookie('', 0, isSecure);
  }

  /** null where no cookie of ours speaks. */
  #signOutKey(headers: IncomingHttpHeaders, address: string): string | null {
    const session = this.#cookieOf(headers);
    if (!session || bearerOf(headers) !== undefined) return null;
    const asked = digest(session);
    return this.#known.some(({ cookie }) => timingSafeEqual(cookie, asked)) ? `${asked.toString('base64url')} ${address}` : null;
  }

  #cookieOf({ cookie }: IncomingHttpHeaders): string | undefined {
    const start = `${this.#cookie}=`;
    return cookie?.split(';').map((part) => part.trim()).find((part) => part.startsWith(start))?.slice(start.length);
  }

  #find(headers: IncomingHttpHeaders, address: string): SessionView | null {
    const token = bearerOf(headers);
    if (token !== undefined) return this.#match('token', token, address);
    const session = this.#cookieOf(headers);
    return session ? this.#match('cookie', session, address) : null;
  }

  #match(by: 'token' | 'cookie', given: string, address: string): SessionView | null {
    // All are compared, by digest: the time it takes tells nothing. Before any limit: who guesses shuts nobody out.
    const asked = digest(given);
    const found = this.#known.filter((one) => timingSafeEqual(one[by], asked));
    if (found.length === 0) this.#wrong.count(networkOf(address));
    return found[0]?.view ?? null;
  }

  #setCookie(value: string, seconds: number, isSecure: boolean): string {
    return `${this.#cookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
  }
}
