import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHostAllowed, isLocalHost, nameOfHost } from './http-host.ts';

test('names of this machine, addresses and the configured names are answered to, others are not', () => {
  const allowed = (header: string | undefined) => isHostAllowed('gateway.lan', ['city.example'], header);
  for (const header of [
    undefined, 'localhost', 'localhost:8080', 'LOCALHOST.', 'app.localhost', '127.0.0.1:1', '10.0.0.5', '[::1]:8080',
    '[fe80::1]', 'gateway.lan:8080', 'City.Example', 'city.example.:443',
  ])
    assert.equal(allowed(header), true, String(header));
  for (const header of [
    '', 'evil.example', 'evil.example:8080', 'city.example.evil.example', 'xcity.example', 'localhost.evil.example',
    '127.0.0.1.evil.example', 'a@localhost', 'localhost/evil', 'localhost evil', '[::1', '::1', 'localhost:8080:1',
    'x'.repeat(70_000),
  ])
    assert.equal(allowed(header), false, header.slice(0, 40));
});

test('the name of a Host header has neither port nor brackets', () => {
  assert.deepEqual(['Gate:80', '[::1]:80', 'a.b.', 'a b'].map(nameOfHost), ['gate', '::1', 'a.b', null]);
});

test('only loopback is reached from this machine alone', () => {
  assert.deepEqual(['127.0.0.1', '::1', 'localhost', '127.3.2.1', '0.0.0.0', '::', '10.0.0.1', 'gateway.lan'].map(isLocalHost), [
    true, true, true, true, false, false, false, false,
  ]);
});
