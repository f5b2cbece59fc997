/** Keys that a gateway has made, encrypted on its disk. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { AuditRecord } from '../audit/audit-record.ts';
import { CommandSigner } from '../commands/command-signer.ts';
import { CertificateAuthority } from './authority.ts';

const [KEY, LATER] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const keysOf = (key: string | null, oldKeys: string[] = []) => new AtRestKeys({ algorithm: 'aes-256-gcm', key, oldKeys });

test('keys of CA, listener, commands and audit: plain, encrypted, with another key, plain again, always the same keys', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const world = testWorld();
  const at = (name: string) => join(dir, name);
  /** As a gateway opens them. @returns what the keys are */
  const open = async (keys: AtRestKeys): Promise<unknown[]> => {
    const authority = new CertificateAuthority({ dir: at('ca'), gateway: 'g', names: ['10.0.0.5'], copyTo: dir, keys }, world.clock);
    await authority.open();
    await authority.refresh([]);
    const audit = new AuditRecord({ dir: at('audit'), keyDir: at('audit-key'), gateway: 'g', keepMs: () => 400 * 86_400_000, keys }, world);
    await audit.open();
    await audit.close();
    const publicKeys = (await readdir(at('audit-key'))).filter((name) => name.endsWith('.pub.pem'));
    return [authority.issuer.keyPem, authority.server().keyPem, await new CommandSigner(at('ca'), keys).commandKeyPem(), ...publicKeys];
  };
  const plainOnes = async () => {
    const names = ['ca/ca-key.pem', 'ca/server-key.pem', 'ca/command-key.pem', 'audit-key/private.pem'];
    const texts = await Promise.all(names.map((name) => readFile(at(name), 'latin1')));
    return names.filter((_, index) => texts[index]?.includes('PRIVATE KEY'));
  };
  const first = await open(keysOf(null));
  assert.equal((await plainOnes()).length, 4);
  for (const [keys, count] of [[keysOf(KEY), 0], [keysOf(LATER, [KEY]), 0], [keysOf(LATER), 0]] as const) {
    assert.deepEqual(await open(keys), first);
    assert.equal((await plainOnes()).length, count);
  }
  // Another broker reads its copy.
  assert.match(await readFile(at('server-key.pem'), 'utf8'), /PRIVATE KEY/);

  const before = await readFile(at('ca/ca-key.pem'));
  for (const name of ['ca', 'commands'] as const) {
    const opening = name === 'ca'
      ? new CertificateAuthority({ dir: at('ca'), gateway: 'g', names: [], keys: keysOf(KEY) }, world.clock).open()
      : new CommandSigner(at('ca'), keysOf(KEY)).key();
    await assert.rejects(opening, { name: 'CV_AT_REST_KEY' }, name);
  }
  assert.deepEqual(await readFile(at('ca/ca-key.pem')), before);
  assert.deepEqual(await open(keysOf(null, [LATER])), first);
  assert.equal((await plainOnes()).length, 4);
});
