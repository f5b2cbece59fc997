/**
 * Who may read where HTTP is reached from other machines: by a token in the `Authorization` header, or by the cookie
 * that signing in has left in a browser, since its EventSource sends no header. The cookie is made from the token: it
 * outlives a restart, ends when the token is taken out of the configuration, and gives no command.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SessionView } from '../../core/api.ts';
import { FaultError } from '../../core/faults.ts';
import { isLocalHost } from '../../core/http-host.ts';
import type { Clock } from '../../core/world.ts';
import type { HttpSetup } from '../config/setup.ts';
import { RateLimit } from '../rate-limit.ts';

/** Wrong tokens from one address, a minute: guessing must not pay. */
const MAX_WRONG = 30;
const COOKIE_SECONDS = 30 * 24 * 3600;

export interface Holder {
  readonly name: string;
  readonly token: string;
}

/** Whether HTTP is reached from other machines, itself or through a proxy. */
export const needsToken = ({ host, trustProxy = [] }: Pick<HttpSetup, 'host' | 'trustProxy'>): boolean => !isLocalHost(host) || trustProxy.length > 0;

export const NOBODY: SessionView = { name: null, role: null };

const digest = (text: string) => createHash('sha256').update(text).digest();
const cookieOf = (token: string) => createHash('sha256').update(`cityvitals session\0${token}`).digest('base64url');

export class Readers {
  /** Cookies belong to a host, whatever its port: each gateway has one of its own. */
  readonly #cookie: string;
  readonly #isNeeded: boolean;
  readonly #wrong: RateLimit;
  #known: { view: SessionView; token: Buffer; cookie: Buffer }[] = [];

  /** @param isNeeded whether anybody has to say who they are */
  constructor(gateway: string, isNeeded: boolean, clock: Pick<Clock, 'monotonicMs'>) {
    this.#cookie = `cityvitals-${gateway}`;
    this.#isNeeded = isNeeded;
    this.#wrong = new RateLimit(MAX_WRONG, clock);
  }

  /** Takes the place of what was known before. */
  know(readers: readonly Holder[], operators: readonly Holder[]): void {
    const all = [...readers.map((one) => ({ ...one, role: 'reader' as const })), ...operators.map((one) => ({ ...one, role: 'operator' as const }))];
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

  /** The `Set-Cookie` header that ends a session. */
  signOut(isSecure: boolean): string {
    return this.#setCookie('', 0, isSecure);
  }

  #find({ authorization, cookie }: IncomingHttpHeaders, address: string): SessionView | null {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token !== undefined) return this.#match('token', token, address);
    const start = `${this.#cookie}=`;
    const session = cookie?.split(';').map((part) => part.trim()).find((part) => part.startsWith(start))?.slice(start.length);
    return session ? this.#match('cookie', session, address) : null;
  }

  #match(by: 'token' | 'cookie', given: string, address: string): SessionView | null {
    // All are compared, by digest: the time it takes tells nothing. Before any limit: who guesses shuts nobody out.
    const asked = digest(given);
    const found = this.#known.filter((one) => timingSafeEqual(one[by], asked));
    if (found.length === 0) this.#wrong.count(address);
    return found[0]?.view ?? null;
  }

  #setCookie(value: string, seconds: number, isSecure: boolean): string {
    return `${this.#cookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
  }
}
