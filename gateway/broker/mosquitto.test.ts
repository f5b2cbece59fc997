import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { mosquittoFiles } from './mosquitto.ts';

const ACCESS = {
  edges: [{ id: 'pump', token: 'secret' }, { id: 'bench', token: null }], gateway: { user: 'g', password: 'gw' }, consumers: [{ user: 'city', password: 'pw' }],
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
  const blocks = new Map(acl.split('\nuser ').slice(1).map((block) => [block.split('\n')[0], block.split('\n').slice(1).filter((line) => line !== '')]));
  assert.deepEqual(blocks.get('pump'), [
    ...['up', 'late', 'state', 'rsp', 'evidence'].map((leaf) => `topic write cv/v1/in/+/pump/${leaf}`), ...['ack', 'cmd'].map((leaf) => `topic read cv/v1/in/+/pump/${leaf}`),
  ]);
  assert.deepEqual(blocks.get('city'), ['topic read cv/v1/out/#']);
  assert.equal(blocks.get('g')?.includes('topic readwrite cv/v1/out/#'), true);
});
