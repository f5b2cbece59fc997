/** A certificate through years of virtual time, against a server that keeps to the contract. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { until } from '../../core/testing/until.ts';
import { validityOf } from '../../core/certificates.ts';
import { enrol } from './enrol.ts';
import { readEdgeIdentity } from './identity-folder.ts';
import { IdentityRenewal } from './identity-renewal.ts';
import { EnrolmentServer } from './testing/enrolment-server.ts';
import { MemoryFiles, PowerCut } from './testing/memory-files.ts';
import { DAY_MS, testAuthority, YEAR_MS } from './testing/test-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const DIR = '/identity';
const LIFE = { fromAt: NOW - DAY_MS, toAt: NOW + 10 * YEAR_MS };
const authority = await testAuthority('centre', LIFE);
const shows = await authority.server(['127.0.0.1'], LIFE);

interface Wish {
  isTrusted?: () => boolean;
  /** What the box's clock shows at the beginning. */
  boxAt?: number;
}

/** An edge that was enrolled for 90 days, and is on line. The gateway's clock goes as the box's elapsed time does. */
async function bench(t: TestContext, { isTrusted = () => true, boxAt = NOW }: Wish = {}) {
  const clock = Object.assign(new VirtualClock(boxAt), { trust: { isTrusted, jumpedMs: () => 0 } });
  const world = testWorld(clock);
  const server = await EnrolmentServer.open({ authority, shows, nowMs: () => NOW + clock.nowMs() - boxAt });
  const files = new MemoryFiles();
  await enrol({ gateway: new URL(server.url), code: server.code('pump-07'), edge: 'pump-07', dir: DIR }, files, clock);
  let reconnects = 0;
  const renewal = new IdentityRenewal(
    { edge: 'pump-07', gateway: { identity: DIR }, files, reconnect: () => { reconnects += 1; } },
    world,
  );
  t.after(async () => {
    await renewal.close();
    await server.close();
  });
  const read = () => readEdgeIdentity(DIR, files);
  renewal.shown(await read());
  renewal.uplinkChanged(true);
  const asked = () => server.requests.filter(({ path }) => path.endsWith('/renewal')).length;
  const faults = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  const passes = (ms: number) => clock.advanceMs(ms);
  return { clock, world, server, files, renewal, read, asked, faults, passes, reconnects: () => reconnects };
}

test('renewed at two thirds of its life and not before, with a new key, asked for by the old one', async (t) => {
  const { renewal, read, asked, passes, reconnects, files } = await bench(t);
  const before = await read();
  await passes(59 * DAY_MS);
  await renewal.look();
  assert.equal(asked(), 0);
  await passes(9 * DAY_MS);
  await renewal.look();
  const after = await read();
  assert.equal(asked(), 1);
  assert.notEqual(after.keyPem, before.keyPem);
  assert.equal(validityOf(after.certificate).notAfterAt - NOW, (68 + 90) * DAY_MS);
  assert.ok(![...files.texts.keys()].some((path) => path.includes('next-')));
  await renewal.look();
  assert.deepEqual([asked(), reconnects()], [1, 0], 'the connection goes on with the old one, as long as that is valid');
});

test('a connection that lasts is made anew before the old certificate ends; one that was made anew meanwhile is left alone', async (t) => {
  for (const isNew of [false, true]) {
    const { renewal, passes, reconnects, read } = await bench(t);
    await passes(68 * DAY_MS);
    await renewal.look();
    if (isNew) renewal.shown(await read());
    await passes(15 * DAY_MS);
    await renewal.look();
    assert.equal(reconnects(), 0);
    await passes(4 * DAY_MS);
    await renewal.look();
    renewal.shown(await read());
    await renewal.look();
    assert.equal(reconnects(), isNew ? 0 : 1);
  }
});

test('by itself: it looks again and again, and tells when it was renewed', async (t) => {
  const { renewal, read, passes, world, clock } = await bench(t);
  await passes(68 * DAY_MS);
  await renewal.open();
  renewal.uplinkChanged(true);
  await passes(60_000);
  await until(async () => {
    await clock.advanceMs(0);
    return validityOf((await read()).certificate).notBeforeAt > NOW;
  });
  await renewal.look();
  assert.ok(world.told.some((event) => event.kind === 'notice' && event.en.startsWith('certificate renewed, valid until 2026-')));
});

for (const [what, isTrusted, boxAt] of [
  ['with a clock that is set', () => true, NOW],
  ['without a battery, thirty years behind', () => false, NOW - 30 * YEAR_MS],
] as const) {
  test(`90 days away with a certificate that ended, ${what}: comes back by itself`, async (t) => {
    const { renewal, read, asked, passes } = await bench(t, { isTrusted, boxAt });
    renewal.uplinkChanged(false);
    await passes(180 * DAY_MS);
    await renewal.look();
    assert.equal(asked(), 1);
    assert.equal(validityOf((await read()).certificate).notBeforeAt, NOW + 180 * DAY_MS);
  });
}

test('without a clock, an uplink that is there is no reason to ask', async (t) => {
  const { renewal, asked, passes } = await bench(t, { isTrusted: () => false });
  await passes(180 * DAY_MS);
  await renewal.look();
  renewal.uplinkChanged(false);
  await renewal.look();
  assert.equal(asked(), 0, 'nor one that has just gone');
  await passes(120_000);
  await renewal.look();
  assert.equal(asked(), 1);
});

test('refused: told with the reason, asked again more and more seldom, and cleared when it succeeds', async (t) => {
  const { renewal, server, asked, faults, passes, world, read } = await bench(t);
  server.revoked.add('pump-07');
  await passes(80 * DAY_MS);
  const before = await read();
  await renewal.look();
  await renewal.look();
  assert.equal(asked(), 1);
  assert.deepEqual([faults()[0]?.code, faults()[0]?.params.detail], ['CV_RENEWAL_FAILED', 'TEST_REVOKED pump-07 is revoked']);
  for (let hour = 0; hour < 48; hour += 1) {
    await passes(3_600_000);
    await renewal.look();
  }
  assert.ok(asked() > 8 && asked() < 30, String(asked()));
  assert.equal((await read()).certificatePem, before.certificatePem);
  server.revoked.clear();
  await passes(7 * 3_600_000);
  await renewal.look();
  assert.ok(world.told.some((event) => event.kind === 'fault_cleared' && event.code === 'CV_RENEWAL_FAILED'));
});

test('a clock that is wrong for good costs one request a day, not one a minute', async (t) => {
  const { renewal, asked, passes, clock } = await bench(t, { boxAt: NOW + 5 * YEAR_MS });
  for (let minute = 0; minute < 100; minute += 1) {
    await passes(60_000);
    await renewal.look();
  }
  assert.equal(asked(), 1);
  await clock.advanceMs(DAY_MS);
  await renewal.look();
  assert.equal(asked(), 2);
});

test('the CA is replaced: old and new count while the gateway hands out both, then the new one alone', async (t) => {
  const { renewal, server, read, passes, faults, asked } = await bench(t);
  const next = await testAuthority('centre of the next years', LIFE);
  const nextShows = await next.server(['127.0.0.1'], LIFE);
  server.authority = next;
  server.ca = authority.pem + next.pem;
  await passes(68 * DAY_MS);
  await renewal.look();
  assert.equal((await read()).authorities.length, 2);
  server.show(nextShows);
  server.ca = next.pem;
  await passes(68 * DAY_MS);
  await renewal.look();
  assert.deepEqual([(await read()).caPem, faults()], [next.pem, []]);
  server.show(shows);
  await passes(68 * DAY_MS);
  await renewal.look();
  assert.deepEqual([asked(), faults()[0]?.code], [2, 'CV_RENEWAL_FAILED']);
  assert.match(String(faults()[0]?.params.detail), /CV_SERVER_UNTRUSTED/);
});

test('health says what the identity is worth, or what is wrong with it', async (t) => {
  const { renewal, files, passes, server } = await bench(t);
  const worthAfter = async (ms: number) => {
    await passes(ms);
    await renewal.look();
    const { status } = renewal;
    return status && ('code' in status ? status.code : status.validity);
  };
  assert.equal(renewal.status, null);
  assert.equal(await worthAfter(0), 'valid');
  server.answerWith = () => 'hang up';
  assert.equal(await worthAfter(68 * DAY_MS), 'renewal-due');
  assert.equal(await worthAfter(60 * DAY_MS), 'CV_IDENTITY_EXPIRED');
  files.texts.delete(`${DIR}/key.pem`);
  assert.equal(await worthAfter(DAY_MS), 'CV_IDENTITY_MISSING');
});

test('a folder that cannot be written is told when the edge starts, and not when its certificate ends', async (t) => {
  const { renewal, files, faults } = await bench(t);
  files.makeFolder = () => Promise.reject(Object.assign(new Error('read-only file system'), { code: 'EROFS' }));
  await renewal.open();
  assert.deepEqual(faults(), [{ code: 'CV_IDENTITY_FOLDER', params: { dir: DIR, detail: 'EROFS' } }]);
});

test('a power cut at any step of a renewal: the old certificate or the new one, and it is renewed in the end', async (t) => {
  const { renewal, files, read, passes, server } = await bench(t);
  await passes(68 * DAY_MS);
  const before = new Map(files.texts);
  const from = files.steps;
  await renewal.look();
  const steps = files.steps - from;
  assert.ok(steps > 8);
  for (let step = 1; step <= steps; step += 1) {
    files.texts.clear();
    for (const [path, text] of before) files.texts.set(path, text);
    Object.assign(files, { steps: 0, cutAtStep: step, cutIsAfter: step % 2 === 0 });
    const world = testWorld(new VirtualClock(NOW + 68 * DAY_MS));
    const parts = { edge: 'pump-07', gateway: { identity: DIR }, files, reconnect: () => {} };
    await new IdentityRenewal(parts, world).look();
    const isCut = world.told.some((event) => event.kind === 'fault' && event.fault.params.detail === new PowerCut().message);
    assert.ok(isCut, `step ${step}`);
    await read();
    files.cutAtStep = 0;
    const again = new IdentityRenewal(parts, world);
    await again.open();
    await again.look();
    await again.close();
    assert.ok(validityOf((await read()).certificate).notBeforeAt > NOW, `step ${step}`);
  }
  assert.ok(server.requests.length > steps);
});
