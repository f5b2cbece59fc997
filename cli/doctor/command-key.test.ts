import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { commandKeyId } from '../../core/wire/signed-commands.ts';
import { checkCommandKey } from './command-key.ts';

const gateway = { urls: [], token: null };

test('whose commands an edge carries out is shown in both languages; an edge without a place for a key is asked nothing', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = join(dir, 'key.pem');
  const shown = commandKeyId(publicKey).slice(0, 16);
  assert.deepEqual(await checkCommandKey({ edge: 'e1', gateway }), []);
  const [unverified] = await checkCommandKey({ edge: 'e1', gateway: { ...gateway, identity: dir } });
  assert.match(unverified?.text?.en ?? '', /not verified/);
  const [missing] = await checkCommandKey({ edge: 'e1', gateway, commands: { key } });
  assert.deepEqual(missing?.fault, { code: 'CV_COMMAND_KEY_UNREADABLE', params: { edge: 'e1', path: key, detail: 'ENOENT' } });
  await writeFile(key, publicKey.export({ format: 'pem', type: 'spki' }));
  const [found] = await checkCommandKey({ edge: 'e1', gateway, commands: { key } });
  assert.deepEqual(found?.text, { en: `commands are verified by key ${shown}`, zh: `命令以公钥 ${shown} 校验` });
});
