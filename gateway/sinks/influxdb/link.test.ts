import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../../../core/free-port.ts';
import { FaultError } from '../../../core/faults.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import { openLineLink } from './link.ts';
import sink from './sink.ts';

const target = (url: string) => ({ url, org: '', bucket: 'city', token: undefined, timeoutMs: 5000 });

test('who does not listen is told with what the system says, and nothing of ours around it', async () => {
  const port = await freePort();
  const link = openLineLink(target(`http://127.0.0.1:${port}`), 'city', testWorld());
  await assert.rejects(link.send(['a v=1']), (error: FaultError) => error.fault.code === 'CV_SINK_UNREACHABLE' && error.fault.params.detail === `connect ECONNREFUSED 127.0.0.1:${port}`);
  link.close();
  await assert.rejects(link.send(['a v=1']), (error: FaultError) => error.fault.params.detail === 'closed');
});

test('writes go one after the other over one connection', async (t) => {
  const server = createServer((request, response) => { request.resume().on('end', () => response.writeHead(204).end()); });
  let connections = 0;
  server.on('connection', () => { connections += 1; });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const link = openLineLink(target(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), 'city', testWorld());
  for (let turn = 0; turn < 3; turn += 1) await link.send([`a v=${turn}`]);
  assert.equal(connections, 1);
  link.close();
});

test('an address is one that can be written to: others are refused with the form it has, in both languages', () => {
  const complaints = (url: string) => sink.settings.safeParse({ url }).error?.issues.map((issue) => [issue.path[0], issue.message, 'params' in issue && (issue.params as { zh?: string }).zh]) ?? [];
  for (const url of ['http://10.0.0.9:8086', 'https://influx.example/', 'http://[::1]:8086']) assert.deepEqual(complaints(url), [], url);
  for (const url of ['nowhere', '', 'ftp://10.0.0.9', 'http://user@10.0.0.9', 'http://:word@10.0.0.9', 'http://10.0.0.9/?db=x', 'http://10.0.0.9/#x']) {
    assert.deepEqual(complaints(url), [['url', 'not an address such as http://10.0.0.9:8086 (http or https, no user, no query)', '不是 http://10.0.0.9:8086 形式的地址（http 或 https，不带用户和查询参数）']], url);
  }
});
