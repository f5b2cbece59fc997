import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EdgeIdentity } from './identity-folder.ts';
import { authorityDigest, parseCertificates, commonNameOf } from '../../core/certificates.ts';
import { identityFault, identityStatus, knownTime, renewalAt, serverFault } from './judge-identity.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { DAY_MS, testAuthority, YEAR_MS } from './testing/test-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const LIFE = { fromAt: NOW, toAt: NOW + 90 * DAY_MS };
const ours = await testAuthority('centre', { fromAt: NOW, toAt: NOW + 10 * YEAR_MS });
const theirs = await testAuthority('centre', { fromAt: NOW, toAt: NOW + 10 * YEAR_MS });
const trusted = parseCertificates(ours.pem);
const first = (pem: string) => parseCertificates(pem)[0] as ReturnType<typeof parseCertificates>[number];

const { certPem, keyPem } = await ours.edge('pump-07', LIFE);
const identity: EdgeIdentity = {
  dir: '/identity', edge: 'pump-07', keyPem, certificatePem: certPem, certificate: first(certPem), caPem: ours.pem, authorities: trusted,
  enrolment: { v: 1, gateway: 'https://gw.example', broker: 'mqtts://gw.example', centre: '500112001' },
};

test('the life of a certificate: valid, due at two thirds, expired; without a clock nothing is said of its dates', () => {
  const at = (days: number) => identityStatus(identity, NOW + days * DAY_MS).validity;
  assert.deepEqual([-1, 0, 59, 68, 90, 91].map(at), ['not-yet-valid', 'valid', 'valid', 'renewal-due', 'renewal-due', 'expired']);
  assert.equal(identityStatus(identity, null).validity, 'unknown');
  assert.deepEqual(identityStatus(identity, NOW).caDigests, trusted.map(authorityDigest));
  const codes = [NOW, NOW - DAY_MS, NOW + YEAR_MS, null].map((now) => identityFault(identity, 'pump-07', now)?.code);
  assert.deepEqual(codes, [undefined, 'CV_IDENTITY_NOT_YET', 'CV_IDENTITY_EXPIRED', undefined]);
  assert.equal(identityFault(identity, 'pump-08', NOW)?.code, 'CV_IDENTITY_FOREIGN');
});

test('boxes that were enrolled together do not all come on one day', () => {
  const days = [0, 0.5, 0.999].map((chance) => (renewalAt(identity.certificate, chance) - NOW) / DAY_MS);
  assert.deepEqual(days.map(Math.round), [60, 64, 67]);
});

test('a clock that nobody has set says nothing', () => {
  const clock = new VirtualClock(NOW);
  const unset = Object.assign(new VirtualClock(0), { trust: { isTrusted: () => false, jumpedMs: () => 0 } });
  assert.deepEqual([knownTime(clock), knownTime(unset)], [NOW, null]);
});

const server = await ours.server(['gw.example', '10.0.0.5'], LIFE);
const judge = (pem: string, host: string, nowAt: number | null, isVerified = false) =>
  serverFault({ certificate: first(pem), address: `${host}:8883`, host, isVerified }, trusted, nowAt)?.code;

test('a server is taken by its CA, its use, its name and, with a clock that is set, its dates', async () => {
  assert.equal(judge(server.certPem, 'gw.example', NOW), undefined);
  assert.equal(judge(server.certPem, '10.0.0.5', null), undefined);
  assert.equal(judge(server.certPem, '10.0.0.6', NOW), 'CV_SERVER_NAME');
  assert.equal(judge(server.certPem, 'gateway', NOW), 'CV_SERVER_NAME', 'the common name is no name of a host');
  const imitated = await theirs.server(['gw.example'], LIFE);
  assert.equal(judge(imitated.certPem, 'gw.example', NOW), 'CV_SERVER_UNTRUSTED', 'a CA that calls itself ours');
  assert.equal(judge(certPem, 'pump-07', null), 'CV_SERVER_UNTRUSTED', 'the certificate of a box is none of a server');
  for (const isVerified of [true, false]) {
    assert.equal(judge(server.certPem, 'gw.example', NOW + YEAR_MS, isVerified), 'CV_SERVER_DATES');
    assert.equal(judge(server.certPem, 'gw.example', Date.UTC(1970), isVerified), 'CV_SERVER_DATES');
    assert.equal(judge(server.certPem, 'gw.example', null, isVerified), undefined, 'years off, and nobody has set the clock');
  }
});

test('a chain that OpenSSL found counts, and one certificate that is trusted itself', async () => {
  const own = await theirs.server(['gw.example'], LIFE);
  assert.equal(judge(own.certPem, 'gw.example', NOW, true), undefined);
  const pinned = serverFault(
    { certificate: first(own.certPem), address: 'gw.example:8883', host: 'gw.example', isVerified: false }, [first(own.certPem)], null,
  );
  assert.equal(pinned, null);
});

test('a name is one name', () => {
  assert.equal(commonNameOf(first(certPem)), 'pump-07');
  assert.equal(commonNameOf({ subject: 'CN=a\nCN=b' }), null);
  assert.equal(commonNameOf({ subject: 'O=a' }), null);
});
