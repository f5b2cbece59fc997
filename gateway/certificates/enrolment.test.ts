/** A CA on a real disk, boxes that ask it for certificates, and openssl as the judge of what it makes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { authorityDigest } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import type { AuditEntry } from '../people/audit.ts';
import { MemoryJsonRows } from '../sqlite/testing/memory-rows.ts';
import { CertificateAuthority } from './authority.ts';
import { EdgeEnrolment } from './enrolment.ts';
import { CERTIFICATE_TABLES } from './records.ts';
import { signingRequestFor } from './testing/signing-request.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 1);
const CHIEF = { name: 'chief', address: '10.0.0.1' };
const BOX = '10.0.0.7';

const newBox = (curve = 'P-256'): string =>
  generateKeyPairSync('ec', {
    namedCurve: curve,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
const codeOf = (fault: unknown): string => (fault instanceof FaultError ? fault.fault.code : String(fault));
const refusal = (done: Promise<unknown>): Promise<string> => done.then(() => 'done', codeOf);

/** What is made of a certificate that counts. */
const certified = ({ serialNumber }: { serialNumber: string }, centres = ['500112001']) => ({ edge: 'pump-07', centres, serialNumber });

async function opened(t: TestContext, { file = new MemoryJsonRows(CERTIFICATE_TABLES), dir = '' } = {}) {
  const clock = new VirtualClock(NOW);
  const told: TelemetryEvent[] = [];
  const world = { ...testWorld(clock), tell: (event: TelemetryEvent) => void told.push(event) };
  const audit: AuditEntry[] = [];
  const replaced: string[] = [];
  const temp = dir === '' ? await tempDir() : { dir, remove: async () => {} };
  t.after(() => temp.remove());
  const authority = new CertificateAuthority({ dir: join(temp.dir, 'ca'), gateway: 'g', names: ['gateway.example', '10.0.0.5'] }, clock);
  await authority.open();
  const enrolment = new EdgeEnrolment(
    {
      authority, file, lifeMs: 90 * DAY_MS, graceMs: 180 * DAY_MS,
      audit: { append: (entry) => void audit.push(entry) },
      replaced: (before, after) => Promise.resolve(void replaced.push(`${before} → ${after}`)),
    },
    world,
  );
  await enrolment.open();
  t.after(() => enrolment.close());
  const add = (more: object = {}) => enrolment.addCode({ edge: 'pump-07', centres: ['500112001'], forMs: HOUR_MS, ...more }, CHIEF);
  const secretOf = ({ code }: { code: string }): string => code.slice(0, 16);
  const enrol = async (keyPem: string, given: object = {}) =>
    enrolment.enrol({ edge: 'pump-07', code: secretOf(await add()), csr: await signingRequestFor('pump-07', keyPem), ...given }, BOX);
  const renew = async (oldKey: string, certificate: string, newKey: string) => {
    const csr = await signingRequestFor('pump-07', newKey);
    return enrolment.renew({ csr, certificate, signature: sign('sha256', Buffer.from(csr), oldKey).toString('base64') }, BOX);
  };
  const dirs = { dir: join(temp.dir, 'ca'), root: temp.dir };
  return { ...dirs, clock, told, audit, replaced, file, authority, enrolment, add, secretOf, enrol, renew };
}

test('a code gives a certificate that says which edge this is and where; the code names the CA that the gateway shows', async (t) => {
  const { add, secretOf, enrolment, authority } = await opened(t);
  const { code } = await add({ centres: ['500112001', '500112002'] });
  const shown = authority.server().certificatePem.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? [];
  assert.equal(code.slice(16), authorityDigest(new X509Certificate(shown.at(-1) ?? '')));
  const csr = await signingRequestFor('pump-07', newBox());
  const issued = await enrolment.enrol({ edge: 'pump-07', code: secretOf({ code }).toLowerCase(), csr }, BOX);
  const judged = enrolment.judge(new X509Certificate(issued.certificatePem));
  assert.deepEqual(judged, certified(issued, ['500112001', '500112002']));
  assert.deepEqual(enrolment.edges(), [{ edge: 'pump-07', centres: ['500112001', '500112002'] }]);
  assert.equal(enrolment.edges(), enrolment.edges(), 'the same array while nothing changed');
});

test('openssl finds the chain in order, for its use alone, and what was revoked revoked', async (t) => {
  if (spawnSync('openssl', ['version']).error) return t.skip('openssl is not here');
  const { enrol, enrolment, dir, root } = await opened(t);
  const { certificatePem, serialNumber } = await enrol(newBox());
  await writeFile(join(root, 'edge.pem'), certificatePem);
  const at = String(Math.floor(NOW / 1000) + 60);
  const verify = (file: string, purpose: string) =>
    spawnSync(
      'openssl',
      [
        'verify', '-attime', at, '-x509_strict', '-purpose', purpose,
        '-CAfile', join(dir, 'ca.pem'), '-CRLfile', join(dir, 'crl.pem'), '-crl_check', file,
      ],
      { encoding: 'utf8' },
    );
  assert.equal(verify(join(root, 'edge.pem'), 'sslclient').status, 0, verify(join(root, 'edge.pem'), 'sslclient').stderr);
  assert.notEqual(verify(join(root, 'edge.pem'), 'sslserver').status, 0);
  assert.equal(verify(join(dir, 'server.pem'), 'sslserver').status, 0, verify(join(dir, 'server.pem'), 'sslserver').stderr);
  assert.equal((await enrolment.revoke(serialNumber, CHIEF)).length, 1);
  assert.match(verify(join(root, 'edge.pem'), 'sslclient').stderr, /certificate revoked/);
});

test('the same code for the same key is answered alike, also after a restart; for another key never', async (t) => {
  const open = await opened(t);
  const [own, other] = [newBox(), newBox()];
  const code = open.secretOf(await open.add());
  const first = await open.enrol(own, { code });
  assert.equal((await open.enrol(own, { code })).serialNumber, first.serialNumber);
  assert.equal(await refusal(open.enrol(other, { code })), 'CV_ENROLMENT_CODE_USED');
  const again = await opened(t, { file: open.file, dir: open.root });
  const csr = await signingRequestFor('pump-07', own);
  assert.equal((await again.enrolment.enrol({ edge: 'pump-07', code, csr }, BOX)).serialNumber, first.serialNumber);
  assert.deepEqual(again.enrolment.judge(new X509Certificate(first.certificatePem)), certified(first));
  await open.clock.advanceMs(HOUR_MS);
  assert.equal(await refusal(open.enrol(own, { code })), 'CV_ENROLMENT_CODE_UNKNOWN');
});

test('codes: of another edge, in place of nobody, removed, made up; what is no request; guessing is slowed down', async (t) => {
  const { add, secretOf, enrolment, enrol, clock } = await opened(t);
  const own = newBox();
  assert.equal(await refusal(enrol(own, { edge: 'gate-02' })), 'CV_ENROLMENT_CODE_EDGE');
  assert.equal(await refusal(enrol(own, { replaces: 'pump-06' })), 'CV_ENROLMENT_CODE_EDGE');
  const { record, code } = await add();
  assert.equal(await enrolment.removeCode(record.id, CHIEF), true);
  assert.equal(await refusal(enrol(own, { code: secretOf({ code }) })), 'CV_ENROLMENT_CODE_UNKNOWN');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
  const right = await signingRequestFor('pump-07', own);
  const broken = right.replace(/.{4}\n-----END/, 'AAAA\n-----END');
  const forAnother = await signingRequestFor('gate-02', own);
  const otherCurve = await signingRequestFor('pump-07', newBox('P-384'), 'P-384');
  for (const csr of ['', 'x', String(rsa), right.slice(0, 200), broken, 'A'.repeat(1 << 20), forAnother, otherCurve])
    assert.equal(await refusal(enrol(own, { csr })), 'CV_SIGNING_REQUEST', csr.slice(0, 60));
  assert.equal((await enrol(own)).edge, 'pump-07', 'after all that');
  await clock.advanceMs(60_000);
  for (let guess = 0; guess < 30; guess += 1)
    assert.equal(await refusal(enrol(own, { code: `GUESS${guess}` })), 'CV_ENROLMENT_CODE_UNKNOWN');
  assert.equal(await refusal(enrol(own, { code: 'GUESS' })), 'CV_COMMAND_TOO_MANY');
  assert.equal((await enrol(own)).edge, 'pump-07', 'a right one gets in meanwhile');
});

test('renewal by the key of the certificate before; 90 days away are no end, and 181 days after its end are one', async (t) => {
  const { enrol, renew, enrolment, clock, told } = await opened(t);
  const keys = [newBox(), newBox(), newBox(), newBox()] as [string, string, string, string];
  const first = await enrol(keys[0]);
  assert.equal(await refusal(renew(keys[1], first.certificatePem, keys[1])), 'CV_CERTIFICATE_REFUSED', 'signed by another key');
  const second = await renew(keys[0], first.certificatePem, keys[1]);
  assert.equal((await renew(keys[0], first.certificatePem, keys[1])).serialNumber, second.serialNumber);
  assert.equal(second.by, 'renewal');
  await clock.advanceMs(180 * DAY_MS);
  assert.match(JSON.stringify(enrolment.judge(new X509Certificate(second.certificatePem))), /its time has ended/);
  const third = await renew(keys[1], second.certificatePem, keys[2]);
  assert.equal(third.by, 'grace');
  assert.equal(told.filter((event) => event.kind === 'notice').length, 1);
  assert.deepEqual(enrolment.judge(new X509Certificate(third.certificatePem)), certified(third));
  await clock.advanceMs((90 + 181) * DAY_MS);
  assert.equal(await refusal(renew(keys[2], third.certificatePem, keys[3])), 'CV_CERTIFICATE_REFUSED');
  assert.deepEqual(enrolment.certificates(), [], 'what nobody can use is let go');
});

test('what was revoked is refused at once and for ever; another box in its place has its devices', async (t) => {
  const open = await opened(t);
  const { enrol, renew, enrolment, add, secretOf, replaced } = open;
  const [old, fresh] = [newBox(), newBox()];
  const first = await enrol(old);
  const gone: string[] = [];
  enrolment.onRevoked((edge, serialNumber) => void gone.push(`${edge} ${serialNumber}`));
  const code = secretOf(await add({ edge: 'pump-08', replaces: 'pump-07' }));
  const csr = await signingRequestFor('pump-08', fresh);
  await enrolment.enrol({ edge: 'pump-08', code, csr, replaces: 'pump-07' }, BOX);
  assert.deepEqual([replaced, gone], [['pump-07 → pump-08'], [`pump-07 ${first.serialNumber}`]]);
  assert.match(JSON.stringify(enrolment.judge(new X509Certificate(first.certificatePem))), /revoked/);
  assert.deepEqual(enrolment.edges().map(({ edge }) => edge), ['pump-08']);
  assert.deepEqual(['pump-07', 'pump-08'].map((edge) => enrolment.isRevoked(edge)), [true, false]);
  assert.equal(await refusal(renew(old, first.certificatePem, newBox())), 'CV_CERTIFICATE_REFUSED');
  const again = await opened(t, { file: open.file, dir: open.root });
  assert.match(JSON.stringify(again.enrolment.judge(new X509Certificate(first.certificatePem))), /revoked/, 'after a restart too');
});

test('of another CA, of the gateway itself, and a copy of a card that was left behind', async (t) => {
  const { enrol, renew, enrolment, authority, told } = await opened(t);
  const other = await opened(t);
  const stranger = await other.enrol(newBox());
  assert.match(JSON.stringify(enrolment.judge(new X509Certificate(stranger.certificatePem))), /not of our CA/);
  assert.match(JSON.stringify(enrolment.judge(new X509Certificate(authority.server().certificatePem))), /not one of an edge/);
  const [old, fresh] = [newBox(), newBox()];
  const first = await enrol(old);
  const second = await renew(old, first.certificatePem, fresh);
  const copies = () => told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_CERTIFICATE_COPIED').length;
  enrolment.judge(new X509Certificate(first.certificatePem));
  assert.equal(copies(), 0, 'the answer may not have come');
  enrolment.judge(new X509Certificate(second.certificatePem));
  enrolment.judge(new X509Certificate(first.certificatePem));
  assert.equal(copies(), 1);
});

test('one CA takes the place of another: both count, new certificates are of the new one, a new box still knows the gateway', async (t) => {
  const { enrol, renew, enrolment, authority, add } = await opened(t);
  const [old, fresh] = [newBox(), newBox()];
  const first = await enrol(old);
  await authority.replace();
  assert.equal(authority.trusted.length, 2);
  assert.deepEqual(enrolment.judge(new X509Certificate(first.certificatePem)), certified(first));
  const second = new X509Certificate((await renew(old, first.certificatePem, fresh)).certificatePem);
  assert.ok(second.verify((authority.trusted[0] as X509Certificate).publicKey));
  assert.equal(second.verify((authority.trusted[1] as X509Certificate).publicKey), false);
  const shown = authority.server().certificatePem.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? [];
  assert.equal((await add()).code.slice(16), authorityDigest(new X509Certificate(shown.at(-1) ?? '')));
  assert.ok(new X509Certificate(shown[0] ?? '').verify(new X509Certificate(shown.at(-1) ?? '').publicKey));
});

test('keys are for the gateway alone; a lost key is told and never replaced; the gateway renews its own certificate', async (t) => {
  const { dir, authority, clock, enrolment } = await opened(t);
  // What it does each day is done here by hand.
  await enrolment.close();
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  for (const name of await readdir(dir))
    assert.equal((await stat(join(dir, name))).mode & 0o777, name.endsWith('-key.pem') ? 0o600 : 0o644, name);
  const before = authority.server();
  let changes = 0;
  authority.onServerChange(() => { changes += 1; });
  await clock.advanceMs(100 * DAY_MS);
  await authority.refresh([]);
  assert.deepEqual([authority.server(), changes], [before, 0]);
  await clock.advanceMs(200 * DAY_MS);
  await authority.refresh([]);
  assert.notDeepEqual(authority.server(), before);
  assert.equal(changes, 1);
  const kept = await readFile(join(dir, 'ca-key.pem'), 'utf8');
  const reopened = () => new CertificateAuthority({ dir, gateway: 'g', names: [] }, clock).open();
  await rm(join(dir, 'ca.pem'));
  await reopened();
  await rm(join(dir, 'ca-key.pem'));
  await assert.rejects(reopened(), (error: unknown) => codeOf(error) === 'CV_AUTHORITY_UNUSABLE');
  await writeFile(join(dir, 'ca-key.pem'), newBox() + kept.slice(kept.indexOf('-----BEGIN CERTIFICATE')));
  await assert.rejects(reopened(), (error: unknown) => codeOf(error) === 'CV_AUTHORITY_UNUSABLE');
});

test('no secret of a code is kept, told or audited; where nothing can be saved nothing is given out', async (t) => {
  const { add, secretOf, enrol, file, told, audit } = await opened(t);
  const code = secretOf(await add());
  await enrol(newBox(), { code });
  await refusal(enrol(newBox(), { code }));
  const all = JSON.stringify([[...file.rows.values()].map((rows) => [...rows]), told, audit]);
  assert.equal(all.includes(code), false);
  assert.ok(all.includes(createHash('sha256').update(code).digest('base64url')));
  file.isFull = true;
  assert.equal(await refusal(add()), 'CV_CERTIFICATES_UNSAVED');
});
