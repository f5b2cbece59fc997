import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { CertificatePurpose, createSelfSignedCertificate, generatePrivateKey, privateKeyToPEM } from 'node-opcua-crypto';
import { freePort } from '../../../core/free-port.ts';
import { FaultError } from '../../../core/faults.ts';
import { testWorld, VirtualClock } from '../../../core/testing/virtual-clock.ts';
import { faultOfStatus, openLineLink } from './link.ts';
import sink from './sink.ts';

const target = (url: string) => ({ url, org: '', bucket: 'city', token: undefined, timeoutMs: 5000 });

test('who does not listen is told with what the system says, and nothing of ours around it', async () => {
  const port = await freePort();
  const link = openLineLink(target(`http://127.0.0.1:${port}`), 'city', testWorld());
  await assert.rejects(
    link.send(['a v=1']),
    (error: FaultError) =>
      error.fault.code === 'CV_SINK_UNREACHABLE' && error.fault.params.detail === `connect ECONNREFUSED 127.0.0.1:${port}`,
  );
  link.close();
  await assert.rejects(link.send(['a v=1']), (error: FaultError) => error.fault.params.detail === 'closed');
});

const stored: RequestListener = (request, response) => { request.resume().on('end', () => response.writeHead(204).end()); };

/** @param tls key and certificate; absent: in the clear */
async function listening(
  t: TestContext,
  handler: RequestListener,
  tls?: { key: string; cert: string },
): Promise<{ url: string; connections: () => number }> {
  const server = tls ? createTlsServer(tls, handler) : createServer(handler);
  let connections = 0;
  server.on(tls ? 'secureConnection' : 'connection', () => { connections += 1; });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

async function ownCertificate(): Promise<{ key: string; cert: string }> {
  const privateKey = await generatePrivateKey(2048);
  const { cert } = await createSelfSignedCertificate({
    privateKey,
    applicationUri: 'urn:influx',
    subject: '/CN=127.0.0.1',
    ip: ['127.0.0.1'],
    dns: ['localhost'],
    purpose: CertificatePurpose.ForApplication,
  });
  return { key: await privateKeyToPEM(privateKey).then(({ privPem }) => privPem), cert };
}

for (const scheme of ['http', 'https']) {
  test(`writes go one after the other over one connection, over ${scheme}`, async (t) => {
    const tls = scheme === 'https' ? await ownCertificate() : undefined;
    if (tls) {
      const before = getCACertificates('default');
      setDefaultCACertificates([...before, tls.cert]);
      t.after(() => setDefaultCACertificates(before));
    }
    const { url, connections } = await listening(t, stored, tls);
    const link = openLineLink(target(url), 'city', testWorld());
    t.after(() => link.close());
    for (let turn = 0; turn < 3; turn += 1) await link.send([`a v=${turn}`]);
    assert.equal(connections(), 1, 'kept for the next');
    await Promise.all(['b v=1', 'b v=2', 'b v=3'].map((line) => link.send([line])));
    assert.equal(connections(), 1, 'never beside each other');
  });
}

test('a write names bucket, precision and organisation; what is long goes compressed', async (t) => {
  const came: [IncomingMessage, Buffer][] = [];
  const { url } = await listening(t, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      came.push([request, Buffer.concat(parts)]);
      response.writeHead(204).end();
    });
  });
  for (const [org, lines] of [['', ['a v=1', 'b v=2']], ['town 1', ['x'.repeat(1000)]], ['', ['y'.repeat(1001)]]] as const) {
    const link = openLineLink({ ...target(url), org, token: org === '' ? undefined : 'hush' }, 'city', testWorld());
    await link.send(lines);
    link.close();
  }
  assert.deepEqual(
    came.map(([{ method, url: path, headers }]) => [
      method,
      path,
      headers.authorization,
      headers['content-type'],
      headers['content-encoding'],
    ]),
    [
      ['POST', '/api/v2/write?bucket=city&precision=ns', undefined, 'text/plain; charset=utf-8', undefined],
      ['POST', '/api/v2/write?org=town+1&bucket=city&precision=ns', 'Token hush', 'text/plain; charset=utf-8', undefined],
      ['POST', '/api/v2/write?bucket=city&precision=ns', undefined, 'text/plain; charset=utf-8', 'gzip'],
    ],
  );
  assert.deepEqual(
    came.map(([{ headers }, body]) => (headers['content-encoding'] ? gunzipSync(body) : body).toString()),
    ['a v=1\nb v=2', 'x'.repeat(1000), 'y'.repeat(1001)],
  );
});

test('each answer is a fault of its own: what is said of the content alone is a refusal', () => {
  const expected = {
    CV_SINK_DENIED: [401, 403],
    CV_SINK_TARGET_MISSING: [200, 302, 399, 404],
    CV_SINK_BUSY: [408, 425, 429, 500, 502, 503, 599],
    CV_SINK_REFUSED: [400, 402, 405, 407, 409, 413, 422, 424, 426, 428, 430, 499],
  };
  for (const [code, statuses] of Object.entries(expected))
    for (const status of statuses) assert.equal(faultOfStatus(status), code, String(status));
});

test('an answer is told in one line without the token, with the time to wait where it names one', async (t) => {
  const answers: [number, Record<string, string>, string][] = [
    [503, { 'retry-after': '3' }, 'queue\n  full: hush'],
    [429, { 'retry-after': '0' }, ''],
    [429, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 'later'],
    [422, { 'content-type': 'application/json' }, '{"code":"unprocessable","message":"field type conflict"}'],
    [400, { 'content-type': 'application/json' }, '{"error":"no"}'],
    [400, {}, 'z'.repeat(900)],
    [200, {}, '<html>'],
    [205, {}, ''],
  ];
  const { url } = await listening(t, (request, response) => {
    request.resume().on('end', () => {
      const [status, headers, body] = answers.shift() as (typeof answers)[number];
      response.writeHead(status, headers).end(body);
    });
  });
  const link = openLineLink({ ...target(url), token: 'hush' }, 'city', testWorld());
  t.after(() => link.close());
  const told: unknown[] = [];
  while (answers.length > 0) {
    await assert.rejects(
      link.send(['a v=1']),
      ({
        fault: {
          code,
          params: { sink: id, url: at, ...rest },
        },
      }: FaultError) => told.push([code, rest]) > 0 && id === 'city' && at === url,
    );
  }
  assert.deepEqual(told, [
    ['CV_SINK_BUSY', { status: 503, detail: 'queue full: (secret)', retryAfterMs: 3000 }],
    ['CV_SINK_BUSY', { status: 429, detail: 'Too Many Requests' }],
    ['CV_SINK_BUSY', { status: 429, detail: 'later' }],
    ['CV_SINK_REFUSED', { status: 422, detail: 'field type conflict' }],
    ['CV_SINK_REFUSED', { status: 400, detail: '{"error":"no"}' }],
    ['CV_SINK_REFUSED', { status: 400, detail: 'z'.repeat(300) }],
    ['CV_SINK_TARGET_MISSING', { status: 200, detail: '204 was expected' }],
    ['CV_SINK_TARGET_MISSING', { status: 205, detail: '204 was expected' }],
  ]);
});

test('an answer that does not come is given up when its time is over, and not before; closing gives up at once', async (t) => {
  let asked = () => {};
  const { url } = await listening(t, (request) => { request.resume().on('end', () => asked()); });
  const clock = new VirtualClock();
  const link = openLineLink(target(url), 'city', { clock });
  const outcome = async (then: () => Promise<void> | void) => {
    const isAsked = new Promise<void>((resolve) => { asked = resolve; });
    let settled = false;
    const told = link.send(['a v=1']).then(() => null, (error: FaultError) => error.fault).finally(() => { settled = true; });
    await isAsked;
    await clock.advanceMs(4999);
    assert.equal(settled, false);
    await then();
    return told;
  };
  const late = await outcome(() => clock.advanceMs(1));
  assert.deepEqual([late?.code, late?.params.timeoutMs], ['CV_SINK_TIMEOUT', 5000]);
  const closed = await outcome(() => link.close());
  assert.deepEqual([closed?.code, closed?.params.detail], ['CV_SINK_UNREACHABLE', 'closed']);
  link.close();
});

test('an address is one that can be written to: others are refused with the form it has, in both languages', () => {
  const complaints = (url: string) =>
    sink.settings
      .safeParse({ url })
      .error?.issues.map((issue) => [issue.path[0], issue.message, 'params' in issue && (issue.params as { zh?: string }).zh]) ?? [];
  for (const url of ['http://10.0.0.9:8086', 'https://influx.example/', 'http://[::1]:8086']) assert.deepEqual(complaints(url), [], url);
  for (const url of [
    'nowhere',
    '',
    'ftp://10.0.0.9',
    'http://user@10.0.0.9',
    'http://:word@10.0.0.9',
    'http://10.0.0.9/?db=x',
    'http://10.0.0.9/#x',
  ]) {
    assert.deepEqual(
      complaints(url),
      [
        [
          'url',
          'not an address such as http://10.0.0.9:8086 (http or https, no user, no query)',
          '不是 http://10.0.0.9:8086 形式的地址（http 或 https，不带用户和查询参数）',
        ],
      ],
      url,
    );
  }
});
