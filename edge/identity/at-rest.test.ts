/** The key of an edge, encrypted on its disk. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { keyPathOf, nextKey, readEdgeIdentity, replaceIdentity } from './identity-folder.ts';
import { identityFilesOf, realIdentityFiles, rewriteIdentityKey } from './real-identity-files.ts';
import { signingRequest } from './signing-request.ts';
import { testAuthority, YEAR_MS } from './testing/test-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const LIFE = { fromAt: NOW, toAt: NOW + YEAR_MS };
const [KEY, LATER] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const keysOf = (key: string | null, oldKeys: string[] = []) => new AtRestKeys({ algorithm: 'aes-256-gcm', key, oldKeys });
const OFF = new AtRestKeys(null);
const authority = await testAuthority('centre', LIFE);

async function enrolled(dir: string, files: typeof realIdentityFiles): Promise<string> {
  const keyPem = await nextKey(dir, files);
  const certificatePem = await authority.issue(await signingRequest('pump-07', keyPem), 'pump-07', LIFE);
  const enrolment = { gateway: 'https://10.0.0.5:8443', broker: 'mqtts://10.0.0.5:8883', centre: '500112001' };
  await replaceIdentity(dir, { certificatePem, caPem: authority.pem, commandKeyPem: null, enrolment }, files);
  return keyPem;
}

test('the key is never plain on the disk, from the first to the next one; all else in the folder is for everybody', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const files = identityFilesOf(keysOf(KEY));
  const plain = async () => {
    const names = await readdir(dir);
    const contents = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
    return names.filter((_, at) => contents[at]?.includes('PRIVATE KEY'));
  };
  const next = await nextKey(dir, files);
  assert.deepEqual([await nextKey(dir, files), await plain()], [next, []], 'asked twice, it is the same');
  const first = await enrolled(dir, files);
  assert.deepEqual([first, await plain(), (await readEdgeIdentity(dir, files)).keyPem], [next, [], first]);
  const renewed = await enrolled(dir, files);
  assert.deepEqual([(await readEdgeIdentity(dir, files)).keyPem, await plain(), first === renewed], [renewed, [], false]);
  assert.equal((await stat(keyPathOf(dir))).mode & 0o777, 0o600);
  for (const name of ['certificate.pem', 'ca.pem']) assert.match(await readFile(join(dir, name), 'utf8'), /^-----BEGIN CERTIFICATE/);
});

test('at a start a key takes the form that is set: encrypted, with another key, plain again; it stays the same key', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const keyPem = await enrolled(dir, realIdentityFiles);
  const settings = [
    { keys: OFF, isWritten: false, isPlain: true },
    { keys: keysOf(KEY), isWritten: true, isPlain: false },
    { keys: keysOf(LATER, [KEY]), isWritten: true, isPlain: false },
    { keys: keysOf(LATER), isWritten: false, isPlain: false },
    { keys: new AtRestKeys({ algorithm: 'sm4-ctr-hmac-sm3', key: LATER, oldKeys: [] }), isWritten: true, isPlain: false },
    { keys: keysOf(null, [LATER]), isWritten: true, isPlain: true },
  ];
  for (const { keys, isWritten, isPlain } of settings) {
    assert.equal(await rewriteIdentityKey(dir, keys), isWritten);
    assert.equal(await rewriteIdentityKey(dir, keys), false);
    const content = await readFile(keyPathOf(dir), 'utf8');
    assert.deepEqual([content.includes('PRIVATE KEY'), (await readEdgeIdentity(dir, identityFilesOf(keys))).keyPem], [isPlain, keyPem]);
  }
  assert.equal(await rewriteIdentityKey(join(dir, 'not-there'), keysOf(KEY)), false);
});

test('without its key it is told which one is missing, and the file stays', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await enrolled(dir, identityFilesOf(keysOf(KEY)));
  const before = await readFile(keyPathOf(dir));
  for (const keys of [OFF, keysOf(LATER)]) {
    await assert.rejects(readEdgeIdentity(dir, identityFilesOf(keys)), { name: 'CV_AT_REST_KEY' });
    await assert.rejects(rewriteIdentityKey(dir, keys), { name: 'CV_AT_REST_KEY' });
  }
  assert.deepEqual(await readFile(keyPathOf(dir)), before);
});
