/**
 * Who somebody is, by the word of an OpenID provider: authorization code flow with PKCE, state and nonce (OpenID Connect
 * Core 1.0, 3.1; RFC 9700). The library speaks the protocol; what is kept between leaving and coming back is sealed in a cookie.
 */
import type { Configuration } from 'openid-client';
import { z } from 'zod';
import type { Grant } from '../../api/permissions.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { FaultError } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import type { World } from '../../core/world.ts';
import type { OidcSetup } from '../config/setup.ts';
import { CookieSeal } from './cookie-seal.ts';
import './faults.ts';

const REQUEST_SECONDS = 10;
/** To sign in at the provider, second factor included. */
const PENDING_MS = 10 * 60_000;
/** From one network, a minute. */
const MAX_ATTEMPTS = 60;
const MAX_DETAIL = 200;

const pendingRecord = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUrl: z.string(),
  expiresAt: z.number(),
});

/** Somebody whom the provider has vouched for. */
export interface OidcIdentity {
  issuer: string;
  /** Never changes and is never given to another, unlike a name. */
  subject: string;
  name: string;
  /** By what the provider says of them; null: roles are given here. */
  grants: Grant[] | null;
}

export class OidcProvider {
  readonly #setup: OidcSetup;
  readonly #world: Pick<World, 'clock'>;
  readonly #seal = new CookieSeal();
  readonly #attempts: RateLimit;
  #configuration: Promise<Configuration> | null = null;

  constructor(setup: OidcSetup, world: Pick<World, 'clock'>) {
    this.#setup = setup;
    this.#world = world;
    this.#attempts = new RateLimit(MAX_ATTEMPTS, world.clock);
  }

  /** On the button that leads there. */
  get label(): BilingualText {
    return this.#setup.label ?? { en: 'Sign in with the city account', zh: '统一身份登录' };
  }

  /**
   * @param callbackUrl of this gateway, as the browser reaches it
   * @returns where the browser goes, and what its cookie holds until it is back
   * @throws CV_OIDC_UNREACHABLE
   */
  async begin(callbackUrl: string): Promise<{ location: string; pending: string }> {
    const client = await import('openid-client');
    const configuration = await this.#discovered();
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
    const redirectUrl = this.#setup.redirectUrl ?? callbackUrl;
    const location = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUrl,
      scope: this.#setup.scopes.join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const expiresAt = this.#world.clock.nowMs() + PENDING_MS;
    return { location: location.href, pending: this.#seal.close({ state, nonce, verifier, redirectUrl, expiresAt }) };
  }

  /**
   * @param pending the cookie that `begin` gave
   * @param search of the URL that the browser came back to, with `?`
   * @param address of the browser
   * @throws CV_OIDC_STATE, CV_OIDC_REFUSED, CV_OIDC_UNREACHABLE, CV_COMMAND_TOO_MANY
   */
  async finish(pending: string, search: string, address: string): Promise<OidcIdentity> {
    const { data } = pendingRecord.safeParse(this.#seal.open(pending));
    // Another browser, or another attempt: nothing of it goes to the provider.
    if (!data || data.expiresAt <= this.#world.clock.nowMs() || new URLSearchParams(search).get('state') !== data.state)
      throw new FaultError('CV_OIDC_STATE');
    // Each asks the provider something.
    this.#attempts.count(networkOf(address));
    const client = await import('openid-client');
    const configuration = await this.#discovered();
    const url = new URL(data.redirectUrl);
    url.search = search;
    try {
      const tokens = await client.authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: data.verifier,
        expectedState: data.state,
        expectedNonce: data.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw new FaultError('CV_OIDC_REFUSED', { detail: 'no ID token' });
      const wanted = [this.#setup.nameClaim, ...this.#setup.grants.map(({ claim }) => claim)];
      const isWhole = wanted.every((claim) => claim in claims);
      // Providers may leave everything but the subject out of the ID token (OpenID Connect Core 1.0, 5.4).
      const more = isWhole || !configuration.serverMetadata().userinfo_endpoint
        ? {}
        : await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return this.#identityOf(claims.iss, { ...more, ...claims });
    } catch (error) {
      throw error instanceof FaultError ? error : new FaultError('CV_OIDC_REFUSED', { detail: detailOf(error) }, { cause: error });
    }
  }

  #identityOf(issuer: string, claims: Record<string, unknown> & { sub: string }): OidcIdentity {
    const { nameClaim, grants } = this.#setup;
    const name = claims[nameClaim];
    if (typeof name !== 'string')
      throw new FaultError('CV_OIDC_REFUSED', { detail: `no claim "${nameClaim}"`, detailZh: `缺少声明“${nameClaim}”` });
    // Anybody may state somebody else's address.
    if (nameClaim === 'email' && claims.email_verified !== true)
      throw new FaultError('CV_OIDC_REFUSED', { detail: 'the e-mail address is not verified', detailZh: '电子邮件地址未经验证' });
    return { issuer, subject: claims.sub, name, grants: grants.length === 0 ? null : grantsBy(claims, grants) };
  }

  /** Asked for once; again where that failed. */
  #discovered(): Promise<Configuration> {
    return (this.#configuration ??= this.#discover().catch((error: unknown) => {
      this.#configuration = null;
      const { issuer } = this.#setup;
      throw new FaultError('CV_OIDC_UNREACHABLE', { issuer, detail: detailOf(error) }, { cause: error });
    }));
  }

  async #discover(): Promise<Configuration> {
    const client = await import('openid-client');
    const { issuer, clientId, clientSecret } = this.#setup;
    const url = new URL(issuer);
    return client.discovery(
      url,
      clientId,
      undefined,
      clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret),
      {
        timeout: REQUEST_SECONDS,
        // The signature of an ID token counts also where TLS vouches for it; the check of the configuration takes plain HTTP
        // of this machine alone.
        execute: [client.enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [client.allowInsecureRequests] : [])],
      },
    );
  }
}

/** A claim is a text or a list of them; one that is neither gives nothing. */
function grantsBy(claims: Record<string, unknown>, rules: OidcSetup['grants']): Grant[] {
  return rules.flatMap(({ claim, value, role, centre }) => {
    const said = claims[claim];
    return said === value || (Array.isArray(said) && said.includes(value)) ? [{ role, centre }] : [];
  });
}

/** Of a library or of the provider: neither has a say in how long a line is, or what it does to a terminal. */
function detailOf(error: unknown): string {
  const { message, cause, error: code } = error as Error & { error?: string };
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return `${code ?? ''} ${message}${reason}`.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim().slice(0, MAX_DETAIL);
}
