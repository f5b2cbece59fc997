import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import type { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { readFromBundle } from './bundle.ts';
import { downloadFile } from './download.ts';

const GRAPH = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 9)) & 255));
const SHA256 = createHash('sha256').update(GRAPH).digest('hex');

const { dir: folder, remove } = await tempDir();
after(remove);

/** A server on loopback; `ranges` are those it was asked for. */
async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, time: number) => void,
): Promise<{ url: string; ranges: (string | null)[] }> {
  const ranges: (string | null)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? null);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graph.onnx`, ranges };
}
const from = (request: IncomingMessage) => Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
const rest = (response: ServerResponse, start: number) =>
  response.writeHead(206, {
    'content-range': `bytes ${start}-${GRAPH.length - 1}/${GRAPH.length}`,
    'content-length': GRAPH.length - start,
  });
const code = (wanted: string) => (error: FaultError) => error.fault?.code === wanted;
let places = 0;
const wantedAt = (url: string, sha256 = SHA256) => ({
  model: 'm',
  url,
  path: join(folder, `place-${(places += 1)}`, 'graph.onnx'),
  sha256,
});

test('a download that breaks off goes on where it stopped, and nothing but the whole graph stands in its place', async (t) => {
  // Two connections break in the middle, once that much has come.
  let cut = { at: Infinity, now: () => {} };
  const { url, ranges } = await serve(t, (request, response, time) => {
    const start = from(request);
    rest(response, start);
    if (time > 2) return void response.end(GRAPH.subarray(start));
    cut = { at: start + 100_000, now: () => { response.destroy(); } };
    response.write(GRAPH.subarray(start, start + 100_000));
  });
  const wanted = wantedAt(url);
  const told: number[] = [];
  await downloadFile(wanted, (bytes, of) => {
    told.push(bytes);
    assert.equal(of, GRAPH.length);
    if (bytes === cut.at) cut.now();
  });
  assert.deepEqual(await readFile(wanted.path), GRAPH);
  assert.deepEqual(await readdir(join(wanted.path, '..')), ['graph.onnx']);
  assert.deepEqual(ranges, [null, 'bytes=100000-', 'bytes=200000-']);
  assert.equal(told.at(-1), GRAPH.length);
});

test('what is left of an earlier try is used; a server without ranges begins anew; a part that is whole needs nothing', async (t) => {
  const { url, ranges } = await serve(t, (request, response, time) => {
    if (time === 1) response.writeHead(200).end(GRAPH);
    else if (from(request) === GRAPH.length) response.writeHead(416).end();
    else rest(response, from(request)).end(GRAPH.subarray(from(request)));
  });
  for (const [left, range] of [[5000, 'bytes=5000-'], [299_999, 'bytes=299999-'], [GRAPH.length, `bytes=${GRAPH.length}-`]] as const) {
    const wanted = wantedAt(url);
    await mkdir(join(wanted.path, '..'));
    await writeFile(`${wanted.path}.part`, GRAPH.subarray(0, left));
    await downloadFile(wanted, () => {});
    assert.deepEqual(await readFile(wanted.path), GRAPH);
    assert.equal(ranges.at(-1), range);
  }
});

test('another file, no file, nobody there, no end and no room are each told as what they are', async (t) => {
  const { url } = await serve(t, ({ url: path }, response) => {
    if (path?.startsWith('/none')) response.writeHead(404).end('no');
    else if (path?.startsWith('/stuck')) response.writeHead(200, { 'content-length': 10 }).write('', () => response.socket?.destroy());
    else response.end(GRAPH);
  });
  const long = { ...wantedAt(url), bytes: GRAPH.length - 1 };
  await assert.rejects(
    downloadFile(long, () => {}),
    (error: FaultError) => error.fault.code === 'CV_PULL_REFUSED' && String(error.fault.params.detail).includes('exceeds 299999 bytes'),
  );
  assert.deepEqual(await readdir(join(long.path, '..')), [], 'nothing that fills the disk');
  const other = wantedAt(url, '0'.repeat(64));
  await assert.rejects(downloadFile(other, () => {}), code('CV_PULL_OTHER'));
  assert.deepEqual(await readdir(join(other.path, '..')), [], 'nothing of it is kept');
  await assert.rejects(
    downloadFile(wantedAt(url.replace('/graph', '/none')), () => {}),
    (error: FaultError) => error.fault.code === 'CV_PULL_REFUSED' && String(error.fault.params.detail).startsWith('HTTP 404'),
  );
  await assert.rejects(
    downloadFile(wantedAt('http://127.0.0.1:1/graph.onnx'), () => {}),
    code('CV_PULL_REFUSED'),
  );
  await assert.rejects(
    downloadFile(wantedAt(url.replace('/graph', '/stuck')), () => {}),
    code('CV_PULL_BROKEN'),
  );
  await writeFile(join(folder, 'a-file'), '');
  await assert.rejects(
    downloadFile({ ...wantedAt(url), path: join(folder, 'a-file', 'graph.onnx') }, () => {}),
    code('CV_PULL_NOT_WRITTEN'),
  );
});

/** A tar of plain files, as POSIX has it. */
function tar(files: Record<string, Uint8Array>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, bytes]) => {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    head.write('0', 156);
    return [head, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

test('a graph is found by its hash in a file, a folder and a tar, whatever it is called', async () => {
  const bundle = join(folder, 'usb');
  await mkdir(join(bundle, 'deep'), { recursive: true });
  await writeFile(join(bundle, 'other.onnx'), 'other');
  await writeFile(join(bundle, 'deep', 'renamed.onnx'), GRAPH);
  const packed = join(folder, 'models.tar');
  const bytes = tar({ 'README': Buffer.from('read me'), 'models/x.onnx': GRAPH });
  await writeFile(packed, bytes);
  for (const path of [join(bundle, 'deep', 'renamed.onnx'), bundle, packed])
    assert.ok(Buffer.from(await readFromBundle(path, 'm', SHA256)).equals(GRAPH), path);
  await assert.rejects(readFromBundle(join(bundle, 'other.onnx'), 'm', SHA256), code('CV_PULL_NOT_THERE'));
  await assert.rejects(readFromBundle(join(folder, 'none'), 'm', SHA256), (error: FaultError) => error.fault.params.detail === 'ENOENT');
  await writeFile(packed, bytes.subarray(0, 100_000));
  await assert.rejects(readFromBundle(packed, 'm', SHA256), (error: FaultError) => String(error.fault.params.detail).includes('truncated'));
});

test('a server sends on to its own pages alone: no other host or port, nothing but HTTP, and not for ever', async (t) => {
  let asked = 0;
  const other = await serve(t, (_, response) => { asked += 1; response.end(GRAPH); });
  const { url } = await serve(t, ({ url: path }, response) => {
    const to: Record<string, string> = {
      '/own': '/graph.onnx',
      '/other': other.url,
      '/name': other.url.replace('127.0.0.1', 'localhost'),
      '/file': 'file:///etc/hostname',
      '/bad': 'http://:',
      '/loop': '/loop',
    };
    const location = to[path ?? ''];
    if (location === undefined) response.end(GRAPH);
    else response.writeHead(302, { location }).end();
  });
  const at = (path: string) => wantedAt(new URL(path, url).href);
  const own = at('/own');
  await downloadFile(own, () => {});
  assert.deepEqual(await readFile(own.path), GRAPH);
  for (const path of ['/other', '/name', '/file', '/bad'])
    await assert.rejects(
      downloadFile(at(path), () => {}),
      (error: FaultError) => code('CV_PULL_REFUSED')(error) && /not followed.*--from/.test(String(error.fault.params.detail)),
      path,
    );
  await assert.rejects(
    downloadFile(at('/loop'), () => {}),
    code('CV_PULL_REFUSED'),
  );
  assert.equal(asked, 0);
});
