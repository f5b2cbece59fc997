/** A small OpenID provider on loopback that does as it is told, also what no provider should (OpenID Connect Core 1.0, 3.1). */
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Claims = Record<string, unknown>;

export interface OidcDouble {
  issuer: string;
  clientSecret: string;
  /** Whoever signs in next. */
  claims: Claims;
  /** What is wrong with the next ID token. */
  spoil: { claims?: Claims; key?: KeyObject; alg?: string };
  /** Answers of the token end point. */
  tokens: number;
  close(): void;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export async function openOidcDouble(clientId: string): Promise<OidcDouble> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked = new Map<string, { nonce: string; challenge: string; redirect: string; claims: Claims }>();
  const double = { issuer: '', clientSecret: 'of the provider', claims: { sub: 'u1' } as Claims, spoil: {}, tokens: 0 } as OidcDouble;

  const idToken = (nonce: string, claims: Claims): string => {
    const nowS = Math.floor(Date.now() / 1000);
    const { alg = 'RS256', key = privateKey, claims: spoiled } = double.spoil;
    const head = part({ alg, kid: 'k', typ: 'JWT' });
    const body = part({ iss: double.issuer, aud: clientId, iat: nowS, exp: nowS + 60, nonce, ...claims, ...spoiled });
    return `${head}.${body}.${alg === 'none' ? '' : sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url')}`;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', double.issuer);
    const send = (value: object, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (url.pathname === '/.well-known/openid-configuration')
      return send({
        issuer: double.issuer,
        authorization_endpoint: `${double.issuer}/authorize`,
        token_endpoint: `${double.issuer}/token`,
        jwks_uri: `${double.issuer}/keys`,
        userinfo_endpoint: `${double.issuer}/userinfo`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    if (url.pathname === '/keys') return send({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] });
    if (url.pathname === '/authorize') {
      const code = randomUUID();
      const get = (name: string): string => url.searchParams.get(name) ?? '';
      asked.set(code, { nonce: get('nonce'), challenge: get('code_challenge'), redirect: get('redirect_uri'), claims: double.claims });
      const back = new URL(get('redirect_uri'));
      back.search = new URLSearchParams({ code, state: get('state') }).toString();
      return void response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === '/token') {
      double.tokens += 1;
      const form = new URLSearchParams(await textOf(request));
      const held = asked.get(form.get('code') ?? '');
      asked.delete(form.get('code') ?? '');
      // Both are form-encoded first (RFC 6749, 2.3.1).
      const pair = `${clientId}:${encodeURIComponent(double.clientSecret).replaceAll('%20', '+')}`;
      const isClient = request.headers.authorization === `Basic ${Buffer.from(pair).toString('base64')}`;
      const isVerified = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') === held?.challenge;
      if (!held || !isClient || !isVerified || form.get('redirect_uri') !== held.redirect) return send({ error: 'invalid_grant' }, 400);
      // As many do: all but the subject is asked for by itself.
      const { sub } = held.claims;
      return send({ access_token: part(held.claims), token_type: 'Bearer', id_token: idToken(held.nonce, { sub }) });
    }
    if (url.pathname === '/userinfo')
      return send(JSON.parse(Buffer.from((request.headers.authorization ?? '').replace('Bearer ', ''), 'base64url').toString()) as object);
    send({}, 404);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  double.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  double.close = () => { server.closeAllConnections(); server.close(); };
  return double;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) parts.push(chunk);
  return Buffer.concat(parts).toString();
}
