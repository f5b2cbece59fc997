/** people.db on a real disk. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { SqliteThread, workerBeside } from '../sqlite/client.ts';
import { Passwords } from './password.ts';
import { openJsonRows } from '../sqlite/open-json-rows.ts';
import type { PeopleTable } from './database.ts';
import { People } from './people.ts';
import { CHEAP } from './testing/memory-people.ts';

test('users, sessions and tokens outlive a restart; the file is for the gateway alone, and holds no secret', async (t) => {
  const temp = await tempDir();
  const world = testWorld();
  t.after(() => temp.remove());
  const path = join(temp.dir, 'log', 'people.db');
  const open = async () => {
    const people = new People(
      { file: openJsonRows<PeopleTable>(path, new SqliteThread(workerBeside(import.meta.url, '../worker')), 'people'), passwords: new Passwords(CHEAP) },
      world,
    );
    await people.open();
    return people;
  };
  const before = await open();
  const { code } = (await before.firstLink()) as { code: string };
  const password = 'swordfish-and-chips';
  const id = await before.setUp({ code, name: 'chief', password }, '10.0.0.1');
  const begun = await before.begin(id, { address: '10.0.0.1', agent: 'x' });
  const actor = { principal: begun.principal, address: '10.0.0.1' };
  const { token } = await before.tokens.add(
    id,
    { name: 'a', permissions: ['read'], centres: ['*'], expiresAt: world.clock.nowMs() + 1000 },
    actor,
  );
  const left = await before.addUser({ name: 'li-wei', grants: [] }, actor);
  await before.close();
  await chmod(path, 0o644);
  const after = await open();
  assert.equal((await stat(path)).mode & 0o777, 0o600, 'also one that was opened up');
  assert.deepEqual([after.bySession(begun.session)?.name, after.byToken(token)?.name, after.hasAdministrator], ['chief', 'chief/a', true]);
  assert.deepEqual(
    (await after.signIn({ user: 'CHIEF', password }, { address: '10.0.0.1', agent: '', browser: begun.browser })).principal.id,
    `user:${id}`,
  );
  assert.equal(await after.setUp({ code: left.code, password }, '10.0.0.2'), left.user.id);
  await after.close();
  for (const name of await readdir(join(temp.dir, 'log'))) {
    const bytes = await readFile(join(temp.dir, 'log', name), 'latin1');
    for (const secret of [password, code, begun.session, begun.browser, token, token.slice(4), left.code])
      assert.ok(!bytes.includes(secret), name);
  }
});
