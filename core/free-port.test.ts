import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from './free-port.ts';
import { realNet } from './net.ts';

test('a free port is none that the system gives to others meanwhile, and none twice', async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => freePort()));
  assert.equal(new Set(ports).size, ports.length);
  assert.ok(ports.every((port) => port >= 20_000 && port < 32_768), ports.join(' '));
});

test('the wished port is had as often as nobody has it', async () => {
  const wished = await freePort();
  assert.equal(await freePort(wished), wished);
  assert.equal(await freePort(wished), wished);
  const { close } = await realNet.listen({ host: '127.0.0.1', port: wished }, (socket) => { socket.destroy(); });
  assert.notEqual(await freePort(wished), wished);
  await close();
});
