/**
 * Who asks, and whether they may: the one place where that is decided. By a token in the `Authorization` header, or by
 * the cookie that signing in has left in a browser, since its EventSource sends no header. The cookie of a token of the
 * configuration is made from the token: it outlives a restart, ends when the token is taken out, and reads only.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Permission } from '../../api/permissions.ts';
import { setBounded } from '../../core/bounded-map.ts';
import { FaultError, faultOf, type FaultCode } from '../../core/faults.ts';
import { isLocalHost } from '../../core/http-host.ts';
import { isLoopback, networkOf } from '../../core/net.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { Clock } from '../../core/world.ts';
import type { HttpSetup, LiveSetup } from '../config/setup.ts';
import './faults.ts';
import { NO_AUDIT, type Audit } from './audit.ts';
import { LOCAL, may, NOBODY, type Principal } from './principal.ts';

/** Wrong tokens from one network, a minute: guessing must not pay. */
const MAX_WRONG = 30;
const COOKIE_SECONDS = 30 * 24 * 3600;
/** Behind the name of the session's cookie: of a browser in which somebody has signed in before. */
const BROWSER = '-browser';
const BROWSER_SECONDS = 365 * 24 * 3600;
/** Behind the name of the session's cookie: what a sign-in by a provider has begun with. */
const PENDING = '-pending';
const PENDING_SECONDS = 600;
/** Sign-outs that are remembered, for streams that were open then. */
const MAX_SIGN_OUTS = 10_000;

/** A token of the configuration. */
export interface Holder {
  readonly name: string;
  readonly token: string;
}

interface ConfiguredToken {
  byToken: Principal;
  byCookie: Principal;
  /** Digests. */
  token: Buffer;
  cookie: Buffer;
}

/** Whose request it is, as HTTP says. */
export interface RequestOf {
  headers: IncomingHttpHeaders;
  /** Without port; of whoever is behind a proxy that is trusted. */
  address: string;
  /** Over HTTPS. */
  isSecure?: boolean;
  /** Default GET: changes nothing. */
  method?: string;
}

/** What a route wants of who asks. */
export interface Need {
  needs: Permission;
  /** In every centre. */
  everywhere?: true | undefined;
}

/** Somebody who was let in for something. */
export interface Admission {
  readonly principal: Principal;
  /** Whether what they came for is theirs in this centre. */
  sees(centre: string): boolean;
  /** Whether it is theirs in every centre. */
  readonly seesAll: boolean;
}

/** Users, their sessions and tokens, as they stand now. */
export interface KnownPeople {
  byToken(token: string): Principal | null;
  bySession(cookie: string): Principal | null;
  /** Whether there are none. */
  readonly isEmpty: boolean;
}

export interface AccessOptions {
  gateway: string;
  people?: KnownPeople;
  /** Whether nobody is let in without a name, wherever they come from. */
  isNeeded: boolean;
  /** Asked each time where it is not needed: whether they are let in all the same; absent: they are. */
  isAnonymousAllowed?(): boolean;
  audit?: Audit;
  /** Who may watch cameras without a name; absent: nobody. */
  watchers?(): LiveSetup['anonymous'];
}

/** Whether HTTP is reached from other machines, itself or through a proxy. */
export const needsToken = ({ host, trustProxy = [] }: Pick<HttpSetup, 'host' | 'trustProxy'>): boolean =>
  !isLocalHost(host) || trustProxy.length > 0;

const digest = (text: string) => createHash('sha256').update(text).digest();
const cookieOf = (token: string) => createHash('sha256').update(`cityvitals session\0${token}`).digest('base64url');

const bearerOf = ({ authorization }: IncomingHttpHeaders): string | undefined => /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
const isForwarded = ({ forwarded, 'x-forwarded-for': forwardedFor, 'x-real-ip': realIp }: IncomingHttpHeaders): boolean =>
  (forwarded ?? forwardedFor ?? realIp) !== undefined;

/** Of whoever is on this machine, and no proxy speaks for them. */
export const isFromHere = ({ headers, address }: RequestOf): boolean => isLoopback(address) && !isForwarded(headers);

const isChange = ({ method = 'GET' }: RequestOf): boolean => method !== 'GET' && method !== 'HEAD';

export class Access {
  /** Cookies belong to a host, whatever its port: each gateway has one of its own. */
  readonly #cookie: string;
  readonly #options: AccessOptions;
  readonly #wrong: RateLimit;
  readonly #audit: Audit;
  /** By cookie and address: the number of its sign-out. */
  readonly #signOuts = new Map<string, number>();
  #signOutCount = 0;
  #configured: ConfiguredToken[] = [];
  #hasOperators = false;

  constructor(options: AccessOptions, clock: Pick<Clock, 'monotonicMs'>) {
    this.#cookie = `cityvitals-${options.gateway}`;
    this.#options = options;
    this.#audit = options.audit ?? NO_AUDIT;
    this.#wrong = new RateLimit(MAX_WRONG, clock);
  }

  /** Takes the place of what was known before. */
  setTokens(readers: readonly Holder[], operators: readonly Holder[]): void {
    const principal = (role: 'viewer' | 'operator', as: 'viewer' | 'operator', name: string): Principal => ({
      id: `${role === 'viewer' ? 'reader' : 'operator'}:${name}`,
      name,
      kind: 'configured',
      grants: [{ role: as, centre: '*' }],
    });
    const all = [
      ...readers.map((one) => ({ ...one, role: 'viewer' as const })),
      ...operators.map((one) => ({ ...one, role: 'operator' as const })),
    ];
    this.#configured = all.map(({ name, role, token }) => ({
      byToken: principal(role, role, name),
      byCookie: principal(role, 'viewer', name),
      token: digest(token),
      cookie: digest(cookieOf(token)),
    }));
    this.#hasOperators = operators.length > 0;
  }

  /** Whether anybody at all may watch a camera. */
  get isWatchingOffered(): boolean {
    return this.#isAnybodyKnown || this.#options.watchers?.() === 'loopback';
  }

  /** Whether somebody could have more rights than to read. */
  get #isAnybodyKnown(): boolean {
    return this.#hasOperators || this.#options.people?.isEmpty === false;
  }

  /**
   * @throws CV_API_CSRF, CV_API_READ_TOKEN, CV_API_UNAUTHORISED, CV_API_FORBIDDEN, CV_COMMANDS_CLOSED, CV_LIVE_CLOSED,
   * CV_COMMAND_TOO_MANY
   */
  admit({ needs, everywhere }: Need, request: RequestOf): Admission {
    const { principal, by } = this.#identify(request);
    // A browser sends the cookie with what a page of somewhere else makes it send; this header it does not.
    if (by === 'cookie' && principal.kind !== 'anonymous' && isChange(request) && request.headers['x-cityvitals'] !== '1')
      throw new FaultError('CV_API_CSRF');
    const isOwn = (centre?: string): boolean => this.#may(principal, needs, request, centre);
    if (isOwn(everywhere ? '*' : undefined)) return { principal, sees: isOwn, seesAll: isOwn('*') };
    // After all were compared: who guesses shuts nobody out that has a right token.
    const isKnown = principal.kind !== 'anonymous';
    if (isKnown || by !== null)
      this.#audit.append({ kind: 'refusal', who: principal.name, from: request.address, what: needs, outcome: 'refused' });
    if (by !== null && !isKnown) this.#wrong.count(networkOf(request.address));
    throw new FaultError(...this.#refusal(principal, needs));
  }

  /** Of a stream that begins now: why its viewer may follow no more, whenever that is asked; null while they may. */
  following(need: Need, request: RequestOf, centre?: string): () => FaultCode | null {
    const begunAt = this.#signOutCount;
    const key = this.#signOutKey(request);
    const { id } = this.#identify(request).principal;
    return () => {
      if (key !== null && (this.#signOuts.get(key) ?? 0) > begunAt) return 'CV_API_READ_TOKEN';
      try {
        const { principal, sees } = this.admit(need, request);
        return principal.id === id && (centre === undefined || sees(centre)) ? null : 'CV_API_UNAUTHORISED';
      } catch (error) {
        return faultOf(error, 'CV_API_UNAUTHORISED').code;
      }
    };
  }

  /**
   * By a token of the configuration.
   *
   * @returns who it is, and the `Set-Cookie` header
   * @throws CV_API_READ_TOKEN, CV_COMMAND_TOO_MANY
   */
  signIn(token: string, from: RequestOf): { principal: Principal; cookie: string } {
    const found = this.#find('token', token);
    const record = (outcome: 'done' | 'refused'): void =>
      this.#audit.append({ kind: 'sign_in', who: found?.byToken.name ?? '', from: from.address, what: 'token', outcome });
    if (!found) {
      record('refused');
      this.#wrong.count(networkOf(from.address));
      throw new FaultError('CV_API_READ_TOKEN');
    }
    record('done');
    return { principal: found.byToken, cookie: this.#setCookie(this.#nameOf(from), cookieOf(token), COOKIE_SECONDS, from) };
  }

  /** The `Set-Cookie` headers of a session that has begun: its own, and the one by which the browser is known later. */
  cookiesOf({ session, browser }: { session: string; browser: string }, from: RequestOf): string[] {
    return [
      this.#setCookie(this.#nameOf(from), session, COOKIE_SECONDS, from),
      this.#setCookie(`${this.#nameOf(from)}${BROWSER}`, browser, BROWSER_SECONDS, from),
    ];
  }

  /** The value of the cookie by which a request says whose it is. */
  sessionCookie(from: RequestOf): string | undefined {
    return this.#cookieOf(from, '');
  }

  browserCookie(from: RequestOf): string | undefined {
    return this.#cookieOf(from, BROWSER);
  }

  /**
   * Ends a session: the streams of its browser too. A cookie is the same in each browser of one token, so streams of
   * another one at that address end as well, and begin again by themselves.
   *
   * @returns the `Set-Cookie` header
   */
  signOut(request: RequestOf): string {
    const key = this.#signOutKey(request);
    if (key !== null) setBounded(this.#signOuts, key, (this.#signOutCount += 1), MAX_SIGN_OUTS);
    return this.#setCookie(this.#nameOf(request), '', 0, request);
  }

  /** The `Set-Cookie` header of a sign-in that goes by a provider; empty: it is over. */
  pendingCookie(pending: string, from: RequestOf): string {
    // The provider's page leads back here: with Strict it would not be sent.
    return this.#setCookie(this.#nameOf(from) + PENDING, pending, pending === '' ? 0 : PENDING_SECONDS, from, 'Lax');
  }

  /** What `pendingCookie` has left. */
  pendingOf(from: RequestOf): string {
    return this.#cookieOf(from, PENDING) ?? '';
  }

  #may(principal: Principal, needs: Permission, request: RequestOf, centre?: string): boolean {
    if (may(principal, needs, centre)) return true;
    const isLocal = this.#options.watchers?.() === 'loopback' && isFromHere(request);
    return needs === 'watch_live' && isLocal && may(principal, 'read', centre);
  }

  /** Where nobody is named, it is whoever may come without a name. */
  #identify(request: RequestOf): { principal: Principal; by: 'token' | 'cookie' | null } {
    const anonymous = this.#isNameNeeded ? NOBODY : LOCAL;
    const token = bearerOf(request.headers);
    const { people } = this.#options;
    if (token !== undefined) return { principal: this.#find('token', token)?.byToken ?? people?.byToken(token) ?? anonymous, by: 'token' };
    const cookie = this.sessionCookie(request);
    return cookie
      ? { principal: this.#find('cookie', cookie)?.byCookie ?? people?.bySession(cookie) ?? anonymous, by: 'cookie' }
      : { principal: anonymous, by: null };
  }

  #refusal(principal: Principal, needs: Permission): [FaultCode, Record<string, string>?] {
    const isNobody = principal.kind === 'anonymous';
    if (isNobody && this.#isNameNeeded) return ['CV_API_READ_TOKEN'];
    if (!isNobody && principal.kind !== 'configured') return ['CV_API_FORBIDDEN', { name: principal.name, permission: needs }];
    if (needs === 'watch_live') return [this.#isAnybodyKnown ? 'CV_API_UNAUTHORISED' : 'CV_LIVE_CLOSED'];
    if (needs === 'command' || needs === 'bind_devices') return [this.#isAnybodyKnown ? 'CV_API_UNAUTHORISED' : 'CV_COMMANDS_CLOSED'];
    return isNobody ? ['CV_API_READ_TOKEN'] : ['CV_API_FORBIDDEN', { name: principal.name, permission: needs }];
  }

  /** null where no cookie of ours speaks. */
  #signOutKey(request: RequestOf): string | null {
    const session = this.sessionCookie(request);
    if (!session || bearerOf(request.headers) !== undefined || !this.#find('cookie', session)) return null;
    return `${digest(session).toString('base64url')} ${request.address}`;
  }

  get #isNameNeeded(): boolean {
    return this.#options.isNeeded || this.#options.isAnonymousAllowed?.() === false;
  }

  /** Over HTTPS no other host of its domain, and no page without TLS, can set a cookie of this name. */
  #nameOf({ isSecure }: RequestOf): string {
    return `${isSecure ? '__Host-' : ''}${this.#cookie}`;
  }

  #cookieOf(from: RequestOf, suffix: string): string | undefined {
    const start = `${this.#nameOf(from)}${suffix}=`;
    return from.headers.cookie
      ?.split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(start))
      ?.slice(start.length);
  }

  #find(by: 'token' | 'cookie', given: string): ConfiguredToken | undefined {
    // All are compared, by digest: the time it takes tells nothing.
    const asked = digest(given);
    const all = this.#configured.filter((one) => timingSafeEqual(one[by], asked));
    return all.length === 0 ? undefined : all[0];
  }

  #setCookie(name: string, value: string, seconds: number, { isSecure }: RequestOf, sameSite: 'Strict' | 'Lax' = 'Strict'): string {
    return `${name}=${value}; Path=/; HttpOnly; SameSite=${sameSite}; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
  }
}
