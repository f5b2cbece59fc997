/** Enrolment against a server that keeps to the contract, and against those that do not. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { until } from '../../core/testing/until.ts';
import { VirtualClock } from '../../core/testing/virtual-clock.ts';
import { authorityDigest, parseCertificates } from '../../core/certificates.ts';
import { enrol } from './enrol.ts';
import { readEdgeIdentity } from './identity-folder.ts';
import { EnrolmentServer } from './testing/enrolment-server.ts';
import { MemoryFiles, PowerCut } from './testing/memory-files.ts';
import { DAY_MS, testAuthority, YEAR_MS } from './testing/test-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const DIR = '/identity';
const CA_LIFE = { fromAt: NOW - YEAR_MS, toAt: NOW + 10 * YEAR_MS };
const LIFE = { fromAt: NOW - DAY_MS, toAt: NOW + YEAR_MS };
const authority = await testAuthority('centre', CA_LIFE);
const impostor = await testAuthority('centre', CA_LIFE);
const shows = await authority.server(['127.0.0.1'], LIFE);

async function serverOf(t: TestContext): Promise<EnrolmentServer> {
  const server = await EnrolmentServer.open({ authority, shows, nowMs: () => NOW });
  t.after(() => server.close());
  return server;
}

const clock = new VirtualClock(NOW);
const ask = (url: string, code: string, files = new MemoryFiles(), more: { edge?: string; replaces?: string } = {}, by = clock) =>
  enrol({ gateway: new URL(url), code, edge: 'pump-07', dir: DIR, ...more }, files, by);

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error)),
  );

test('a box is enrolled: its key never leaves it, and of the code only the secret does', async (t) => {
  const server = await serverOf(t);
  const files = new MemoryFiles();
  const code = server.code('pump-07');
  const { identity, gatewayAheadMs } = await ask(server.url, code.toLowerCase(), files);
  assert.deepEqual([identity.edge, identity.enrolment.centre, gatewayAheadMs], ['pump-07', '500112001', 0]);
  assert.deepEqual(identity.enrolment, { v: 1, gateway: server.url, broker: 'mqtts://127.0.0.1:8883', centre: '500112001' });
  assert.equal(files.texts.get(`${DIR}/command-key.pem`), server.commandKey);
  assert.equal(files.modes.get(`${DIR}/key.pem`), 0o600);
  const [{ body }] = server.requests as [EnrolmentServer['requests'][number]];
  assert.deepEqual(Object.keys(body), ['edge', 'code', 'csr']);
  assert.equal(body.code, code.slice(0, 16));
  assert.ok(!JSON.stringify(body).includes('PRIVATE KEY'));
});

test('a man in the middle gets nothing: neither the code nor a byte of the request', async (t) => {
  const server = await serverOf(t);
  const theirs = await impostor.server(['127.0.0.1'], LIFE);
  // Theirs with our CA shown behind it: a CA is no secret.
  const borrowed = { certPem: theirs.certPem.replace(impostor.pem, authority.pem), keyPem: theirs.keyPem };
  // A box of the same centre, whose certificate is from our CA.
  const box = await authority.edge('127.0.0.1', LIFE);
  const shown: [what: { certPem: string; keyPem: string }, fault: string][] = [
    [theirs, 'CV_ENROLMENT_CA'],
    [borrowed, 'CV_ENROLMENT_CA'],
    [{ certPem: box.certPem + authority.pem, keyPem: box.keyPem }, 'CV_SERVER_UNTRUSTED'],
    [await authority.server(['10.0.0.9'], LIFE), 'CV_SERVER_NAME'],
    [await authority.server(['127.0.0.1'], { fromAt: NOW - YEAR_MS, toAt: NOW - DAY_MS }), 'CV_SERVER_DATES'],
  ];
  for (const [what, fault] of shown) {
    let bytes = 0;
    let open = 0;
    const middle = createTlsServer({ cert: what.certPem, key: what.keyPem }, (socket) => {
      socket.on('data', (data) => { bytes += data.length; }).on('error', () => {});
    });
    middle.on('tlsClientError', () => {}).on('connection', (socket: Socket) => {
      open += 1;
      socket.on('close', () => { open -= 1; });
    });
    await new Promise<void>((resolve) => { middle.listen(0, '127.0.0.1', resolve); });
    t.after(() => middle.close());
    const { port } = middle.address() as AddressInfo;
    assert.equal(await codeOf(ask(`https://127.0.0.1:${port}`, server.code('pump-07'))), fault);
    await until(() => open === 0);
    assert.equal(bytes, 0);
  }
  assert.deepEqual(server.requests, []);
});

test('a gateway with a certificate of its own, signed by one below the CA that the code names', async (t) => {
  const always = { fromAt: Date.UTC(2001), toAt: Date.UTC(2099) };
  const root = await testAuthority('root', always);
  const between = await root.intermediate('between');
  const server = await EnrolmentServer.open({ authority: root, shows: await between.server(['127.0.0.1'], always), nowMs: () => NOW });
  t.after(() => server.close());
  assert.equal((await ask(server.url, server.code('pump-07'))).identity.caPem, root.pem);
});

test('a box whose clock is years off, and not set by anybody, is enrolled all the same', async (t) => {
  const server = await serverOf(t);
  for (const years of [-30, 30]) {
    const unset = Object.assign(new VirtualClock(NOW + years * YEAR_MS), { trust: { isTrusted: () => false, jumpedMs: () => 0 } });
    const { gatewayAheadMs } = await ask(server.url, server.code('pump-07'), new MemoryFiles(), {}, unset);
    assert.equal(gatewayAheadMs, -years * YEAR_MS);
  }
  const believed = new VirtualClock(NOW + 30 * YEAR_MS);
  assert.equal(await codeOf(ask(server.url, server.code('pump-07'), new MemoryFiles(), {}, believed)), 'CV_SERVER_DATES');
});

test('half an enrolment is repeated with the same code: a power cut at each step, before and after the gateway has answered', async (t) => {
  const server = await serverOf(t);
  const whole = new MemoryFiles();
  await ask(server.url, server.code('pump-07'), whole);
  for (let step = 1; step <= whole.steps; step += 1) {
    const code = server.code('pump-07');
    const files = Object.assign(new MemoryFiles(), { cutAtStep: step, cutIsAfter: step % 2 === 0 });
    await assert.rejects(ask(server.url, code, files), PowerCut);
    // Once the key is in place nothing is left to repeat: whoever asks anew is another key, and the code is spent.
    const isWhole = await readEdgeIdentity(DIR, files).then(() => true, () => false);
    if (!isWhole) assert.equal((await ask(server.url, code, files)).identity.edge, 'pump-07', `step ${step}`);
  }
});

test('an answer that was lost on the way is asked for again, and is the same', async (t) => {
  const server = await serverOf(t);
  const files = new MemoryFiles();
  const code = server.code('pump-07');
  server.answerWith = () => 'hang up';
  assert.equal(await codeOf(ask(server.url, code, files)), 'CV_TLS_FAILED');
  server.answerWith = null;
  await ask(server.url, code, files);
  assert.equal(server.requests[0]?.body.code, server.requests[1]?.body.code);
  assert.equal(await codeOf(ask(server.url, code, new MemoryFiles())), 'CV_ENROLMENT_REFUSED', 'by another box');
});

test('a code counts for its edge, and for whom that takes the place of', async (t) => {
  const server = await serverOf(t);
  assert.equal(await codeOf(ask(server.url, server.code('pump-07'), new MemoryFiles(), { edge: 'pump-08' })), 'CV_ENROLMENT_REFUSED');
  assert.equal(await codeOf(ask(server.url, server.code('pump-07'), new MemoryFiles(), { replaces: 'pump-06' })), 'CV_ENROLMENT_REFUSED');
  const replaced = await ask(server.url, server.code('pump-07', 'pump-06'), new MemoryFiles(), { replaces: 'pump-06' });
  assert.equal(replaced.identity.edge, 'pump-07');
  await assert.rejects(ask(server.url, `${'A'.repeat(16)}-${server.code('x').slice(17)}`), (error) => {
    assert.ok(error instanceof FaultError);
    assert.match(error.message, /TEST_UNKNOWN no such code/);
    assert.equal(error.fault.params.advice, 'ask for a new code');
    return true;
  });
});

test('an answer that is not what was asked for changes nothing', async (t) => {
  const server = await serverOf(t);
  const files = new MemoryFiles();
  await ask(server.url, server.code('pump-07'), files);
  const before = await readEdgeIdentity(DIR, files);
  const foreign = await authority.edge('pump-07', LIFE);
  const wrong: (Record<string, unknown> | string)[] = [
    '', '[]', 'x'.repeat(200_000), {},
    { certificate: foreign.certPem },
    { ca: impostor.pem },
    { ca: 'none' },
    { certificate: 'x'.repeat(70_000) },
    { broker: 'http://127.0.0.1' },
    { commandKey: foreign.certPem },
  ];
  for (const answer of wrong) {
    server.answerWith = ([status, body]) => {
      if (typeof answer === 'string') return answer;
      return [status, Object.keys(answer).length === 0 ? {} : { ...(body as object), ...answer }];
    };
    assert.equal(await codeOf(ask(server.url, server.code('pump-07'), files)), 'CV_ENROLMENT_ANSWER', JSON.stringify(answer).slice(0, 60));
    assert.equal((await readEdgeIdentity(DIR, files)).certificatePem, before.certificatePem);
  }
  server.answerWith = ([status, body]) => [status, { ...(body as object), certificate: (body as { certificate: string }).certificate }];
  server.authority = await testAuthority('another', CA_LIFE);
  server.ca = server.authority.pem;
  const code = `${server.code('pump-07').slice(0, 16)}-${authorityDigest(parseCertificates(authority.pem)[0] as never)}`;
  assert.equal(await codeOf(ask(server.url, code, files)), 'CV_ENROLMENT_ANSWER', 'a CA that the code does not name');
});

test('a gateway that accepts and says nothing is given up; no TLS at all is told', async (t) => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => { sockets.push(socket.on('error', () => {})); });
  await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    silent.close();
    for (const socket of sockets) socket.destroy();
  });
  const server = await serverOf(t);
  const { port } = silent.address() as AddressInfo;
  const waiting = new VirtualClock(NOW);
  const connected = new Promise<void>((resolve) => { silent.once('connection', () => resolve()); });
  const asked = codeOf(ask(`https://127.0.0.1:${port}`, server.code('pump-07'), new MemoryFiles(), {}, waiting));
  await connected;
  await waiting.advanceMs(30_000);
  assert.equal(await asked, 'CV_TLS_FAILED');
  silent.removeAllListeners('connection').on('connection', (socket: Socket) => {
    socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n');
  });
  assert.equal(await codeOf(ask(`https://127.0.0.1:${port}`, server.code('pump-07'))), 'CV_TLS_FAILED');
});
