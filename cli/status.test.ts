import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as serve } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

const HEALTH = { ok: true, edge: 'e1', centre: '500112001', version: '1', now: 100_000, log: { writing: true, depth: 7, bytes: 2048, byStream: { measurement: 7 } }, uplink: { online: true, address: 'mqtt://g', clockOffsetMs: 3 }, devices: [{ id: 'plc', driver: 'modbus', online: false, reason: 'CV_LINK_REFUSED', lastAt: 40_000 }] };

const run = (...args: string[]) => new Promise<{ code: number; out: string }>((resolve) => {
  execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'status', ...args], (error, stdout, stderr) => { resolve({ code: Number(error?.code ?? 0), out: `${stdout}${stderr}` }); });
});

async function edge(t: TestContext): Promise<string> {
  const server = serve((request, response) => { response.writeHead(request.url === '/healthz' ? 200 : 404).end(JSON.stringify(HEALTH)); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an edge: what it holds, who is away, since when and what to do; found wrong is 1', async (t) => {
  const url = await edge(t);
  const { code, out } = await run('--url', url, '--lang', 'en');
  assert.equal(code, 1);
  assert.match(out, /edge e1.*\n.*devices 0\/1 → log 7 \(2KB\) → gateway mqtt:\/\/g.*\n.*measurement: 7[^]*✗ plc \(modbus\) CV_LINK_REFUSED · last seen 1m ago/);
  assert.match((await run('--url', url, '--lang', 'zh-CN')).out, /边缘节点 e1[^]*最后出现于 1m 前/);
  assert.equal((JSON.parse((await run('--url', url, '--json')).out) as { edge: string }).edge, 'e1');
});

test('what does not run is said, with what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => { server.close(() => resolve()); });
  const { code, out } = await run('--url', `http://127.0.0.1:${port}`, '--lang', 'en');
  assert.equal(code, 1);
  assert.match(out, /CV_STATUS_UNREACHABLE.*\n.*cityvitals edge/);
});
