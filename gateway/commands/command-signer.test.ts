import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import type { Command } from '../../core/wire/commands.ts';
import { commandKeyId, isSignedBy } from '../../core/wire/signed-commands.ts';
import { CommandSigner } from './command-signer.ts';

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return join(dir, 'certificates');
}

const COMMAND: Command = { v: 1, id: 'cmd-00001', kind: 'snapshot', device: 'cam', by: 'duty', reason: 'x', issuedAt: 1, expiresAt: 2 };

test('made once, for its own user alone; a restart finds it', async (t) => {
  const dir = await folder(t);
  const signer = new CommandSigner(dir);
  const [pem, again] = await Promise.all([signer.commandKeyPem(), signer.commandKeyPem()]);
  assert.equal(pem, again);
  const key = await signer.key();
  assert.equal(key.id, commandKeyId(createPublicKey(pem)));
  assert.ok(isSignedBy('e1', key.sign('e1', COMMAND, 1), createPublicKey(pem)));
  const modes = await Promise.all(['', 'command-key.pem', 'command-key.pub.pem'].map((name) => stat(join(dir, name))));
  assert.deepEqual(modes.map(({ mode }) => mode & 0o777), [0o700, 0o600, 0o644]);
  assert.equal(await readFile(join(dir, 'command-key.pub.pem'), 'utf8'), pem);
  assert.equal(await new CommandSigner(dir).commandKeyPem(), pem);
});

test('a file that is damaged, of another kind, or gone from beside its public half is a fault, and stays as it is', async (t) => {
  const dir = await folder(t);
  const first = await new CommandSigner(dir).commandKeyPem();
  const path = join(dir, 'command-key.pem');
  const good = await readFile(path, 'utf8');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (const content of ['', good.slice(0, 60), rsa, first]) {
    await writeFile(path, content);
    const signer = new CommandSigner(dir);
    const isUnusable = (error: unknown) => error instanceof FaultError && error.fault.code === 'CV_COMMAND_KEY_UNUSABLE';
    await assert.rejects(signer.key(), isUnusable);
    await assert.rejects(signer.commandKeyPem(), isUnusable);
    assert.equal(await readFile(path, 'utf8'), content);
    await writeFile(path, good);
    assert.equal(await signer.commandKeyPem(), first, 'put back, it counts without a restart');
  }
  await rm(path);
  await assert.rejects(new CommandSigner(dir).key(), /command-key\.pub\.pem is there/);
  assert.equal(existsSync(path), false);
  await rm(join(dir, 'command-key.pub.pem'));
  assert.notEqual(await new CommandSigner(dir).commandKeyPem(), first, 'whoever removes both wants another');
});

test('a power cut at each step leaves no key, or this one: the public half is made anew from it', async (t) => {
  const dir = await folder(t);
  const pem = await new CommandSigner(dir).commandKeyPem();
  await rm(join(dir, 'command-key.pub.pem'));
  assert.equal(await new CommandSigner(dir).commandKeyPem(), pem);
  assert.equal(await readFile(join(dir, 'command-key.pub.pem'), 'utf8'), pem);
  // Half a file under its temporary name, with rights that are too wide.
  await Promise.all(['command-key.pem', 'command-key.pub.pem'].map((name) => rm(join(dir, name))));
  await writeFile(join(dir, 'command-key.pem.new'), '-----BEGIN', { mode: 0o644 });
  const other = await new CommandSigner(dir).commandKeyPem();
  assert.equal((await stat(join(dir, 'command-key.pem'))).mode & 0o777, 0o600);
  const made = createPublicKey(createPrivateKey(await readFile(join(dir, 'command-key.pem'))));
  assert.equal(made.export({ format: 'pem', type: 'spki' }), other);
});
