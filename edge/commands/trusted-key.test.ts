import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { commandKeyId } from '../../core/wire/signed-commands.ts';
import { idOfKey, TrustedKeyReader, type TrustedKeySettings } from './trusted-key.ts';

const pair = () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  return { pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(), id: commandKeyId(publicKey) };
};

function bench(given: Partial<TrustedKeySettings>) {
  const disk = new Map<string, string | Error>();
  const settings: TrustedKeySettings = { edge: 'e1', ...given };
  const reader = new TrustedKeyReader(() => settings, {
    read(path) {
      const found = disk.get(path) ?? null;
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
  });
  const fault = async () => reader.read().then(() => null, (error: unknown) => (error as FaultError).fault);
  return { disk, settings, reader, fault };
}

test('the key of the identity counts, that of a renewal under way before it, and a file by hand before both', async () => {
  const { disk, settings, reader } = bench({ identity: '/id' });
  assert.equal(await reader.read(), null);
  assert.equal(reader.status, null);
  const [first, second, byHand] = [pair(), pair(), pair()];
  disk.set('/id/command-key.pem', first.pem);
  assert.equal((await reader.read())?.id, first.id);
  disk.set('/id/next-command-key.pem', second.pem);
  assert.equal((await reader.read())?.id, first.id, 'a renewal that was not finished gives nothing');
  disk.set('/id/next-certificate.pem', '-');
  assert.equal((await reader.read())?.id, second.id);
  settings.file = '/hand.pem';
  disk.set('/hand.pem', byHand.pem);
  assert.equal((await reader.read())?.id, byHand.id);
  assert.equal(idOfKey(reader.status), byHand.id);
});

test('a file that was named and is not there, is damaged, is of another kind or cannot be read is a fault, not an open door', async () => {
  const { disk, reader, fault } = bench({ file: '/hand.pem' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const denied = Object.assign(new Error('no'), { code: 'EACCES' });
  const files = [[null, /ENOENT/], ['', /./], [pair().pem.slice(0, 60), /./], [rsa, /rsa, not Ed25519/], [denied, /EACCES/]] as const;
  for (const [content, detail] of files) {
    if (content === null) disk.delete('/hand.pem');
    else disk.set('/hand.pem', content);
    const found = await fault();
    assert.equal(found?.code, 'CV_COMMAND_KEY_UNREADABLE');
    assert.match(String(found?.params.detail), detail);
    assert.deepEqual(reader.status, found);
    assert.equal(idOfKey(reader.status), null);
  }
  const { pem, id } = pair();
  disk.set('/hand.pem', pem);
  assert.equal((await reader.read())?.id, id);
});

test('a key of the identity that vanishes while the edge runs does not open it; a folder without one never closed it', async () => {
  const { disk, settings, reader, fault } = bench({ identity: '/id' });
  disk.set('/id/command-key.pem', pair().pem);
  await reader.read();
  disk.clear();
  assert.equal((await fault())?.code, 'CV_COMMAND_KEY_UNREADABLE');
  settings.identity = '/other';
  assert.equal(await reader.read(), null);
  disk.set('/other/certificate.pem', '-');
  assert.equal(await reader.read(), null);
});
