/** What an installer writes and what a server says: settings, certificates, faults and nodes, each by its own word. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { CertificatePurpose, createSelfSignedCertificate, generatePrivateKey } from 'node-opcua-crypto';
import { AttributeIds, DataType, StatusCodes, Variant, VariantArrayType } from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld, VirtualClock } from '../../core/testing/virtual-clock.ts';
import { userIdentity, sessionFault } from './client.ts';
import driver from './driver.ts';
import { ownCertificate, ownCertificatePath, ownCertificates } from './own-certificate.ts';
import { applicationUri } from './in-memory-key.ts';
import type { RawSession } from './raw-session.ts';
import { point, settings } from './settings.ts';
import { statusText } from './status.ts';
import { certificateDetails, hostOf, trustServer } from './trust.ts';
import { resolveNode } from './value.ts';
import { exchangeValue, write } from './write.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const BASE = { endpoint: 'opc.tcp://plc:4840', security: 'none' };

let privateKey: Awaited<ReturnType<typeof generatePrivateKey>>;
before(async () => {
  privateKey = await generatePrivateKey(2048);
});
const make = async (subject: string, more: { dns?: string[]; ip?: string[]; applicationUri?: string } = {}) =>
  Buffer.from(
    new X509Certificate(
      (
        await createSelfSignedCertificate({
          privateKey,
          applicationUri: 'urn:plc',
          subject,
          purpose: CertificatePurpose.ForApplication,
          notBefore: new Date(NOW - DAY_MS),
          notAfter: new Date(NOW + 10 * DAY_MS),
          ...more,
        })
      ).cert,
    ).raw,
  );

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

test('settings: what is left out, and what is refused, by its key', () => {
  assert.deepEqual(settings.parse(BASE), {
    ...BASE,
    certificates: { dir: './data/opcua-certificates', checkHost: true },
    mode: 'subscribe',
    publishEvery: 1000,
    sampleEvery: 1000,
    queueSize: 10,
    holdFor: 60_000,
  });
  assert.deepEqual(settings.parse({ ...BASE, security: { policy: 'Basic256Sha256' } }).security, {
    policy: 'Basic256Sha256',
    mode: 'SignAndEncrypt',
  });
  const keys = (more: object) => settings.safeParse({ ...BASE, ...more }).error?.issues.map(({ path }) => path.join('.')) ?? [];
  for (const endpoint of ['opc.tcp://h', 'opc.tcp://10.1.2.3:4840', 'opc.tcp://h:1/path/x', 'opc.tcp://[fe80::1]:4840'])
    assert.deepEqual(keys({ endpoint }), [], endpoint);
  for (const endpoint of ['', 'h:4840', 'opc.tcp://', 'http://h', 'opc.tcp://h/a b', ' opc.tcp://h'])
    assert.deepEqual(keys({ endpoint }), ['endpoint'], endpoint);
  for (const policy of ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'])
    for (const mode of ['Sign', 'SignAndEncrypt']) assert.deepEqual(keys({ security: { policy, mode } }), []);
  for (const [key, good, bad] of [
    ['publishEvery', ['0ms', '1d'], ['25h', 'x']],
    ['sampleEvery', ['0ms', '1d'], ['25h']],
    ['queueSize', [1, 10_000], [0, 10_001, 1.5]],
    ['mode', ['poll', 'subscribe'], ['read']],
    ['holdFor', ['0ms', 'forever'], ['x']],
  ] as const) {
    for (const value of good) assert.deepEqual(keys({ [key]: value }), [], `${key} ${value}`);
    for (const value of bad) assert.deepEqual(keys({ [key]: value }), [key], `${key} ${value}`);
  }
  const said = (more: object) =>
    settings
      .safeParse({ ...BASE, ...more })
      .error?.issues.map((issue) => [issue.message, (issue as { params?: { zh?: string } }).params?.zh]);
  assert.deepEqual(said({ publishEvery: '25h' }), [['must be at most 1d', '不能超过 1d']]);
  assert.deepEqual(said({ user: 'u', password: 'p' }), [
    [
      'a password is never sent with security none: give security a policy and a mode',
      '不在 security: none 上传送密码：请为 security 写明策略与方式',
    ],
  ]);
  assert.deepEqual(said({ security: { policy: 'Basic256Sha256' }, user: 'u' }), [['a user needs a password', '有用户名时需要密码']]);
  assert.deepEqual(said({ password: 'p' }), [['a password needs a user', '有密码时需要用户名']]);
});

test('points: a node in each of its forms, a place in an array, deadbands', () => {
  const of = (value: object) => point.safeParse({ node: 'i=1', ...value }).error?.issues.map(({ path }) => path.join('.')) ?? [];
  for (const node of ['i=2258', 's=x', 'ns=2;s=a;b=c', 'nsu=urn:x;g=1', 'ns=0;b=AA==']) assert.deepEqual(of({ node }), [], node);
  for (const node of ['', 'x', 'ns=2;x=1', 'nsu=;s=x', 'ns=a;s=x', 's=']) assert.deepEqual(of({ node }), ['node'], node);
  for (const good of [
    { index: 0 },
    { queueSize: 1 },
    { queueSize: 10_000 },
    { sampleEvery: '1d' },
    { serverDeadband: 0.1 },
    { serverDeadband: { percent: 100 } },
  ])
    assert.deepEqual(of(good), [], JSON.stringify(good));
  for (const bad of [{ index: -1 }, { index: 0.5 }, { queueSize: 0 }, { queueSize: 10_001 }, { sampleEvery: '25h' }])
    assert.deepEqual(of(bad), Object.keys(bad));
  for (const serverDeadband of [0, -1, { percent: 0 }, { percent: 101 }, {}, 'x'])
    assert.equal(of({ serverDeadband }).length > 0, true, JSON.stringify(serverDeadband));
  assert.equal(resolveNode('nsu=urn:a;s=x;y', ['urn:a']), 'ns=0;s=x;y');
});

test('an address alone is an endpoint without security; a recording is of frames', () => {
  assert.deepEqual(driver.settingsOfAddress?.('10.0.0.1:4840'), { endpoint: 'opc.tcp://10.0.0.1:4840', security: 'none' });
  assert.deepEqual(driver.settingsOfAddress?.('opc.tcp://h:1/x'), { endpoint: 'opc.tcp://h:1/x', security: 'none' });
  assert.deepEqual(
    [driver.id, driver.traits, driver.reportsChanges, driver.recording?.level, driver.frameReader?.level],
    ['opcua', ['listens', 'probes', 'writes', 'discovers'], true, 'frames', 'frames'],
  );
  assert.deepEqual([statusText(0), statusText(0x80340000), statusText(-1)], ['0x00000000', '0x80340000', '0xffffffff']);
});

test('why there is no session: the user, our certificate, or the server\'s own word', () => {
  const set = settings.parse({ ...BASE, security: { policy: 'Basic256Sha256' }, certificates: { dir: '/certificates' } });
  const of = (error: unknown) =>
    (({ code, params }) => [code, params.status ?? params.detail, params.certificate])(sessionFault(error, set).fault);
  const answered = (name: keyof typeof StatusCodes) => Object.assign(new Error('x'), { statusCode: StatusCodes[name] });
  for (const name of [
    'BadIdentityTokenRejected',
    'BadIdentityTokenInvalid',
    'BadUserAccessDenied',
    'BadUserSignatureInvalid',
    'BadLicenseExpired',
  ] as const)
    assert.deepEqual(of(answered(name)), ['CV_OPCUA_LOGIN', name, undefined]);
  for (const name of [
    'BadSecurityChecksFailed',
    'BadCertificateUntrusted',
    'BadCertificateTimeInvalid',
    'BadCertificateInvalid',
    'BadCertificateUriInvalid',
    'BadCertificateUseNotAllowed',
    'BadCertificateChainIncomplete',
    'BadCertificateIssuerUseNotAllowed',
  ] as const)
    assert.deepEqual(of(answered(name)), ['CV_OPCUA_UNTRUSTED_THERE', name, '/certificates/own/certificate.der']);
  assert.deepEqual(of(answered('BadTooManySessions')), ['CV_OPCUA_SESSION', 'BadTooManySessions', undefined]);
  assert.deepEqual(of(new Error(`a\n  b${'c'.repeat(300)}`)), ['CV_OPCUA_SESSION', `a b${'c'.repeat(197)}`, undefined]);
  assert.deepEqual(of('odd'), ['CV_OPCUA_SESSION', 'odd', undefined]);
  const own = new FaultError('CV_LINK_CLOSED', { address: 'x', detail: 'y' });
  assert.equal(sessionFault(own, set), own);
  assert.deepEqual(
    [userIdentity(set), userIdentity({ ...set, user: 'u', password: 'p' }), userIdentity({ ...set, user: 'u' })],
    [{ type: 0 }, { type: 1, userName: 'u', password: 'p' }, { type: 1, userName: 'u', password: '' }],
  );
});

test('strangers are kept under their names, the newest hundred; a path with blanks is quoted', async (context: TestContext) => {
  const dir = join(await dirOf(context), "it's here");
  const check = (der: Buffer) => faultOf(trustServer(der, 'opc.tcp://10.1.2.3:4840', { dir, checkHost: true }, NOW));
  const fault = await check(await make(`/CN=${'Ü p'.repeat(20)}${'x'.repeat(30)}`));
  assert.match(String(fault?.params.command), /^mv '\/[^']*it'\\''s here\/rejected\/[^ ]+\.der' '\/[^']*it'\\''s here\/trusted'\/$/);
  const [name] = await readdir(join(dir, 'rejected'));
  assert.match(name ?? '', /^.{60}-[0-9a-f]{40}\.der$/u);
  const nameless = await check(await make('/O=nobody'));
  assert.match(String(nameless?.params.command), /rejected\/server-[0-9a-f]{40}\.der/);
  assert.deepEqual(
    [fault?.params.from, fault?.params.to, fault?.params.address, fault?.params.own],
    ['2026-05-31 00:00', '2026-06-11 00:00', 'opc.tcp://10.1.2.3:4840', join(dir, 'own', 'certificate.der')],
  );
  assert.equal((await stat(join(dir, 'rejected'))).mode & 0o077, 0);
  for (const file of await readdir(join(dir, 'rejected'))) await rm(join(dir, 'rejected', file));
  for (let at = 0; at < 99; at += 1) {
    await writeFile(join(dir, 'rejected', `old-${at}.der`), 'x');
    await utimes(join(dir, 'rejected', `old-${at}.der`), at + 1, at + 1);
  }
  await check(await make('/CN=a'));
  assert.equal((await readdir(join(dir, 'rejected'))).length, 100);
  await check(await make('/CN=b'));
  const left = await readdir(join(dir, 'rejected'));
  assert.deepEqual(
    [left.length, left.includes('old-0.der'), left.includes('old-1.der'), left.some((file) => file.startsWith('a-'))],
    [100, false, true, true],
    'the oldest goes',
  );
  await mkdir(join(dir, 'trusted', 'folder'));
  await writeFile(join(dir, 'trusted', 'b.der'), await make('/CN=b'));
  assert.equal(
    (await check(await make('/CN=b', { ip: ['10.1.2.3'] })))?.code,
    'CV_OPCUA_CERTIFICATE_UNKNOWN',
    'trust is of the whole certificate',
  );
});

test('a certificate counts from its first moment to its last; its subject is said in one line', async (context: TestContext) => {
  const dir = await dirOf(context);
  const der = await make('/C=CN/O=Plant/CN=PLC', { dns: ['plc.plant'] });
  await mkdir(join(dir, 'trusted'));
  await writeFile(join(dir, 'trusted', 'plc.der'), der);
  const { validFromDate, validToDate, fingerprint } = new X509Certificate(der);
  const at = (nowMs: number) => faultOf(trustServer(der, 'opc.tcp://plc.plant', { dir, checkHost: true }, nowMs));
  assert.deepEqual([await at(validFromDate.getTime()), await at(validToDate.getTime())], [null, null]);
  for (const nowMs of [validFromDate.getTime() - 1, validToDate.getTime() + 1])
    assert.equal((await at(nowMs))?.code, 'CV_OPCUA_CERTIFICATE_TIME');
  assert.equal((await at(validToDate.getTime() + 60_000))?.params.now, '2026-06-11 00:01');
  assert.deepEqual(certificateDetails(new X509Certificate(der)), {
    thumbprint: fingerprint,
    subject: 'C=CN, O=Plant, CN=PLC',
    from: '2026-05-31 00:00',
    to: '2026-06-11 00:00',
  });
  const elsewhere = await faultOf(trustServer(der, 'opc.tcp://other', { dir, checkHost: true }, NOW));
  assert.deepEqual(
    [elsewhere?.code, elsewhere?.params.host, elsewhere?.params.names],
    ['CV_OPCUA_CERTIFICATE_HOST', 'other', 'DNS:plc.plant, URI:urn:plc'],
  );
  assert.equal(hostOf('opc.tcp://h:1/x'), 'h');
});

test('our own: 5 years, renewed 60 days before the end or under another name, its key kept and readable by nobody else', async (context: TestContext) => {
  const dir = await dirOf(context);
  const world = testWorld(new VirtualClock(NOW));
  await ownCertificate(dir, world);
  const first = await readFile(ownCertificatePath(dir));
  const { validToDate, validFromDate, subject, subjectAltName } = new X509Certificate(first);
  assert.deepEqual([validFromDate.getTime(), validToDate.getTime()], [NOW - DAY_MS, NOW + 5 * 365 * DAY_MS]);
  assert.match(subject, /^CN=cityvitals /);
  assert.ok(subjectAltName?.includes(`URI:${applicationUri()}`));
  for (const folder of ['own', 'trusted', 'rejected']) assert.equal((await stat(join(dir, folder))).mode & 0o777, 0o700, folder);
  for (const file of await readdir(join(dir, 'own'))) assert.equal((await stat(join(dir, 'own', file))).mode & 0o777, 0o600, file);
  const notices = (one: ReturnType<typeof testWorld>) =>
    one.told.map((event) => (event.kind === 'notice' ? [event.level, event.en, event.zh] : []));
  const path = ownCertificatePath(dir);
  assert.deepEqual(notices(world), [
    [
      'warn',
      `OPC UA certificate of this machine created: ${path}; add it to the trust lists of servers`,
      `本机 OPC UA 证书已生成：${path}；需要在各服务器上信任它`,
    ],
  ]);
  const at = async (nowMs: number) => {
    const one = testWorld(new VirtualClock(nowMs));
    const offered = await ownCertificates(dir, one);
    return {
      count: offered.length,
      der: offered[0].getCertificate() as Buffer,
      chain: offered[0].getCertificateChain() as Buffer[],
      told: notices(one),
    };
  };
  const end = validToDate.getTime();
  assert.deepEqual(await at(end - 60 * DAY_MS), { count: 1, der: first, chain: [first], told: [] });
  const renewed = await at(end - 60 * DAY_MS + 1);
  assert.deepEqual(
    [renewed.count, renewed.told],
    [
      2,
      [
        [
          'warn',
          `OPC UA certificate of this machine renewed: ${path}; add it to the trust lists of servers`,
          `本机 OPC UA 证书已更新：${path}；需要在各服务器上信任它`,
        ],
      ],
    ],
  );
  assert.deepEqual([(await at(end - 1)).count, (await at(end)).count], [2, 1], 'the one before counts until its end');
  await writeFile(path, await make('/CN=other name'));
  const again = await at(NOW);
  assert.equal(again.told.length, 1, 'made under another name of this box');
  assert.equal(again.count, 1, 'which no server took for this box');
  for (const kept of ['certificate-before.der', 'certificate.der']) {
    await writeFile(join(dir, 'own', kept), 'cut short');
    assert.equal((await at(NOW)).count, 1, kept);
  }
  assert.deepEqual(
    (await readdir(join(dir, 'own'))).toSorted(),
    ['certificate-before.der', 'certificate.der', 'private-key.pem'],
    'no halves are left',
  );
});

test('a write names the node\'s own trouble; what it reads back is a frame', async () => {
  const one = { id: 'p', ...point.parse({ node: 's=x' }) };
  const written: unknown[] = [];
  const node = (variant: object | null, status = StatusCodes.Good) =>
    ({
      read: async ({ nodeId, attributeId }: { nodeId: string; attributeId: number }) =>
        nodeId === 'ns=1;s=x' && attributeId === AttributeIds.Value ? { value: variant, statusCode: status } : {},
      async write(request: object) {
        written.push(request);
        return StatusCodes.BadNotWritable;
      },
    }) as unknown as RawSession;
  const targets = [
    { point: { id: 'other', ...point.parse({ node: 's=y' }) }, nodeId: 'ns=1;s=y', index: 0 },
    { point: one, nodeId: 'ns=1;s=x', index: 1 },
  ];
  const status = async (session: RawSession, of = targets) =>
    ((await exchangeValue(session, of, write(one, 5)[0] as never)) as { written: { status: string } }).written;
  const double = new Variant({ dataType: DataType.Double, value: 1 });
  assert.deepEqual(await status(node(double)), { point: 'p', node: 's=x', status: 'BadNotWritable' });
  assert.equal(written.length, 1);
  assert.equal((await status(node(double), [])).status, 'BadNodeIdUnknown');
  assert.equal((await status(node(null, StatusCodes.BadUserAccessDenied))).status, 'BadUserAccessDenied');
  assert.equal((await status(node(null))).status, 'BadTypeMismatch');
  assert.equal(
    (await status(node(new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1] })))).status,
    'BadTypeMismatch',
  );
  assert.equal(written.length, 1);
  const [, back] = write(one, 5);
  assert.deepEqual([back?.points, write(one, 5)[0]?.points], [['p'], []]);
  const frame = (await exchangeValue(node(double), targets, back as never)) as { value: unknown; status: number };
  assert.deepEqual([frame.value, frame.status], [1, 0]);
  assert.equal(((await exchangeValue(node(double), [], back as never)) as { status: number }).status, 0x80340000);
});
