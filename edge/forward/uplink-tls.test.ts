/** The uplink over TLS before a real broker: with an identity, with a token, and before those who only look like the gateway. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { until } from '../../core/testing/until.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import { nextKey, replaceIdentity } from '../identity/identity-folder.ts';
import { signingRequest } from '../identity/signing-request.ts';
import { uplinkTls } from '../identity/uplink-tls.ts';
import { MemoryFiles } from '../identity/testing/memory-files.ts';
import { DAY_MS, testAuthority, YEAR_MS, type TestServer } from '../identity/testing/test-authority.ts';
import { TlsBroker } from '../identity/testing/tls-broker.ts';
import { Uplink } from './uplink.ts';

const EDGE = 'pump-07';
const CENTRE = '500112001';
const NOW = Date.UTC(2026, 5, 1);
const DIR = '/identity';
const CA_LIFE = { fromAt: NOW - YEAR_MS, toAt: NOW + 10 * YEAR_MS };
const PAST = { fromAt: NOW - YEAR_MS, toAt: NOW - DAY_MS };
const LIFE = { fromAt: NOW - DAY_MS, toAt: NOW + 90 * DAY_MS };
const authority = await testAuthority('centre', CA_LIFE);
const impostor = await testAuthority('centre', CA_LIFE);
const shows = await authority.server(['127.0.0.1'], LIFE);

async function enrolled(edge = EDGE, life = LIFE): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const csr = await signingRequest(edge, await nextKey(DIR, files));
  const enrolment = { gateway: 'https://127.0.0.1:1', broker: 'mqtts://127.0.0.1:1', centre: CENTRE };
  const issued = { certificatePem: await authority.issue(csr, edge, life), caPem: authority.pem, commandKeyPem: null, enrolment };
  await replaceIdentity(DIR, issued, files);
  return files;
}

interface Wish {
  files?: MemoryFiles;
  gateway?: { identity?: string; ca?: string };
  shows?: TestServer;
  clock?: VirtualClock;
  token?: string | null;
}

async function bench(t: TestContext, wish: Wish = {}) {
  const world = testWorld(wish.clock ?? new VirtualClock(NOW));
  const broker = await TlsBroker.open({ shows: wish.shows ?? shows, ca: authority.pem, nowMs: () => NOW });
  const files = wish.files ?? (await enrolled());
  const gateway = wish.gateway ?? { identity: DIR };
  const ups: string[] = [];
  const uplink = new Uplink(
    {
      urls: [broker.url], clientId: `cv-${EDGE}`, username: EDGE, password: wish.token ?? null,
      stateTopic: edgeTopic(CENTRE, EDGE, 'state'),
      ackTopic: edgeTopic(CENTRE, EDGE, 'ack'), commandTopic: edgeTopic(CENTRE, EDGE, 'cmd'), offline: 'offline',
      tls: () => uplinkTls({ edge: EDGE, gateway }, files, world.clock),
    },
    { up: (address) => { ups.push(address); }, message: () => {}, drained: () => {}, down: () => {} },
    world,
  );
  t.after(async () => {
    await broker.close();
    await uplink.close();
  });
  uplink.open();
  const faults = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  return { uplink, broker, world, ups, faults, files };
}

test('with its identity an edge needs no token', async (t) => {
  const { broker, ups } = await bench(t);
  await until(() => ups.length > 0);
  assert.deepEqual([ups, broker.logins], [[broker.url], [[EDGE, null]]]);
  assert.notEqual(broker.arrivals[0], '');
});

test('a token is a second way: without an identity, to a gateway whose CA is given', async (t) => {
  const files = new MemoryFiles();
  files.texts.set('/ca.pem', authority.pem);
  const { broker, ups } = await bench(t, { files, gateway: { ca: '/ca.pem' }, token: 'secret' });
  broker.needsCertificate = false;
  await until(() => ups.length > 0);
  assert.deepEqual([broker.logins, broker.arrivals.at(-1)], [[[EDGE, 'secret']], '']);
});

for (const [what, code, more] of [
  ['of another CA that calls itself the same', 'CV_SERVER_UNTRUSTED', async () => ({ shows: await impostor.server(['127.0.0.1'], LIFE) })],
  ['that is a box of the same centre', 'CV_SERVER_UNTRUSTED', async () => ({ shows: await authority.edge('127.0.0.1', LIFE) })],
  ['for other names', 'CV_SERVER_NAME', async () => ({ shows: await authority.server(['10.0.0.5'], LIFE) })],
  ['that expired', 'CV_SERVER_DATES', async () => ({ shows: await authority.server(['127.0.0.1'], PAST) })],
] as const) {
  test(`a server ${what} is told, and gets not a byte: no name and no token`, async (t) => {
    const { broker, faults, ups } = await bench(t, { ...(await more()), token: 'secret' });
    await until(() => faults().length > 0 && broker.connections === 0);
    assert.deepEqual([faults()[0]?.code, broker.bytes, broker.logins, ups], [code, 0, [], []]);
    assert.doesNotMatch(JSON.stringify(faults()), /secret|PRIVATE/);
  });
}

test('without identity and CA the CAs of Node count: a gateway with its own CA is not trusted', async (t) => {
  // Node goes by the machine's clock.
  const always = await authority.server(['127.0.0.1'], { fromAt: Date.UTC(2001), toAt: Date.UTC(2099) });
  const { broker, faults } = await bench(t, { gateway: {}, token: 'secret', shows: always });
  await until(() => faults().length > 0 && broker.connections === 0);
  assert.deepEqual([faults()[0]?.code, broker.bytes], ['CV_SERVER_UNTRUSTED', 0]);
});

test('a box without a battery, years off and set by nobody, connects; one that believes its clock does not', async (t) => {
  for (const years of [-40, 40]) {
    const clock = Object.assign(new VirtualClock(NOW + years * YEAR_MS), { trust: { isTrusted: () => false, jumpedMs: () => 0 } });
    const { ups } = await bench(t, { clock });
    await until(() => ups.length > 0);
    const { faults, broker } = await bench(t, { clock: new VirtualClock(NOW + years * YEAR_MS) });
    await until(() => faults().length > 0);
    assert.deepEqual([faults()[0]?.code, broker.bytes], ['CV_SERVER_DATES', 0]);
  }
});

test('our own certificate, refused: what is wrong with it is told in place of a connection that is gone', async (t) => {
  const files = await enrolled(EDGE, { fromAt: NOW - YEAR_MS, toAt: NOW - 90 * DAY_MS });
  const { faults } = await bench(t, { files });
  await until(() => faults().length > 0);
  assert.deepEqual([faults()[0]?.code, faults()[0]?.params.day], ['CV_IDENTITY_EXPIRED', '2026-03-03']);
});

test('the identity of another edge is shown to nobody; none at all is told, and taken as soon as it is there', async (t) => {
  const copied = await bench(t, { files: await enrolled('pump-06') });
  await until(() => copied.faults().length > 0);
  assert.deepEqual([copied.faults()[0]?.code, copied.broker.arrivals], ['CV_IDENTITY_FOREIGN', []]);

  const none = await bench(t, { files: new MemoryFiles() });
  await until(() => none.faults().length > 0);
  assert.equal(none.faults()[0]?.code, 'CV_IDENTITY_MISSING');
  for (const [path, text] of (await enrolled()).texts) none.files.texts.set(path, text);
  await until(async () => {
    await none.world.clock.advanceMs(1000);
    return none.ups.length > 0;
  });
  assert.deepEqual(none.world.told.at(-2), { kind: 'fault_cleared', code: 'CV_IDENTITY_MISSING' });
});

test('closed while TLS is being spoken, and while nobody answers', async (t) => {
  const { broker, uplink } = await bench(t);
  await uplink.close();
  assert.equal(uplink.isUp, false);
  await until(() => broker.connections === 0);
});
