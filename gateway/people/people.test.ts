/** Users over HTTP, as hostile browsers and guessers meet them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from '../http/testing/examples.ts';
import { openApi } from '../http/testing/http.ts';
import { memoryGateway } from '../http/testing/memory-sources.ts';
import { Access } from './access.ts';
import type { AuditEntry } from './audit.ts';
import { HASH_COST, Passwords } from './password.ts';
import { LINK_MS, SESSION_TIMES } from './people.ts';
import { CHEAP, memoryPeople, memoryPeopleFile } from './testing/memory-people.ts';
import { checkName, foldName } from './user-name.ts';

const PASSWORD = 'correct horse battery';
const HOUR_MS = 3_600_000;

async function opened(t: TestContext, { isSecure = false, file = memoryPeopleFile(), gateway: id = 'town-01' } = {}) {
  const clock = new VirtualClock(EXAMPLES.status.now);
  const world = testWorld(clock);
  const records: AuditEntry[] = [];
  const audit = {
    append: (entry: AuditEntry) => {
      records.push(entry);
    },
  };
  const people = await memoryPeople(world, { file, audit });
  const gateway = memoryGateway();
  gateway.devices = [EXAMPLES.device];
  const access = new Access({ gateway: id, people, audit, isNeeded: false, isAnonymousAllowed: () => !people.hasAdministrator }, clock);
  Object.assign(gateway.sources, { people, access });
  // Of its own: the timers of the live stream would make a month of virtual time a long one.
  const http = testWorld(new VirtualClock(EXAMPLES.status.now));
  const open = await openApi(t, gateway.sources, http, { trustProxy: ['127.0.0.0/8'] });
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    open.ask(`/api/v1/${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        'x-cityvitals': '1',
        ...(isSecure && { 'x-forwarded-proto': 'https' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const setUp = async (name = 'chief', password = PASSWORD) => {
    const { code } = (await people.firstLink()) ?? { code: '' };
    return send('POST', 'setup', { code, name, password });
  };
  const signIn = (user: string, password: string, headers: Record<string, string> = {}) =>
    send('POST', 'session', { user, password }, headers);
  return { ...open, clock, http, world, people, records, file, send, setUp, signIn };
}

/** All cookies that an answer set, as a browser sends them back. */
const cookies = (answer: { headers: Headers }): { cookie: string } => ({
  cookie: answer.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; '),
});
/** Of the session alone: as a browser that has not been here before. */
const sessionOnly = ({ cookie }: { cookie: string }) => ({ cookie: cookie.split('; ').find((one) => !one.includes('-browser=')) ?? '' });
const codeOf = async (answer: Promise<{ status: number; body: Record<string, unknown> }>) => {
  const { status, body } = await answer;
  return [status, body.code];
};

/** With an administrator, and a user who has a password. @returns cookies of both */
async function withUsers(t: TestContext, options?: Parameters<typeof opened>[1]) {
  const open = await opened(t, options);
  const chief = cookies(await open.setUp());
  const added = await open.send('POST', 'users', { name: 'li-wei', grants: [{ role: 'operator', centre: '500112' }] }, chief);
  assert.equal(added.status, 200, JSON.stringify(added.body));
  const wei = cookies(await open.send('POST', 'setup', { code: added.body.code, password: PASSWORD }));
  return { ...open, chief, wei, weiId: (added.body.user as { id: string }).id };
}

test('the first administrator comes by the link, once, within a day; from then on nobody reads without signing in', async (t) => {
  const open = await opened(t);
  assert.equal((await open.send('GET', 'devices')).status, 200, 'until then');
  assert.deepEqual((await open.send('GET', 'sign-in')).body, { setUp: true, users: false });
  const old = await open.people.firstLink();
  await open.clock.advanceMs(LINK_MS);
  assert.deepEqual(await codeOf(open.send('POST', 'setup', { code: old?.code, name: 'chief', password: PASSWORD })), [
    403,
    'CV_SETUP_CODE',
  ]);
  const [one, two] = [await open.people.firstLink(), await open.people.firstLink()];
  assert.deepEqual(await codeOf(open.send('POST', 'setup', { code: one?.code, name: 'chief', password: 'short' })), [
    400,
    'CV_USER_PASSWORD',
  ]);
  assert.deepEqual(await codeOf(open.send('POST', 'setup', { code: one?.code, password: PASSWORD })), [400, 'CV_USER_NAME']);
  const both = await Promise.all(
    [one, two].map((link, at) => open.send('POST', 'setup', { code: link?.code, name: `chief-${at}`, password: PASSWORD })),
  );
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 403], 'of two at once one gets in');
  assert.equal(await open.people.firstLink(), null);
  assert.deepEqual(await codeOf(open.send('GET', 'devices')), [401, 'CV_API_READ_TOKEN']);
  const chief = cookies(both.find(({ status }) => status === 200) as (typeof both)[0]);
  assert.equal((await open.send('GET', 'devices', undefined, chief)).status, 200);
  assert.deepEqual((await open.send('GET', 'sign-in')).body, { setUp: false, users: true });
});

test('cookies are of this gateway, seen by no script and sent by no other site; over HTTPS of this host alone', async (t) => {
  for (const isSecure of [false, true]) {
    const open = await opened(t, { isSecure });
    const set = (await open.setUp()).headers.getSetCookie();
    const end = isSecure ? '; Secure' : '';
    const name = isSecure ? '__Host-cityvitals-town-01' : 'cityvitals-town-01';
    assert.equal(set.length, 2);
    assert.match(set[0] ?? '', new RegExp(`^${name}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000${end}$`));
    assert.match(set[1] ?? '', new RegExp(`^${name}-browser=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000${end}$`));
  }
});

test("wrong cookies let nobody in: of another gateway, of another form, of another user's name, cut, or none", async (t) => {
  const own = await withUsers(t);
  const other = await opened(t, { gateway: 'town-02' });
  const foreign = cookies(await other.setUp()).cookie;
  const right = sessionOnly(own.chief).cookie;
  for (const cookie of [
    foreign,
    foreign.replaceAll('town-02', 'town-01'),
    right.slice(0, -1),
    `${right}x`,
    right.toUpperCase(),
    'cityvitals-town-01=',
    `__Host-${right}`,
    own.chief.cookie
      .split('; ')
      .find((one) => one.includes('-browser='))
      ?.replace('-browser', '') ?? '',
    right.replace('=', '=%00'),
  ]) {
    assert.equal((await own.send('GET', 'devices', undefined, { cookie })).status, 401, cookie);
    await own.clock.advanceMs(10_000);
  }
  assert.equal((await own.send('GET', 'devices', undefined, { cookie: `a=1;${right};b=2` })).status, 200);
});

test('what changes something by cookie needs the header that no other page can send, and no foreign origin', async (t) => {
  const { send, chief, ask } = await withUsers(t);
  const user = { name: 'new-one', grants: [] };
  for (const headers of [{ 'x-cityvitals': '' }, { 'x-cityvitals': 'yes' }])
    assert.deepEqual(await codeOf(send('POST', 'users', user, { ...chief, ...headers })), [403, 'CV_API_CSRF']);
  const bare = await ask('/api/v1/session', { method: 'DELETE', headers: chief });
  assert.deepEqual([bare.status, bare.body.code, bare.headers.getSetCookie()], [403, 'CV_API_CSRF', []]);
  for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1:1'])
    assert.deepEqual(await codeOf(send('POST', 'users', user, { ...chief, origin })), [403, 'CV_API_ORIGIN'], origin);
  const preflight = await ask('/api/v1/users', {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-cityvitals' },
  });
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [403, null]);
  assert.equal((await send('POST', 'users', user, chief)).status, 200);
});

test('a user like another in case, width or form of the letters is the same; what is no name is none', async (t) => {
  const { send, chief, signIn } = await withUsers(t);
  for (const name of ['LI-WEI', 'ｌｉ-ｗｅｉ', 'Li-Wei', 'lI-wei', ' li-wei '])
    assert.deepEqual(await codeOf(send('POST', 'users', { name, grants: [] }, chief)), [409, 'CV_USER_NAME_TAKEN'], name);
  for (const name of ['', ' ', 'a b', 'a/b', 'li\u200bwei', 'li\u0000', 'x'.repeat(65), 'lі-wei', 'a\u202eb', '..', '-a', '\ud800'])
    assert.equal((await send('POST', 'users', { name, grants: [] }, chief)).status, 400, JSON.stringify(name));
  assert.equal((await send('POST', 'users', { name: '张伟', grants: [] }, chief)).status, 200);
  assert.equal((await signIn('ＬＩ-wei', PASSWORD)).status, 200);
  assert.equal(foldName('Straße'), foldName('STRASSE'));
  assert.equal(foldName('e\u0301'), foldName('É'));
  assert.equal(checkName('e\u0301va'), 'éva');
});

test('a password of ten megabytes is answered at once, one of 2 KB is wrong without a hash; other shapes are no sign-in', async (t) => {
  const { signIn, send } = await withUsers(t);
  assert.equal((await signIn('li-wei', 'x'.repeat(10_000_000))).status, 413);
  assert.deepEqual(await codeOf(signIn('li-wei', 'x'.repeat(2000))), [401, 'CV_SIGN_IN_WRONG']);
  for (const body of [
    {},
    { user: 'li-wei' },
    { user: ['li-wei'], password: {} },
    { user: 'li-wei', password: PASSWORD, admin: true },
    { password: PASSWORD, token: 'x' },
  ])
    assert.equal((await send('POST', 'session', body)).status, 400, JSON.stringify(body));
  const passwords = new Passwords({ memoryKiB: 1 << 30, passes: 1 });
  await assert.rejects(passwords.hash('x'.repeat(1025)), { name: 'CV_USER_PASSWORD' });
});

test('guessing at one user from one place gets slower and slower; from elsewhere, and in a browser of theirs, they get in', async (t) => {
  const { signIn, clock, wei, records } = await withUsers(t);
  const guess = (headers = {}) => codeOf(signIn('li-wei', 'a wrong password', headers));
  for (let n = 0; n < 5; n += 1) assert.deepEqual(await guess(), [401, 'CV_SIGN_IN_WRONG']);
  assert.deepEqual(await guess(), [429, 'CV_SIGN_IN_LOCKED']);
  assert.deepEqual(await codeOf(signIn('LI-WEI', PASSWORD)), [429, 'CV_SIGN_IN_LOCKED'], 'the same user by another form of the name');
  assert.equal((await signIn('li-wei', PASSWORD)).headers.get('retry-after'), '1');
  assert.equal((await signIn('li-wei', PASSWORD, { 'x-forwarded-for': '10.0.0.9' })).status, 200, 'another network');
  assert.equal((await signIn('li-wei', PASSWORD, wei)).status, 200, 'a browser in which they were signed in');
  assert.equal((await signIn('chief', PASSWORD)).status, 200, 'another user');
  let waited = 0;
  for (let n = 0; n < 12; n += 1) {
    const answer = await signIn('li-wei', 'a wrong password');
    const seconds = Number(answer.headers.get('retry-after') ?? 0);
    await clock.advanceMs(Math.max(seconds, 2) * 1000);
    waited += seconds;
  }
  assert.ok(waited > 60, String(waited));
  await clock.advanceMs(900_000);
  assert.equal((await signIn('li-wei', PASSWORD)).status, 200);
  assert.ok(records.some(({ kind, outcome, who }) => kind === 'sign_in' && outcome === 'refused' && who === 'li-wei'));
  assert.ok(!JSON.stringify(records).includes('wrong password'));
});

test('guesses sent at once are counted like those sent in turn; names of nobody are slowed alike, and tell nothing', async (t) => {
  const { signIn, clock } = await withUsers(t);
  const statuses = async (user: string) =>
    (await Promise.all(Array.from({ length: 20 }, () => signIn(user, 'a wrong password')))).map(({ status }) => status).toSorted();
  const known = await statuses('li-wei');
  await clock.advanceMs(61_000);
  assert.deepEqual(await statuses('nobody-here'), known);
  assert.equal(known.filter((status) => status === 401).length, 5);
  await clock.advanceMs(61_000);
  const [one, two] = await Promise.all([signIn('chief', 'a wrong password'), signIn('no-such-user', 'a wrong password')]);
  assert.deepEqual([one.status, one.body], [two.status, two.body]);
});

test('a hundred networks that guess keep the queue of hashes short; what waits too long is told to come again', async () => {
  const passwords = new Passwords(CHEAP);
  const stored = await passwords.hash(PASSWORD);
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => passwords.verify('a wrong password', stored)));
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 66);
  assert.equal(await passwords.verify(PASSWORD, stored), true, 'and goes on');
  assert.equal(await passwords.verify(PASSWORD, null), false);
});

test('a hash says how it was made, and is made anew when that has changed', async (t) => {
  assert.ok(HASH_COST.memoryKiB >= 19_456 && HASH_COST.passes >= 2);
  const file = memoryPeopleFile();
  const before = await opened(t, { file });
  await before.setUp();
  const [id, json] = [...(file.rows.get('users') ?? [])][0] as [string, string];
  const old = await new Passwords({ memoryKiB: 16, passes: 2 }).hash(PASSWORD);
  file.rows.get('users')?.set(id, JSON.stringify({ ...(JSON.parse(json) as object), hash: old }));
  const after = await opened(t, { file });
  assert.equal((await after.signIn('chief', PASSWORD)).status, 200);
  assert.match(file.rows.get('users')?.get(id) ?? '', /argon2id\$m=8,t=1,p=1\$/);
});

test('a session ends: idle, by age, by signing out, by the list, with the password, with the user; and its streams with it', async (t) => {
  const { send, clock, http, signIn, wei, weiId, chief, api } = await withUsers(t);
  const reads = async (who: { cookie: string }) => (await send('GET', 'devices', undefined, who)).status;
  const fresh = async () => cookies(await signIn('li-wei', PASSWORD));
  await clock.advanceMs(SESSION_TIMES.idleMs - 1);
  assert.equal(await reads(wei), 200);
  await clock.advanceMs(SESSION_TIMES.idleMs);
  assert.equal(await reads(wei), 401, 'idle');
  const kept = await fresh();
  for (let ms = 0; ms < SESSION_TIMES.longestMs - 6 * HOUR_MS; ms += 6 * HOUR_MS) {
    assert.equal(await reads(kept), 200);
    await clock.advanceMs(6 * HOUR_MS);
  }
  await clock.advanceMs(6 * HOUR_MS);
  assert.equal(await reads(kept), 401, 'by age');

  const [one, two, three] = [await fresh(), await fresh(), await fresh()];
  const stream = await fetch(new URL('/api/v1/live', api.url), { headers: two });
  await send('DELETE', 'session', undefined, one);
  assert.deepEqual([await reads(one), await reads(two)], [401, 200]);
  const list = (await send('GET', 'account/sessions', undefined, three)).body.items as { id: string; current: boolean }[];
  assert.deepEqual(list.map(({ current }) => current).toSorted(), [false, true]);
  assert.ok(!JSON.stringify(list).includes(three.cookie.slice(30, 60)));
  const otherId = list.find(({ current }) => !current)?.id;
  const anotherChief = cookies(await signIn('chief', PASSWORD));
  assert.deepEqual(
    await codeOf(send('DELETE', `account/sessions/${otherId}`, undefined, anotherChief)),
    [404, 'CV_API_UNKNOWN_ID'],
    'not of another user',
  );
  assert.equal((await send('DELETE', `account/sessions/${otherId}`, undefined, three)).status, 200);
  assert.equal(await reads(two), 401);
  await http.clock.advanceMs(10_000);
  assert.match(await stream.text(), /event: bye\ndata: \{"reason":"signed out"\}\n\n$/);

  const four = await fresh();
  assert.deepEqual(await codeOf(send('POST', 'account/password', { old: 'a wrong password', password: 'another good one' }, four)), [
    401,
    'CV_SIGN_IN_WRONG',
  ]);
  assert.equal((await send('POST', 'account/password', { old: PASSWORD, password: 'another good one' }, four)).status, 200);
  assert.deepEqual([await reads(three), await reads(four)], [401, 200]);
  assert.deepEqual(await codeOf(signIn('li-wei', PASSWORD)), [401, 'CV_SIGN_IN_WRONG']);
  const five = cookies(await signIn('li-wei', 'another good one'));
  assert.equal((await send('POST', `users/${weiId}`, { disabled: true }, anotherChief)).status, 200);
  assert.equal(await reads(five), 401);
  assert.deepEqual(await codeOf(signIn('li-wei', 'another good one')), [401, 'CV_SIGN_IN_WRONG']);
  assert.equal(await reads(chief), 401, 'idle since');
});

test('a token does what it was made for, no more than its owner, until it expires, is removed, or its owner is disabled', async (t) => {
  const { send, clock, wei, weiId, chief, ask, file } = await withUsers(t);
  const make = (body: object, who = wei) =>
    send('POST', 'account/tokens', { name: 'reporting', permissions: ['read'], centres: ['500112'], days: 2, ...body }, who);
  for (const body of [{ permissions: ['manage_users'] }, { centres: ['*'] }, { centres: ['500000'] }, { centres: ['500106'] }])
    assert.deepEqual(await codeOf(make(body)), [403, 'CV_TOKEN_SCOPE'], JSON.stringify(body));
  for (const body of [{ permissions: ['account'] }, { permissions: [] }, { centres: [] }, { days: 0 }, { days: 10_000 }])
    assert.equal((await make(body)).status, 400, JSON.stringify(body));
  const made = await make({});
  const token = String(made.body.token);
  assert.match(token, /^cvt_[\w-]{43}$/);
  assert.ok(![...file.rows.values()].some((rows) => JSON.stringify([...rows]).includes(token.slice(4))), 'kept as a hash alone');
  const by = { authorization: `Bearer ${token}` };
  const status = async (path: string, init: RequestInit = {}) => (await ask(`/api/v1/${path}`, { ...init, headers: by })).status;
  assert.deepEqual(
    [await status('devices'), await status('commands'), await status('account/tokens'), await status('users')],
    [200, 403, 403, 403],
  );
  assert.equal((await send('POST', 'session', { token })).status, 401, 'it makes no session');
  const view = (await send('GET', 'account/tokens', undefined, wei)).body.items as { id: string; usedAt: number }[];
  assert.deepEqual(
    view.map(({ usedAt }) => usedAt),
    [clock.nowMs()],
  );
  const own = sessionOnly(chief);
  await send('POST', `users/${weiId}`, { grants: [{ role: 'viewer', centre: '500106' }] }, own);
  assert.equal(await status('devices'), 403, 'no more than its owner has now');
  await send('POST', `users/${weiId}`, { grants: [{ role: 'viewer', centre: '500112' }] }, own);
  assert.equal(await status('devices'), 200);
  await send('POST', `users/${weiId}`, { disabled: true }, own);
  assert.equal(await status('devices'), 401);
  await send('POST', `users/${weiId}`, { disabled: false }, own);
  assert.equal(await status('devices'), 200);
  await clock.advanceMs(2 * 24 * HOUR_MS);
  assert.equal(await status('devices'), 401);
});

test('an administrator of a district has the users of the district, gives no more than that, and the last of all stays', async (t) => {
  const { send, chief, people, weiId } = await withUsers(t);
  const chiefId = people.users().find(({ name }) => name === 'chief')?.id ?? '';
  const added = await send('POST', 'users', { name: 'district', grants: [{ role: 'administrator', centre: '500112' }] }, chief);
  const district = cookies(await send('POST', 'setup', { code: added.body.code, password: PASSWORD }));
  const names = ((await send('GET', 'users', undefined, district)).body.items as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names.toSorted(), ['district', 'li-wei']);
  for (const grants of [
    [{ role: 'viewer', centre: '*' }],
    [{ role: 'viewer', centre: '500000' }],
    [
      { role: 'viewer', centre: '500112001' },
      { role: 'viewer', centre: '500106' },
    ],
  ])
    for (const [path, body] of [
      ['users', { name: 'x-1', grants }],
      [`users/${weiId}`, { grants }],
    ] as const)
      assert.deepEqual(await codeOf(send('POST', path, body, district)), [404, 'CV_API_UNKNOWN_ID'], path);
  for (const path of [`users/${chiefId}`, `users/${chiefId}/setup-code`, 'users/nobody'])
    assert.deepEqual(
      await codeOf(send('POST', path, path.endsWith('code') ? undefined : { disabled: true }, district)),
      [404, 'CV_API_UNKNOWN_ID'],
      path,
    );
  assert.equal(
    (await send('POST', 'users', { name: 'x-2', grants: [{ role: 'administrator', centre: '500112001' }] }, district)).status,
    200,
  );
  for (const body of [{ disabled: true }, { grants: [{ role: 'administrator', centre: '500000' }] }, { grants: [] }])
    assert.deepEqual(await codeOf(send('POST', `users/${chiefId}`, body, chief)), [409, 'CV_USER_LAST_ADMINISTRATOR']);
});

test('a link for a new password is good once, voids the one before, and ends what was signed in', async (t) => {
  const { send, chief, wei, weiId } = await withUsers(t);
  const link = async () => String((await send('POST', `users/${weiId}/setup-code`, undefined, chief)).body.code);
  const [first, second] = [await link(), await link()];
  const use = (code: string) => send('POST', 'setup', { code, password: 'quite another one' });
  assert.equal((await use(first)).status, 403);
  assert.equal((await use(second)).status, 200);
  assert.equal((await use(second)).status, 403);
  assert.equal((await send('GET', 'devices', undefined, wei)).status, 401);
});

test('what cannot be saved has not happened, and is said; a file that cannot be read lets nobody in and makes nobody administrator', async (t) => {
  const open = await withUsers(t);
  open.file.isFull = true;
  assert.equal((await open.send('POST', 'users', { name: 'x-3', grants: [] }, open.chief)).status, 500);
  open.file.isFull = false;
  assert.equal((await open.send('POST', 'users', { name: 'x-3', grants: [] }, open.chief)).status, 200);
  const restarted = await opened(t, { file: open.file });
  assert.equal((await restarted.send('GET', 'devices', undefined, open.chief)).status, 200, 'a restart signs nobody out');
  const damaged = memoryPeopleFile();
  damaged.rows.get('users')?.set('a', '{"id":"a"}');
  const broken = await opened(t, { file: damaged });
  assert.deepEqual(
    broken.world.told.map((event) => event.kind === 'fault' && event.fault.code),
    ['CV_PEOPLE_UNUSABLE'],
  );
  assert.equal(await broken.people.firstLink(), null);
  assert.equal((await broken.send('GET', 'devices')).status, 401);
});
