import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { Access } from '../people/access.ts';
import { NO_AUDIT } from '../people/audit.ts';
import { ALMIGHTY, knownBy, memoryPeople } from '../people/testing/memory-people.ts';
import { evidenceView } from './testing/evidence-view.ts';
import { EXAMPLES } from './testing/examples.ts';
import { openApi, type OpenApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const gateway = memoryGateway();
const camera = { ...EXAMPLES.device, id: 'gate-cam', driver: 'camera' };
gateway.devices = [EXAMPLES.device, camera, { ...EXAMPLES.device, id: 'air-01', freshness: 'lost', edge: 'air' }];
gateway.indicators = ['C', 'A', 'B'].map((code) => Object.assign({}, EXAMPLES.indicator, { code, known: code !== 'B' }));
gateway.warnings = Array.from({ length: 5 }, (_, at) => ({
  ...EXAMPLES.warning,
  id: `w${at}`,
  raisedAt: 1000 + Math.floor(at / 2),
  condition: at === 4 ? 'cleared' : 'active',
}));
gateway.quarantine = Array.from({ length: 5 }, (_, at) => ({ ...EXAMPLES.quarantined, id: at + 1 }));
gateway.pictures.set('gate-cam', { ...EXAMPLES.picture, device: 'gate-cam' });
const points = Array.from({ length: 25 }, (_, at) => ({ at: 1000 + at, value: at, quality: 'good' as const, flags: [] }));
gateway.series = [
  { view: { ...EXAMPLES.series, device: 'a', point: 'level' }, points },
  { view: { ...EXAMPLES.series, device: 'b', point: 'level' }, points: [] },
];

let open: OpenApi;
const world = testWorld();
// `after` called within `before` would run at the end of `before`.
let close = () => Promise.resolve();
before(async () => { open = await openApi({ after: (run) => { close = run; } }, gateway.sources, world); });
after(() => close());

const idsOf = (body: Record<string, unknown>, field = 'id') => (body.items as Record<string, unknown>[]).map((item) => item[field]);

async function refused(path: string, status: number, code: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const answer = await open.ask(path, init);
  assert.equal(answer.status, status, `${path}: ${JSON.stringify(answer.body)}`);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.body.code, code);
  assert.equal(answer.body.status, status);
  assert.notEqual(answer.body.remedy, '');
  return answer.body;
}

test('lists answer items in a fixed order, and filters narrow them', async () => {
  assert.deepEqual(idsOf((await open.ask('/api/v1/devices')).body), ['air-01', 'gate-cam', 'pump-07-plc']);
  assert.deepEqual(idsOf((await open.ask('/api/v1/devices?freshness=lost')).body), ['air-01']);
  assert.deepEqual(idsOf((await open.ask('/api/v1/indicators?known=false')).body, 'code'), ['B']);
  assert.deepEqual(idsOf((await open.ask('/api/v1/warnings?condition=cleared')).body), ['w4']);
  assert.deepEqual((await open.ask('/api/v1/devices/gate-cam')).body, camera);
  assert.equal((await open.ask('/api/v1/devices/gate-cam/picture')).body.device, 'gate-cam');
  assert.equal((await open.ask('/api/v1/warnings/w3')).body.id, 'w3');
});

for (const [path, field, all] of [
  ['/api/v1/devices', 'id', ['air-01', 'gate-cam', 'pump-07-plc']],
  ['/api/v1/indicators', 'code', ['A', 'B', 'C']],
  ['/api/v1/warnings', 'id', ['w4', 'w2', 'w3', 'w0', 'w1']],
  ['/api/v1/quarantine', 'id', [5, 4, 3, 2, 1]],
  ['/api/v1/series', 'device', ['a', 'b']],
] as const) {
  test(`${path}: pages of two, joined, are the whole list`, async () => {
    const seen: unknown[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body, status } = await open.ask(`${path}?limit=2${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`);
      assert.equal(status, 200);
      seen.push(...idsOf(body, field));
      next = body.next as string | null;
    }
    assert.deepEqual(seen, all);
  });
}

test('series gives values of one, whole by pages or thinned, and 409 with the candidates for several', async () => {
  const whole: unknown[] = [];
  let next = '';
  do {
    const { body } = await open.ask(`/api/v1/series?device=a&from=1000&to=1020&limit=7${next}`);
    assert.equal(body.downsampled, false);
    whole.push(...idsOf(body, 'value'));
    next = body.next === null ? '' : `&after=${String(body.next)}`;
  } while (next !== '');
  assert.deepEqual(whole, points.slice(0, 20).map(({ value }) => value));
  const thinned = (await open.ask('/api/v1/series?device=a&from=0&to=9999&maxPoints=5')).body;
  assert.equal(thinned.downsampled, true);
  assert.equal((thinned.items as unknown[]).length, 5);
  const several = await refused('/api/v1/series?indicator=YJ-FLD-001&from=0&to=10', 409, 'CV_API_SERIES_AMBIGUOUS');
  assert.deepEqual(idsOf(several, 'device'), ['a', 'b']);
  await refused('/api/v1/series?device=zzz&from=0&to=10', 404, 'CV_API_UNKNOWN_ID');
});

test('the span of series ends now and is an hour unless said', async () => {
  const { body } = await open.ask('/api/v1/series?device=a&maxPoints=10');
  assert.equal(body.to, world.clock.nowMs() + 1);
  assert.equal(body.from, world.clock.nowMs() + 1 - 3_600_000);
});

test('wrong parameters are refused with the parameter named', async () => {
  for (const [path, parameter] of [
    ['/api/v1/devices?limit=0', 'limit'],
    ['/api/v1/devices?limit=99999999999', 'limit'],
    ['/api/v1/devices?limit=ten', 'limit'],
    ['/api/v1/devices?limit=1&limit=2', 'limit'],
    ['/api/v1/devices?colour=red', 'colour'],
    ['/api/v1/devices?freshness=stale', 'freshness'],
    ['/api/v1/series?device=a&from=yesterday', 'from'],
    ['/api/v1/series?device=a&from=1e400', 'from'],
    ['/api/v1/series?device=a&from=-5', 'from'],
    ['/api/v1/series?device=a&maxPoints=10000000', 'maxPoints'],
    ['/api/v1/quarantine?after=x', 'after'],
    ['/api/v1/events?limit=5001', 'limit'],
    ['/api/v1/warnings?level=5', 'level'],
    ['/api/v1/devices?lang=fr', 'lang'],
  ] as const) {
    const problem = await refused(path, 400, 'CV_API_QUERY_INVALID');
    assert.match(String(problem.detail), new RegExp(parameter));
  }
  assert.match(
    String((await refused('/api/v1/events?limit=ten&lang=en', 400, 'CV_API_QUERY_INVALID')).detail),
    /limit: expected a whole number from 1 to 5000/,
  );
  assert.match(
    String((await refused('/api/v1/events?limit=5001&lang=zh-CN', 400, 'CV_API_QUERY_INVALID')).detail),
    /应为 1 到 5000 的整数/,
  );
  await refused('/api/v1/series?device=a&from=10&to=10', 400, 'CV_API_RANGE_INVALID');
  await refused('/api/v1/warnings?after=nonsense', 400, 'CV_API_CURSOR_INVALID');
});

test('what does not exist is 404, the wrong method 405 with what is allowed', async () => {
  await refused('/api/v1/devices/nobody', 404, 'CV_API_UNKNOWN_ID');
  await refused('/api/v1/devices/nobody/picture', 404, 'CV_API_UNKNOWN_ID');
  await refused('/api/v1/devices/air-01/picture', 404, 'CV_API_NO_PICTURE');
  await refused('/api/v1/warnings/nothing', 404, 'CV_API_UNKNOWN_ID');
  await refused('/api/v2/devices', 404, 'CV_API_UNKNOWN_ROUTE');
  await refused('/api/v1/demo/cut', 404, 'CV_API_UNKNOWN_ROUTE', { method: 'POST' });
  await refused('/', 404, 'CV_CONSOLE_MISSING');
  const answer = await open.ask('/api/v1/devices', { method: 'DELETE' });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get('allow'), 'GET, HEAD');
  await refused('/api/v1/live', 405, 'CV_API_METHOD', { method: 'POST' });
  await refused('/api/v1/devices', 405, 'CV_API_METHOD', { method: 'POST' });
  await refused('/api/v1/devices/%E0%A4%A', 400, 'CV_API_REQUEST');
  await refused(`/api/v1/devices/${'x'.repeat(300)}`, 414, 'CV_API_REQUEST');
});

test('errors speak the language of Accept-Language or of lang', async () => {
  const detail = async (path: string, language?: string) =>
    String(
      (await open.ask(path, language ? { headers: { 'accept-language': language } } : { headers: { 'accept-language': '*' } })).body.detail,
    );
  assert.match(await detail('/api/v1/devices/nobody', 'en-GB,en;q=0.9'), /there is no device/);
  assert.match(await detail('/api/v1/devices/nobody', 'en;q=0.5, zh-CN'), /没有设备/);
  assert.match(await detail('/api/v1/devices/nobody', 'fr'), /没有/);
  assert.match(await detail('/api/v1/devices/nobody?lang=en', 'zh-CN'), /there is no device/);
  assert.match(await detail('/api/v1/devices?limit=0', 'zh-CN'), /[一-鿿]/);
  assert.match(await detail('/api/v1/devices?limit=0', 'en'), /^[ -~]*$/);
});

test('health is 503 with the reason while something keeps the gateway from its work', async () => {
  assert.equal((await open.ask('/healthz')).status, 200);
  gateway.problems = [{ code: 'CV_LOG_FULL', detail: 'log at 1 of 1 bytes', detailZh: '日志已满' }];
  const impaired = await open.ask('/healthz');
  gateway.problems = [];
  assert.equal(impaired.status, 503);
  assert.equal(impaired.body.status, 'impaired');
  assert.match(String((await open.ask('/metrics')).body.text), /cityvitals_points_stored_total 1200/);
});

test('a player gets the part of a file that it asks for; a question that is none gets the whole', async () => {
  const whole = Buffer.from(EXAMPLES.picture.jpegBase64, 'base64');
  const part = async (range: string) => {
    const response = await fetch(new URL(`/api/v1/evidence/${EXAMPLES.snapshot.sha256}`, open.api.url), { headers: { range } });
    return [response.status, response.headers.get('content-range'), Buffer.from(await response.arrayBuffer())];
  };
  const of = (from: number, to: number) => [206, `bytes ${from}-${to}/${whole.length}`, whole.subarray(from, to + 1)];
  assert.deepEqual(await part('bytes=2-5'), of(2, 5));
  assert.deepEqual(await part('bytes=0-'), of(0, whole.length - 1));
  assert.deepEqual(await part('bytes=-3'), of(whole.length - 3, whole.length - 1));
  assert.deepEqual(await part(`bytes=1-${whole.length + 9}`), of(1, whole.length - 1));
  for (const range of [`bytes=${whole.length}-`, 'bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-'])
    assert.deepEqual(await part(range), [200, null, whole], range);
});

test('a file that cannot be decrypted is told with its code: the key is missing, or the file is damaged', async (t) => {
  const { evidence } = gateway.sources;
  t.after(() => { gateway.sources.evidence = evidence; });
  for (const [code, status] of [['CV_AT_REST_KEY', 503], ['CV_AT_REST_DAMAGED', 500]] as const) {
    const read = () => Promise.reject(new FaultError(code, { path: 'a', key: '0123456789abcdef', count: 1, detail: 'd', detailZh: 'd' }));
    gateway.sources.evidence = () => ({ ...evidenceView(Buffer.from('a'), 'image/jpeg', EXAMPLES.device.edge), read });
    const { status: got, body } = await open.ask(`/api/v1/evidence/${EXAMPLES.snapshot.sha256}`);
    assert.deepEqual([got, body.code], [status, code]);
  }
});

test('every answer carries the headers that keep it to itself, and none that opens it to other origins', async () => {
  for (const path of ['/api/v1/devices', '/nowhere', '/api/v1/live']) {
    const stop = new AbortController();
    const response = await fetch(new URL(path, open.api.url), { signal: stop.signal, headers: { origin: 'http://evil.example' } });
    assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('access-control-allow-origin'), null);
    stop.abort();
  }
});

test('bytes that are no HTTP are answered as a problem, and the server goes on', async () => {
  const socket = connect(open.api.port, '127.0.0.1');
  socket.end('\x16\x03\x01garbage\r\n\r\n');
  let text = '';
  socket.on('data', (bytes: Buffer) => { text += bytes.toString(); });
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 400 [^]*CV_API_REQUEST/);
  assert.equal((await open.ask('/healthz')).status, 200);
});

test('a request under a foreign name is refused with what to do: a page cannot make its own name point here', async (t) => {
  const other = await openApi(t, gateway.sources, testWorld(), { hosts: ['gateway.example'] });
  const asked = async (host: string, extra = '', path = '/api/v1/devices'): Promise<string> => {
    const socket = connect(other.api.port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => { text += bytes.toString(); });
    socket.end(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${extra}\r\n`);
    await once(socket, 'close');
    return text;
  };
  for (const path of ['/api/v1/devices', '/', '/healthz', '/nowhere', '/api/v1/live'])
    assert.match(await asked(`evil.example:${other.api.port}`, '', path), /^HTTP\/1\.1 421 [^]*CV_API_HOST[^]*http\.hosts/, path);
  const upgrade =
    'upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n';
  assert.match(await asked('evil.example', upgrade, '/api/v1/devices/a/live-view?ticket=x'), /^HTTP\/1\.1 421 /);
  for (const host of ['gateway.example', `localhost:${other.api.port}`, '10.0.0.9:80'])
    assert.match(await asked(host), /^HTTP\/1\.1 200 /, host);
});

test('an own fault is 500 with its place, and told', async (t) => {
  const broken = memoryGateway();
  broken.sources.devices = () => { throw new TypeError('broken on purpose'); };
  const world = testWorld();
  const other = await openApi(t, broken.sources, world);
  const answer = await other.ask('/api/v1/devices');
  await other.api.close();
  assert.equal(answer.status, 500);
  assert.equal(answer.body.code, 'CV_API_INTERNAL');
  assert.deepEqual(world.told.map((event) => event.kind === 'fault' && event.fault.code), ['CV_API_INTERNAL']);
});

test('a body that nests deeply is refused before it is parsed, whatever it is sent to, and nothing is told as our fault', async (t) => {
  const world = testWorld();
  const { sources } = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  sources.access = new Access({ gateway: 'town-01', isNeeded: false, people: knownBy([ALMIGHTY]) }, world.clock);
  const other = await openApi(t, sources, world);
  const send = (path: string, body: string, method = 'POST') =>
    other.ask(path, { method, headers: { 'content-type': 'application/json', authorization: 'Bearer all' }, body });
  const deep = (depth: number) => `{"token":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  for (const { method, path } of other.api.routes.filter((route) => route.method !== 'GET')) {
    const { status, body } = await send(path.replaceAll(/:\w+/g, 'x'), deep(30_000), method);
    assert.deepEqual(
      [status, body.code, /nested more than 64/.test(String(body.detail))],
      [400, 'CV_API_REQUEST', true],
      `${method} ${path}`,
    );
  }
  for (const body of ['{', '', '{"__proto__":{}}', '{"token":"x","constructor":{"prototype":{}}}'])
    assert.equal((await send('/api/v1/session', body)).status, 400, body);
  assert.equal((await send('/api/v1/session', '{"token":"[[[["}')).body.code, 'CV_API_READ_TOKEN');
  assert.deepEqual(world.told, []);
  await other.api.close();
});

test('a taken port is a fault that names the address', async (t) => {
  await assert.rejects(openApi(t, gateway.sources, testWorld(), { port: open.api.port }), { name: 'CV_API_LISTEN' });
});

test('the demo routes act, but not for a page of another origin', async (t) => {
  const done: string[] = [];
  const press = (button: string) => () => { done.push(button); };
  const demo = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut: press('cut'), kill: press('kill') });
  const other = await openApi(t, demo.sources, testWorld());
  const send = (path: string, origin?: string) => other.ask(path, { method: 'POST', headers: origin ? { origin } : {} });
  assert.equal((await send('/api/v1/demo/cut')).status, 200);
  assert.deepEqual((await send('/api/v1/demo/kill', other.api.url.slice(0, -1))).body, EXAMPLES.demo);
  assert.equal((await send('/api/v1/demo/kill', 'http://evil.example')).body.code, 'CV_API_ORIGIN');
  await other.api.close();
  assert.deepEqual(done, ['cut', 'kill']);
});

test('the demo signs in a browser of its own machine by itself, and nobody for whom a proxy speaks', async (t) => {
  const demo = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  const audit: string[] = [];
  const people = await memoryPeople(testWorld(), {
    audit: { ...NO_AUDIT, append: ({ kind, who, what }) => { audit.push(`${kind} ${who} ${what}`); } },
  });
  const other = await openApi(t, { ...demo.sources, people }, testWorld());
  const signIn = (headers: Record<string, string>) => other.ask('/api/v1/demo/session', { method: 'POST', headers });
  assert.equal((await signIn({})).body.code, 'CV_SIGN_IN_WRONG');
  await people.setUp({ code: (await people.firstLink())?.code ?? '', name: 'demo', password: 'a long enough password' }, '127.0.0.1');
  const { body, headers } = await signIn({});
  assert.deepEqual([body.name, body.grants], ['demo', [{ role: 'administrator', centre: '*' }]]);
  assert.match(headers.getSetCookie().join('\n'), /HttpOnly; SameSite=Strict/);
  assert.equal((await signIn({ 'x-forwarded-for': '203.0.113.7' })).body.code, 'CV_API_READ_TOKEN');
  assert.equal((await signIn({ origin: 'http://evil.example' })).body.code, 'CV_API_ORIGIN');
  await other.api.close();
  assert.deepEqual(audit.filter((line) => line.startsWith('sign_in')), ['sign_in demo demo']);
});
