/** Trust and this box's own certificate: files alone, no server. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { CertificatePurpose, convertPEMtoDER, createSelfSignedCertificate, generatePrivateKey } from 'node-opcua-crypto';
import { explain, FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { ownCertificate, ownCertificatePath, ownCertificates } from './own-certificate.ts';
import { applicationUri } from './in-memory-key.ts';
import { trustServer } from './trust.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const ENDPOINT = 'opc.tcp://10.1.2.3:4840/plant';
let server: Buffer;
let another: Buffer;
before(async () => {
  const make = async (subject: string, ip: string) =>
    convertPEMtoDER(
      (
        await createSelfSignedCertificate({
          privateKey: await generatePrivateKey(2048),
          applicationUri: 'urn:plc',
          subject,
          ip: [ip],
          dns: ['plc.plant'],
          purpose: CertificatePurpose.ForApplication,
          notBefore: new Date(NOW - DAY_MS),
          notAfter: new Date(NOW + 10 * DAY_MS),
        })
      ).cert,
    );
  [server, another] = await Promise.all([make('/CN=PLC 7/../x', '10.1.2.3'), make('/CN=PLC 7', '10.1.2.3')]);
});

async function dirOf(context: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  context.after(remove);
  return dir;
}

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => {
      if (error instanceof FaultError) return error.fault;
      throw error;
    },
  );

test('a stranger goes to rejected/ and says how it is trusted; after the move it is, and only it', async (context: TestContext) => {
  const dir = await dirOf(context);
  const fault = await faultOf(trustServer(server, ENDPOINT, { dir, checkHost: true }, NOW));
  assert.equal(fault?.code, 'CV_OPCUA_CERTIFICATE_UNKNOWN');
  const { message, remedy } = explain(fault, 'en');
  assert.ok(message.includes(new X509Certificate(server).fingerprint) && message.includes('2026-06-11'), message);
  const [, from, to] = /mv (\S+) (\S+) and trust .*own\/certificate\.der at the server$/.exec(remedy) ?? [];
  assert.ok(from?.startsWith(join(dir, 'rejected/PLC-7')), remedy);
  assert.deepEqual(await readFile(from as string), server);
  await rename(from as string, join(to as string, 'plc.der'));
  assert.equal(await faultOf(trustServer(server, ENDPOINT, { dir, checkHost: true }, NOW)), null);
  assert.equal((await faultOf(trustServer(another, ENDPOINT, { dir, checkHost: true }, NOW)))?.code, 'CV_OPCUA_CERTIFICATE_UNKNOWN');
});

test('a trusted one that has expired, is not yet valid, or is for another host is refused, each in its own words', async (context: TestContext) => {
  const dir = await dirOf(context);
  await mkdir(join(dir, 'trusted'));
  await writeFile(join(dir, 'trusted', 'notes.txt'), 'not a certificate');
  await writeFile(join(dir, 'plc.der'), server);
  await symlink(join(dir, 'plc.der'), join(dir, 'trusted', 'plc.der'));
  await symlink(join(dir, 'nowhere'), join(dir, 'trusted', 'gone.der'));
  const check = (endpoint: string, nowMs: number | null, checkHost = true) =>
    faultOf(trustServer(server, endpoint, { dir, checkHost }, nowMs)).then((fault) => fault?.code ?? null);
  assert.equal(await check(ENDPOINT, NOW + 11 * DAY_MS), 'CV_OPCUA_CERTIFICATE_TIME');
  assert.equal(await check(ENDPOINT, NOW - 2 * DAY_MS), 'CV_OPCUA_CERTIFICATE_TIME');
  assert.equal(await check(ENDPOINT, null), null, 'a box that does not know the time judges nobody by it');
  assert.equal(await check('opc.tcp://10.1.2.4:4840', NOW), 'CV_OPCUA_CERTIFICATE_HOST');
  assert.equal(await check('opc.tcp://10.1.2.4:4840', NOW, false), null);
  assert.equal(await check('opc.tcp://PLC.plant', NOW), null);
  assert.equal(
    await faultOf(trustServer(Buffer.from('garbage'), ENDPOINT, { dir, checkHost: true }, NOW)).then((fault) => fault?.code),
    'CV_OPCUA_CERTIFICATE_BROKEN',
  );
});

test('strangers do not fill the disk, and the newest can always be trusted', async (context: TestContext) => {
  const dir = await dirOf(context);
  await mkdir(join(dir, 'rejected'));
  for (let at = 0; at < 150; at += 1) await writeFile(join(dir, 'rejected', `old-${at}.der`), 'x');
  const fault = await faultOf(trustServer(server, ENDPOINT, { dir, checkHost: true }, NOW));
  const [, from] = /mv (\S+)/.exec(String(fault?.params.command)) ?? [];
  assert.deepEqual(await readFile(from as string), server);
  assert.ok((await readdir(join(dir, 'rejected'))).length <= 100);
});

test('a folder that cannot be written, a file that cannot be read is a fault of its own', async (context: TestContext) => {
  const dir = await dirOf(context);
  await writeFile(join(dir, 'file'), '');
  assert.equal(
    (await faultOf(trustServer(server, ENDPOINT, { dir: join(dir, 'file'), checkHost: true }, NOW)))?.code,
    'CV_OPCUA_CERTIFICATE_FOLDER',
  );
  await mkdir(join(dir, 'trusted'));
  await symlink(dir, join(dir, 'trusted', 'plc.der'));
  const unreadable = await faultOf(trustServer(server, ENDPOINT, { dir, checkHost: true }, NOW));
  assert.deepEqual(
    [unreadable?.code, unreadable?.params.dir],
    ['CV_OPCUA_CERTIFICATE_FOLDER', join(dir, 'trusted', 'plc.der')],
    'one that cannot be read trusts nobody, and that is said',
  );
  assert.equal((await faultOf(ownCertificate(join(dir, 'file'), testWorld(new VirtualClock(NOW)))))?.code, 'CV_OPCUA_CERTIFICATE_FOLDER');
});

test('our own is made once, kept, and made anew with the same key before it expires or when it is broken', async (context: TestContext) => {
  const dir = await dirOf(context);
  const world = testWorld(new VirtualClock(NOW));
  const [first, together] = await Promise.all([ownCertificate(dir, world), ownCertificate(dir, world)]);
  assert.deepEqual(first.getCertificate(), together.getCertificate());
  const certificate = new X509Certificate(await readFile(ownCertificatePath(dir)));
  assert.ok(certificate.subjectAltName?.includes(`URI:${applicationUri()}`));
  assert.equal((await stat(join(dir, 'own', 'private-key.pem'))).mode & 0o077, 0, 'nobody else reads the key');
  const at = async (nowMs: number) => (await ownCertificate(dir, testWorld(new VirtualClock(nowMs)))).getCertificate();
  assert.deepEqual(await at(NOW + 1700 * DAY_MS), first.getCertificate());
  const renewed = await at(NOW + 1800 * DAY_MS);
  assert.notDeepEqual(renewed, first.getCertificate());
  assert.ok(new X509Certificate(renewed).publicKey.equals(certificate.publicKey));
  assert.deepEqual(await at(NOW + 1801 * DAY_MS), renewed);
  const offered = async (nowMs: number) =>
    (await ownCertificates(dir, testWorld(new VirtualClock(nowMs)))).map((one) => one.getCertificate());
  assert.deepEqual(await offered(NOW + 1801 * DAY_MS), [renewed, first.getCertificate()], 'servers may know only the old one yet');
  assert.deepEqual(await offered(NOW + 1830 * DAY_MS), [renewed], 'which has ended by now');
  await truncate(ownCertificatePath(dir), 100);
  const again = new X509Certificate(await at(NOW + 1801 * DAY_MS));
  assert.ok(again.publicKey.equals(certificate.publicKey));
  assert.equal(world.told.length, 1);
});
