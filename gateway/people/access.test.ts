import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { EXAMPLES } from '../http/testing/examples.ts';
import { openApi, type OpenApi } from '../http/testing/http.ts';
import { memoryGateway } from '../http/testing/memory-sources.ts';
import { Access, needsToken } from './access.ts';

const READER = { name: 'duty-room', token: 'reads-and-nothing-else' };
const OPERATOR = { name: 'duty-1', token: 'commands-and-reads-too' };

function opened(scope: Parameters<typeof openApi>[0], isNeeded = true, trustProxy: string[] = []) {
  const clock = new VirtualClock(EXAMPLES.status.now);
  const gateway = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  gateway.devices = [EXAMPLES.device];
  gateway.problems = [{ code: 'CV_LOG_FULL', detail: 'log at 1 of 1 bytes', detailZh: '日志已满' }];
  const access = new Access({ gateway: 'town-01', isNeeded }, clock);
  access.setTokens([READER], [OPERATOR]);
  gateway.sources.access = access;
  return openApi(scope, gateway.sources, testWorld(clock), { trustProxy }).then((open) => Object.assign(open, { access, clock }));
}

const by = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const signIn = ({ ask }: OpenApi, token: unknown, headers: Record<string, string> = {}) =>
  ask('/api/v1/session', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ token }) });
const cookieOf = (answer: { headers: Headers }) => (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';

test('a token is needed wherever other machines reach HTTP, themselves or through a proxy', () => {
  for (const [host, trustProxy, wanted] of [
    ['127.0.0.1', [], false],
    ['::1', [], false],
    ['localhost', [], false],
    ['0.0.0.0', [], true],
    ['::', [], true],
    ['10.0.0.5', [], true],
    ['127.0.0.1', ['127.0.0.1'], true],
  ] as const)
    assert.equal(needsToken({ host, trustProxy }), wanted, `${host} ${String(trustProxy)}`);
});

test('where a token is needed every route wants one of a reader or an operator, but health, which then tells codes alone', async (t) => {
  const open = await opened(t);
  for (const { method, path, needs } of open.api.routes.filter((route) => route.needs !== 'public')) {
    const url = path.replaceAll(/:\w+/g, 'x');
    for (const init of [
      {},
      by('a-wrong-token-of-somebody'),
      { headers: { cookie: 'cityvitals-town-01=' } },
      { headers: { authorization: `Basic ${btoa(`x:${READER.token}`)}` } },
    ]) {
      await open.clock.advanceMs(10_000);
      const answer = await open.ask(url, { ...init, method });
      assert.deepEqual(
        [answer.status, answer.body.code, answer.headers.get('www-authenticate')],
        [401, 'CV_API_READ_TOKEN', 'Bearer'],
        `${method} ${url} ${needs}`,
      );
    }
  }
  assert.equal((await open.ask('/api/v1/devices', { method: 'HEAD' })).status, 401);
  for (const { token } of [READER, OPERATOR]) assert.equal((await open.ask('/api/v1/devices', by(token))).status, 200);
  const health = async (init?: RequestInit) => (await open.ask('/healthz', init)).body.problems;
  assert.deepEqual(await health(), [{ code: 'CV_LOG_FULL', detail: '', detailZh: '' }]);
  assert.deepEqual(await health(by(READER.token)), [{ code: 'CV_LOG_FULL', detail: 'log at 1 of 1 bytes', detailZh: '日志已满' }]);
});

test('on this machine alone nothing is asked for', async (t) => {
  const { ask } = await opened(t, false);
  assert.equal((await ask('/api/v1/devices')).status, 200);
  assert.deepEqual((await ask('/api/v1/session')).body, {
    name: null,
    kind: 'anonymous',
    grants: [{ role: 'viewer', centre: '*' }],
    permissions: ['read', 'read_evidence'],
  });
  assert.equal((await ask('/api/v1/devices', by('a-token-of-elsewhere'))).status, 200);
});

test('signing in leaves a cookie that no script reads and no other page sends; with it all is read, the live stream too', async (t) => {
  const open = await opened(t);
  const signed = await signIn(open, READER.token);
  const reader = {
    name: 'duty-room',
    kind: 'configured',
    grants: [{ role: 'viewer', centre: '*' }],
    permissions: ['read', 'read_evidence'],
  };
  assert.deepEqual([signed.status, signed.body], [200, reader]);
  assert.match(
    signed.headers.get('set-cookie') ?? '',
    /^cityvitals-town-01=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=2592000$/,
  );
  const cookie = cookieOf(signed);
  assert.ok(!cookie.includes(READER.token));
  const withCookie = { headers: { cookie: `other=1; ${cookie}` } };
  assert.equal((await open.ask('/api/v1/devices', withCookie)).status, 200);
  assert.deepEqual((await open.ask('/api/v1/session', withCookie)).body, reader);
  const stream = await fetch(new URL('/api/v1/live', open.api.url), withCookie);
  assert.equal(stream.status, 200);
  const out = await open.ask('/api/v1/session', { method: 'DELETE', headers: { ...withCookie.headers, 'x-cityvitals': '1' } });
  assert.match(out.headers.get('set-cookie') ?? '', /^cityvitals-town-01=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/);
  open.access.setTokens([], [OPERATOR]);
  assert.equal((await open.ask('/api/v1/devices', withCookie)).status, 401, 'its token has been taken out');
  await open.clock.advanceMs(10_000);
  assert.match(await stream.text(), /event: bye\ndata: \{"reason":"signed out"\}\n\n$/, 'and the stream that was open ends');
});

test('signing out ends the streams of that browser, and of nobody else', async (t) => {
  const open = await opened(t);
  const withCookie = { headers: { cookie: cookieOf(await signIn(open, READER.token)) } };
  const other = { headers: { cookie: cookieOf(await signIn(open, OPERATOR.token)) } };
  const streams = await Promise.all(
    [withCookie, other, by(READER.token)].map((init) => fetch(new URL('/api/v1/live', open.api.url), init)),
  );
  await open.ask('/api/v1/session', { method: 'DELETE', headers: { ...withCookie.headers, 'x-cityvitals': '1' } });
  const after = await fetch(new URL('/api/v1/live', open.api.url), withCookie);
  await open.clock.advanceMs(10_000);
  assert.match(await (streams[0] as Response).text(), /event: bye\ndata: \{"reason":"signed out"\}\n\n$/);
  await open.clock.advanceMs(10_000);
  for (const stream of [...streams.slice(1), after]) {
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    for (let text = ''; !text.includes('still here');) {
      const { value, done } = await reader.read();
      assert.ok(!done);
      text += Buffer.from(value).toString();
      assert.ok(!text.includes('bye'));
    }
    await reader.cancel();
  }
});

test('the cookie of an operator is no token: it neither commands nor signs in', async (t) => {
  const open = await opened(t);
  const cookie = cookieOf(await signIn(open, OPERATOR.token));
  assert.equal((await open.ask('/api/v1/commands', { headers: { cookie } })).body.code, 'CV_API_UNAUTHORISED', 'it reads only');
  assert.equal((await signIn(open, cookie.split('=')[1])).status, 401);
  assert.equal((await signIn(open, OPERATOR.token, { origin: 'http://evil.example' })).body.code, 'CV_API_ORIGIN');
});

test('guessing is slowed by address, and a right token passes meanwhile', async (t) => {
  const open = await opened(t);
  for (let at = 0; at < 30; at += 1) assert.equal((await signIn(open, `guess-number-${at}`)).status, 401);
  for (const guess of [
    () => signIn(open, 'guess-more'),
    () => open.ask('/api/v1/devices', by('guess-more')),
    () => open.ask('/api/v1/devices', { headers: { cookie: 'cityvitals-town-01=guess' } }),
  ]) {
    const answer = await guess();
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [429, '60']);
  }
  assert.equal((await signIn(open, READER.token)).status, 200);
  assert.equal((await open.ask('/api/v1/devices', by(READER.token))).status, 200);
  await open.clock.advanceMs(61_000);
  assert.equal((await signIn(open, 'guess-more')).status, 401);
});

test('behind a proxy that is trusted each caller has its own address; what anybody else forwards is not believed', async (t) => {
  for (const [trustProxy, wanted] of [
    [['127.0.0.0/8'], 401],
    [[], 429],
    [['10.0.0.1'], 429],
  ] as const) {
    const open = await opened(t, true, [...trustProxy]);
    for (let at = 0; at < 30; at += 1) await signIn(open, `guess-number-${at}`, { 'x-forwarded-for': '10.0.0.66' });
    assert.equal((await signIn(open, 'guess-more', { 'x-forwarded-for': '10.0.0.66' })).status, 429);
    assert.equal((await signIn(open, 'guess-more', { 'x-forwarded-for': '10.0.0.7' })).status, wanted, trustProxy.join());
    assert.equal(
      (await signIn(open, READER.token, { 'x-forwarded-proto': 'https' })).headers.get('set-cookie')?.endsWith('; Secure'),
      wanted === 401,
    );
  }
});

test('whoever has a network of IPv6 is one guesser, and has the places of one viewer', async (t) => {
  const open = await opened(t, true, ['127.0.0.0/8']);
  const of = (host: number) => ({ 'x-forwarded-for': `2001:db8:0:1::${host.toString(16)}` });
  for (let at = 0; at < 30; at += 1) assert.equal((await signIn(open, `guess-number-${at}`, of(at))).status, 401);
  assert.equal((await signIn(open, 'guess-more', of(99))).status, 429);
  assert.equal((await signIn(open, 'guess-more', { 'x-forwarded-for': '2001:db8:0:2::1' })).status, 401);

  const gateway = memoryGateway();
  const { api } = await openApi(t, gateway.sources, testWorld(), { maxViewersOfAddress: 2, trustProxy: ['127.0.0.0/8'] });
  const watch = async (host: number) => (await fetch(new URL('/api/v1/live', api.url), { headers: of(host) })).status;
  assert.deepEqual([await watch(1), await watch(2), await watch(3)], [200, 200, 503]);
});

test('a cookie header of any form costs little and ends nothing', async (t) => {
  const open = await opened(t);
  for (const cookie of [
    '=',
    ';;;;',
    `${'cityvitals-town-01=;'.repeat(400)}`,
    'cityvitals-town-01',
    `a=${'x'.repeat(8000)}`,
    'cityvitals-town-01=\u00ff\u0080',
  ]) {
    const socket = connect(open.api.port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    socket.end(Buffer.from(`GET /api/v1/devices HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: ${cookie}\r\n\r\n`, 'latin1'));
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 401 /, cookie.slice(0, 30));
  }
});
