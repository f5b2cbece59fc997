import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

const run = (...args: string[]) =>
  new Promise<{ code: number; out: string }>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), 'gateway', ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), out: `${stdout}${stderr}` });
    });
  });

const USERS = 'edges: [{ id: pump, token: t }], consumers: [{ user: city, password: p }]';

function place(t: TestContext): { folder: string; config(broker: string): string } {
  const dir = mkdtempSync(join(tmpdir(), 'cv-mosquitto-files-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return {
    folder: join(dir, 'etc', 'cityvitals'),
    config(broker) {
      const path = join(dir, 'gateway.yaml');
      writeFileSync(path, `gateway: g\ncentre: "500112001"\nbroker: ${broker}\n`);
      return path;
    },
  };
}

test('the files for mosquitto: the password is kept over runs, and the file that the gateway then runs with will do', async (t) => {
  const { folder, config } = place(t);
  const made = async (broker: string) => {
    const { code, out } = await run('--config', config(broker), '--mosquitto', folder, '--json');
    assert.equal(code, 0, out);
    return JSON.parse(out.split('\n').find((line) => line.startsWith('{"acl"')) ?? '') as { user: string; password: string };
  };
  const first = await made(`{ embedded: { ${USERS} } }`);
  assert.equal(first.user, 'g');
  assert.deepEqual(await made(`{ embedded: { ${USERS} } }`), first);
  assert.deepEqual(await made(`{ url: "mqtt://127.0.0.1", ${USERS} }`), first);
  const own = await made(`{ url: "mqtt://127.0.0.1", user: gate, password: mine, ${USERS} }`);
  assert.deepEqual([own.user, own.password], ['gate', 'mine']);
  assert.deepEqual(
    readFileSync(join(folder, 'passwords'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]),
    ['gate', 'pump', 'city'],
  );
  assert.match(readFileSync(join(folder, 'acl'), 'utf8'), /user gate\n/);
});

test('the files belong to the owner, can be read by nobody else, and go through no link', async (t) => {
  const { folder, config } = place(t);
  const file = config(`{ embedded: { ${USERS} } }`);
  // As the superuser, another: only then is the change seen.
  const owner = userInfo().uid === 0 ? 'nobody' : userInfo().username;
  const uid = await new Promise<number>((resolve) => { execFile('id', ['-u', owner], (_error, out) => resolve(Number(out))); });
  assert.equal((await run('--config', file, '--mosquitto', folder, '--owner', owner)).code, 0);
  const target = join(folder, '..', 'elsewhere');
  writeFileSync(target, 'kept');
  rmSync(join(folder, 'acl'));
  symlinkSync(target, join(folder, 'acl'));
  assert.equal((await run('--config', file, '--mosquitto', folder, '--owner', owner)).code, 0);
  assert.equal(readFileSync(target, 'utf8'), 'kept');
  for (const name of ['acl', 'passwords']) {
    const { uid: of, mode } = statSync(join(folder, name));
    assert.deepEqual([of, mode & 0o777], [uid, 0o600]);
  }
  assert.deepEqual(
    [
      statSync(join(folder, 'gateway-password')).uid,
      statSync(join(folder, 'gateway-password')).mode & 0o777,
      statSync(folder).mode & 0o777,
    ],
    [userInfo().uid, 0o600, 0o750],
  );
  const { code, out } = await run('--config', file, '--mosquitto', folder, '--owner', 'no-such-user', '--lang', 'zh-CN');
  assert.equal(code, 2);
  assert.match(out, /本机没有用户 no-such-user/);
});

test('with nobody to write rights for, it says which setting is missing', async (t) => {
  const { folder, config } = place(t);
  const { code, out } = await run('--config', config('{ url: "mqtt://127.0.0.1" }'), '--mosquitto', folder, '--lang', 'en');
  assert.equal(code, 2);
  assert.match(out, /edges/);
});

test('no files are written in which somebody has the name of somebody else, or of the gateway\'s connections', async (t) => {
  const { folder, config } = place(t);
  for (const users of [
    'edges: [{ id: pump, token: t }], consumers: [{ user: "gateway:g:in", password: p }]',
    'edges: [{ id: pump, token: t }], consumers: [{ user: pump, password: p }]',
    'edges: [{ id: g, token: t }]',
    'edges: [], consumers: [{ user: g, password: p }]',
  ]) {
    const { code, out } = await run('--config', config(`{ embedded: { ${users} } }`), '--mosquitto', folder, '--lang', 'en');
    assert.notEqual(code, 0, users);
    assert.match(out, /CV_SETTING_INVALID/);
  }
  assert.throws(() => statSync(folder), { code: 'ENOENT' });
});
