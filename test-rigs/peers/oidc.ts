/** Signing in at a running gateway by oidc-provider, which the OpenID Foundation has certified, through its own pages. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SessionView } from '../../api/session.ts';
import { loadGateway } from '../../cli/load.ts';
import { realWorld } from '../../core/world.ts';
import { runGateway } from '../../gateway/main.ts';
import { peerRequire } from '../bench/peers/packages.ts';
import { withRig, type Rig } from '../bench/rig.ts';

type OidcProviderPeer = new (issuer: string, options: object) => { callback(): RequestListener };

export const peers = [{ name: 'oidc-provider: a user signs in, and gets the role of their group', run: () => withRig(signsIn) }];

async function signsIn(rig: Rig): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  rig.undo(() => { server.closeAllConnections(); server.close(); });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = join(rig.dir, 'gateway.yaml');
  writeFileSync(
    config,
    `gateway: g
centre: "500112001"
broker: { embedded: { port: 0 } }
http: { port: 0, anonymous: none }
signIn:
  oidc:
    issuer: ${issuer}
    clientId: cityvitals
    clientSecret: a secret, with signs & blanks
    scopes: [openid, profile, groups]
    grants:
      - { claim: groups, value: duty, role: operator, centre: "500112" }
`,
  );
  const { setup, problems } = await loadGateway({ path: config, text: readFileSync(config, 'utf8') });
  assert.deepEqual(problems, []);
  assert.ok(setup);
  const gateway = await runGateway(setup, realWorld(() => {}));
  rig.undo(() => gateway.close());

  const { default: Provider } = peerRequire()('oidc-provider') as { default: OidcProviderPeer };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'cityvitals',
        client_secret: 'a secret, with signs & blanks',
        redirect_uris: [`${gateway.httpUrl}/api/v1/session/oidc/callback`],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, groups: sub === 'li-wei' ? ['duty', 'staff'] : ['staff'] }),
    }),
  });
  server.on('request', provider.callback());

  assert.deepEqual(await sessionAfter(gateway.httpUrl, 'li-wei'), { name: 'li-wei', grants: [{ role: 'operator', centre: '500112' }] });
  assert.equal(await sessionAfter(gateway.httpUrl, 'guest'), '/#/sign-in/CV_OIDC_USER');
}

/** Goes through the pages of the provider as `user`. @returns who is signed in then, or where the gateway led back to */
async function sessionAfter(gateway: string, user: string): Promise<Pick<SessionView, 'name' | 'grants'> | string> {
  const jars = new Map<string, Map<string, string>>();
  const go = async (url: string, form?: Record<string, string>): Promise<{ url: string; location: string | null; text: string }> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = answer.headers.get('location');
    return { url, location: location === null ? null : new URL(location, url).href, text: await answer.text() };
  };

  let page = await go(`${gateway}/api/v1/session/oidc`);
  for (let step = 0; step < 20; step += 1) {
    if (page.location?.startsWith(`${gateway}/#/sign-in/`)) return page.location.slice(gateway.length);
    if (page.location === `${gateway}/`) {
      const { name, grants } = JSON.parse((await go(`${gateway}/api/v1/session`)).text) as SessionView;
      return { name, grants };
    }
    if (page.location !== null) page = await go(page.location);
    else {
      const [, action] = /<form[^>]*action="([^"]+)"/.exec(page.text) ?? [];
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page.text) ?? [];
      assert.ok(action && prompt, `no form at ${page.url}: ${page.text.slice(0, 400)}`);
      page = await go(new URL(action, page.url).href, prompt === 'login' ? { prompt, login: user, password: 'any' } : { prompt });
    }
  }
  throw new Error(`went round in circles, at ${page.url}`);
}
