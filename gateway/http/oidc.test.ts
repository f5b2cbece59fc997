/** Signing in by a provider, as a browser does it: there, back, and what a hostile provider or page could try. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import type { OidcSetup } from '../config/setup.ts';
import { Access } from '../people/access.ts';
import type { AuditEntry } from '../people/audit.ts';
import { CookieSeal } from '../people/cookie-seal.ts';
import { OidcProvider } from '../people/oidc-provider.ts';
import { memoryPeople } from '../people/testing/memory-people.ts';
import { openOidcDouble } from '../people/testing/oidc-double.ts';
import { EXAMPLES } from './testing/examples.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const CHIEF = { principal: { id: 'user:x', name: 'chief', kind: 'user' as const, grants: [] }, address: '::1' };

async function opened(t: TestContext, more: Partial<OidcSetup> = {}) {
  const clock = new VirtualClock(EXAMPLES.status.now);
  const world = testWorld(clock);
  const provider = await openOidcDouble('cityvitals');
  t.after(() => provider.close());
  const records: AuditEntry[] = [];
  const people = await memoryPeople(world, { audit: { append: (entry) => { records.push(entry); } } });
  const gateway = memoryGateway();
  const access = new Access({ gateway: 'town-01', people, isNeeded: true }, clock);
  const { issuer, clientSecret } = provider;
  const setup: OidcSetup = {
    issuer, clientId: 'cityvitals', clientSecret, scopes: ['openid', 'profile'], nameClaim: 'preferred_username', grants: [], ...more,
  };
  Object.assign(gateway.sources, { people, access, oidc: new OidcProvider(setup, world) });
  const { api: { url: base } } = await openApi(t, gateway.sources, testWorld(new VirtualClock(EXAMPLES.status.now)));

  /** A browser that keeps its cookies and follows no redirect by itself. */
  const browser = () => {
    const jar = new Map<string, string>();
    const get = async (url: string): Promise<Response> => {
      const answer = await fetch(new URL(url, base), {
        redirect: 'manual', headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      });
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';', 1);
        const [name = '', value = ''] = pair.split('=');
        if (value === '') jar.delete(name);
        else jar.set(name, value);
      }
      return answer;
    };
    const there = async (): Promise<string> => locationOf(await get('/api/v1/session/oidc'));
    const back = async (there_: string): Promise<string> => locationOf(await get(locationOf(await fetch(there_, { redirect: 'manual' }))));
    const name = async (): Promise<unknown> => ((await (await get('/api/v1/session')).json()) as { name?: string }).name;
    return { jar, get, there, back, name, signIn: async () => back(await there()) };
  };
  return { clock, provider, people, records, browser, base };
}

const locationOf = (answer: Response): string => answer.headers.get('location') ?? `no location, ${answer.status}`;

test('a user who was added here signs in by the provider, whatever they are called there later; the cookie of the way is gone', async (t) => {
  const { provider, people, browser, records } = await opened(t);
  await people.addUser({ name: 'li-wei', grants: [{ role: 'operator', centre: '500112' }] }, CHIEF);
  provider.claims = { sub: 'u1', preferred_username: 'Li-Wei' };
  const { signIn, name, jar } = browser();
  assert.equal(await signIn(), '/');
  assert.equal(await name(), 'li-wei');
  assert.deepEqual([...jar.keys()].toSorted(), ['cityvitals-town-01', 'cityvitals-town-01-browser']);
  provider.claims = { sub: 'u1', preferred_username: 'wei.li' };
  const again = browser();
  assert.equal(await again.signIn(), '/');
  assert.equal(await again.name(), 'li-wei');
  assert.deepEqual(records.filter(({ kind }) => kind === 'sign_in').map(({ who, what, outcome }) => `${who} ${what} ${outcome}`), [
    'li-wei oidc done', 'li-wei oidc done',
  ]);
});

test('a name that is the same there proves nothing: not against a password, not against another who came first', async (t) => {
  const { provider, people, browser, records } = await opened(t);
  const { code } = (await people.firstLink()) ?? { code: '' };
  await people.setUp({ code, name: 'chief', password: 'correct horse battery' }, '::1');
  provider.claims = { sub: 'evil', preferred_username: 'CHIEF' };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_NAME_TAKEN');
  await people.addUser({ name: 'li-wei', grants: [{ role: 'viewer', centre: '*' }] }, CHIEF);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei' };
  assert.equal(await browser().signIn(), '/');
  provider.claims = { sub: 'u2', preferred_username: 'li-wei' };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_NAME_TAKEN');
  assert.equal(records.filter(({ outcome }) => outcome === 'refused').length, 2);
});

test('one whom nobody added, and one who was disabled, may do nothing; their set-up link is void once they have come by the provider', async (t) => {
  const { provider, people, browser } = await opened(t);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei' };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_USER');
  const { user, code } = await people.addUser({ name: 'li-wei', grants: [{ role: 'viewer', centre: '*' }] }, CHIEF);
  assert.equal(await browser().signIn(), '/');
  await assert.rejects(people.setUp({ code, password: 'correct horse battery' }, '::1'), /link/);
  await people.changeUser(user.id, { disabled: true }, CHIEF);
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_USER');
});

test('roles by groups: users come by themselves, roles follow the provider, without a group nobody gets in', async (t) => {
  const { provider, people, browser } = await opened(t, {
    grants: [
      { claim: 'groups', value: 'duty', role: 'operator', centre: '500112' },
      { claim: 'groups', value: 'chiefs', role: 'administrator', centre: '*' },
    ],
  });
  const grants = () => people.users().map((user) => `${user.name} ${user.grants.map(({ role, centre }) => `${role}@${centre}`).join()}`);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei', groups: ['duty', 'other'] };
  assert.equal(await browser().signIn(), '/');
  assert.deepEqual(grants(), ['li-wei operator@500112']);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei', groups: 'chiefs' };
  assert.equal(await browser().signIn(), '/');
  assert.deepEqual(grants(), ['li-wei administrator@*']);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei', groups: { duty: true } };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_USER');
  provider.claims = { sub: 'u2', preferred_username: 'x/../y', groups: ['duty'] };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_USER_NAME');
});

test('an ID token that is not for us, not of the provider, not of this sign-in or no longer valid lets nobody in', async (t) => {
  const { provider, people, browser } = await opened(t);
  await people.addUser({ name: 'li-wei', grants: [{ role: 'viewer', centre: '*' }] }, CHIEF);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei' };
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  for (const spoil of [
    { claims: { aud: 'another' } }, { claims: { iss: 'http://127.0.0.1:1' } }, { claims: { nonce: 'another' } },
    { claims: { exp: 1 } }, { claims: { sub: 'somebody-else' } }, { key: other }, { alg: 'none' }, { claims: { sub: '' } },
  ]) {
    provider.spoil = spoil;
    assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_REFUSED', JSON.stringify(spoil));
  }
  provider.spoil = {};
  provider.claims = { sub: 'u1' };
  assert.equal(await browser().signIn(), '/#/sign-in/CV_OIDC_REFUSED');
});

test('the way back counts in the browser that went, once, within ten minutes; whatever else comes asks the provider nothing', async (t) => {
  const { provider, people, browser, clock } = await opened(t);
  await people.addUser({ name: 'li-wei', grants: [{ role: 'viewer', centre: '*' }] }, CHIEF);
  provider.claims = { sub: 'u1', preferred_username: 'li-wei' };
  const victim = browser();
  const there = await victim.there();
  // Somebody else's sign-in, given to the victim as a link.
  const attacker = browser();
  const link = locationOf(await fetch(await attacker.there(), { redirect: 'manual' }));
  assert.equal(locationOf(await victim.get(link)), '/#/sign-in/CV_OIDC_STATE');
  assert.equal(locationOf(await browser().get(link)), '/#/sign-in/CV_OIDC_STATE');
  assert.equal(provider.tokens, 0);
  assert.equal(await victim.back(there), '/#/sign-in/CV_OIDC_STATE', 'its cookie is gone');
  const late = browser();
  const lateThere = await late.there();
  await clock.advanceMs(10 * 60_000);
  assert.equal(await late.back(lateThere), '/#/sign-in/CV_OIDC_STATE');
  const twice = browser();
  const url = locationOf(await fetch(await twice.there(), { redirect: 'manual' }));
  const { jar } = twice;
  const before = new Map(jar);
  assert.equal(locationOf(await twice.get(url)), '/');
  for (const [name, value] of before) jar.set(name, value);
  assert.equal(locationOf(await twice.get(url)), '/#/sign-in/CV_OIDC_REFUSED');
  for (const garbage of ['?', '?state=', `?code=${'x'.repeat(4000)}&state=x`, '?error=access_denied&state=x'])
    assert.match(locationOf(await browser().get(`/api/v1/session/oidc/callback${garbage}`)), /CV_OIDC_STATE/);
});

test('a provider that is away, or is another than it says, is told; one that was away is asked again', async (t) => {
  const { provider, browser, base, people } = await opened(t, { issuer: 'http://127.0.0.1:1' });
  assert.equal(await browser().there(), '/#/sign-in/CV_OIDC_UNREACHABLE');
  assert.deepEqual(await (await fetch(new URL('/api/v1/sign-in', base))).json(), {
    setUp: true, users: !people.isEmpty, provider: { en: 'Sign in with the city account', zh: '统一身份登录' },
  });
  assert.equal(provider.tokens, 0);
});

test('what a browser keeps of a sign-in can be neither read nor changed, nor used at another gateway', () => {
  const seal = new CookieSeal();
  const sealed = seal.close({ a: 1 });
  assert.deepEqual(seal.open(sealed), { a: 1 });
  assert.equal(new CookieSeal().open(sealed), null);
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    assert.equal(seal.open(changed.toString('base64url')), null, `byte ${at}`);
    assert.equal(seal.open(bytes.subarray(0, at).toString('base64url')), null, `cut at ${at}`);
  }
});
