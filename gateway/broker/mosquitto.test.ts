import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { mosquittoConf, mosquittoFiles } from './mosquitto.ts';

const ACCESS = {
  edges: [
    { id: 'pump', token: 'secret' },
    { id: 'bench', token: null },
  ],
  gateway: { user: 'g', password: 'gw' },
  consumers: [{ user: 'city', password: 'pw' }],
};

test('passwords are hashed as mosquitto checks them; who has none gets no line', async () => {
  const { passwords } = await mosquittoFiles(ACCESS);
  const lines = passwords.trim().split('\n');
  assert.deepEqual(lines.map((line) => line.split(':')[0]), ['g', 'pump', 'city']);
  const [, kind, iterations, salt, key] = (lines[1] ?? '').split(':')[1]?.split('$') ?? [];
  assert.equal(kind, '7');
  assert.equal(pbkdf2Sync('secret', Buffer.from(salt ?? '', 'base64'), Number(iterations), 64, 'sha512').toString('base64'), key);
  assert.equal(passwords.includes('secret'), false);
});

test('each user has its own topics and no others', async () => {
  const { acl } = await mosquittoFiles(ACCESS);
  const blocks = new Map(
    acl
      .split('\nuser ')
      .slice(1)
      .map((block) => [
        block.split('\n')[0],
        block
          .split('\n')
          .slice(1)
          .filter((line) => line !== ''),
      ]),
  );
  assert.deepEqual(blocks.get('pump'), [
    ...['up', 'late', 'state', 'rsp', 'evidence'].map((leaf) => `topic write cv/v1/in/+/pump/${leaf}`),
    ...['ack', 'cmd'].map((leaf) => `topic read cv/v1/in/+/pump/${leaf}`),
  ]);
  assert.deepEqual(blocks.get('city'), ['topic read cv/v1/out/#']);
  assert.equal(blocks.get('g')?.includes('topic readwrite cv/v1/out/#'), true);
});

test('client ids are bound to users where edges and consumers come in; the gateway has a listener that lets in nobody else', async () => {
  const conf = mosquittoConf({
    acl: '/e/acl',
    passwords: '/e/passwords',
    gatewayPasswords: '/e/gateway-passwords',
    port: 1883,
    gateway: { host: '127.0.0.1', port: 1884 },
  });
  const [general, ...listeners] = conf.split(/^listener /m);
  assert.match(general ?? '', /^per_listener_settings true$/m);
  assert.deepEqual(
    listeners.map((text) => text.split('\n')[0]),
    ['1883', '1884 127.0.0.1'],
  );
  assert.deepEqual(
    listeners.map((text) =>
      [/^allow_anonymous false$/m, /^use_username_as_clientid true$/m, /^password_file \/e\/passwords$/m].map((line) => line.test(text)),
    ),
    [
      [true, true, true],
      [true, false, false],
    ],
  );
  const { gatewayPasswords } = await mosquittoFiles(ACCESS);
  assert.deepEqual(gatewayPasswords.trim().split('\n').map((line) => line.split(':')[0]), ['g']);
});
