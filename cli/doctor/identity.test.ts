import assert from 'node:assert/strict';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { nextKey, replaceIdentity } from '../../edge/identity/identity-folder.ts';
import { authorityDigest, parseCertificates } from '../../core/certificates.ts';
import { realIdentityFiles } from '../../edge/identity/real-identity-files.ts';
import { signingRequest } from '../../edge/identity/signing-request.ts';
import { testAuthority } from '../../edge/identity/testing/test-authority.ts';
import { TlsBroker } from '../../edge/identity/testing/tls-broker.ts';
import { checkGatewayAccess } from './connectivity.ts';
import { checkIdentity } from './identity.ts';

/** Valid by whatever the machine's clock shows. */
const ALWAYS = { fromAt: Date.UTC(2001), toAt: Date.UTC(2099) };
const authority = await testAuthority('centre', ALWAYS);

async function identityIn(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const csr = await signingRequest('pump-07', await nextKey(dir, realIdentityFiles));
  const certificatePem = await authority.issue(csr, 'pump-07', { fromAt: Date.UTC(2026, 0, 1), toAt: Date.UTC(2098, 0, 1) });
  const enrolment = { gateway: 'https://127.0.0.1:1', broker: 'mqtts://127.0.0.1:1', centre: '500112001' };
  await replaceIdentity(dir, { certificatePem, caPem: authority.pem, commandKeyPem: null, enrolment }, realIdentityFiles);
  return dir;
}

const setupOf = (urls: string[], identity: string, edge = 'pump-07') => ({ edge, gateway: { urls, token: null, identity } });
const codes = (findings: readonly { fault?: { code: string } }[]) => findings.map(({ fault }) => fault?.code ?? 'ok');

test('an identity is shown with its end and the digest of its CA, in both languages', async (t) => {
  const dir = await identityIn(t);
  const [found] = await checkIdentity(setupOf([], dir), new VirtualClock(Date.UTC(2027, 0, 1)));
  const digest = authorityDigest(parseCertificates(authority.pem)[0] as never);
  assert.deepEqual(found?.text, {
    en: `identity of pump-07, valid until 2098-01-01 · CA ${digest}`,
    zh: `身份 pump-07，有效期至 2098-01-01 · CA ${digest}`,
  });
  assert.deepEqual(await checkIdentity({ edge: 'pump-07', gateway: { urls: [], token: null } }), []);
});

test('what is wrong is named: the edge, the end, a clock that is behind, a key that others read, files that are not there', async (t) => {
  const dir = await identityIn(t);
  const at = (year: number) => new VirtualClock(Date.UTC(year, 0, 2));
  assert.deepEqual(codes(await checkIdentity(setupOf([], dir, 'pump-08'), at(2027))), ['CV_IDENTITY_FOREIGN']);
  assert.deepEqual(codes(await checkIdentity(setupOf([], dir), at(2098))), ['CV_IDENTITY_EXPIRED']);
  assert.deepEqual(codes(await checkIdentity(setupOf([], dir), at(2020))), ['CV_IDENTITY_NOT_YET']);
  await chmod(join(dir, 'key.pem'), 0o644);
  const [, exposed] = await checkIdentity(setupOf([], dir), at(2027));
  assert.deepEqual(exposed?.fault, { code: 'CV_IDENTITY_EXPOSED', params: { path: join(dir, 'key.pem'), mode: '644' } });
  await writeFile(join(dir, 'ca.pem'), 'none');
  assert.deepEqual(codes(await checkIdentity(setupOf([], dir), at(2027))), ['CV_IDENTITY_UNREADABLE']);
  await rm(join(dir, 'key.pem'));
  assert.deepEqual(codes(await checkIdentity(setupOf([], dir), at(2027))), ['CV_IDENTITY_MISSING']);
});

test('the doctor logs in with the identity, and names a gateway that is none of ours', async (t) => {
  const dir = await identityIn(t);
  const broker = await TlsBroker.open({
    shows: await authority.server(['127.0.0.1'], ALWAYS), ca: authority.pem, nowMs: () => Date.UTC(2027, 0, 1),
  });
  t.after(() => broker.close());
  const check = (url: string) => checkGatewayAccess(setupOf([url], dir) as never, false);
  assert.deepEqual(codes(await check(broker.url)), ['ok']);
  assert.deepEqual(broker.logins, [['pump-07', null]]);
  const impostor = await testAuthority('centre', ALWAYS);
  broker.show(await impostor.server(['127.0.0.1'], ALWAYS));
  assert.deepEqual(codes(await check(broker.url)), ['CV_SERVER_UNTRUSTED']);
  broker.show(await authority.server(['127.0.0.1'], ALWAYS));
  broker.options.ca = impostor.pem;
  assert.deepEqual(codes(await check(broker.url)), ['CV_DOCTOR_GATEWAY']);
});
