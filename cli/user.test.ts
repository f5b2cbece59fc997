/** `user` on the gateway's own machine and through its API, as processes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realWorld } from '../core/world.ts';
import { runGateway } from '../gateway/main.ts';
import { loadGateway } from './load.ts';

const CONFIG = `gateway: g
centre: "500112001"
broker: { embedded: { port: 0 } }
http: { port: 0 }
`;

function run(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'user', ...args, '--lang', 'en'], {
      env: { ...process.env, ...env },
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        out += bytes.toString();
      });
    child.on('close', (code) => resolve({ code, out }));
  });
}

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFile(join(dir, 'gateway.yaml'), CONFIG);
  return dir;
}

test(
  'a gateway that was stopped gets its administrator on its own machine; from then on users are added through its API',
  { timeout: 120_000 },
  async (t) => {
    const config = join(await folder(t), 'gateway.yaml');
    const local = ['--local', '--config', config];
    assert.deepEqual(await run(['list', '--local']), { code: 2, out: '--local needs --config\n' });
    const { setup } = await loadGateway({ path: config, text: CONFIG });
    assert.ok(setup);
    const start = () =>
      runGateway(
        setup,
        realWorld(() => {}),
      );
    const first = await start();
    assert.notEqual(first.setupLink, null);
    const busy = await run(['list', ...local]);
    assert.equal(busy.code, 1);
    assert.match(busy.out, /CV_STORE_BUSY/);
    await first.close();

    const added = await run(['add', 'chief', '--role', 'administrator', '--centre', '*', ...local]);
    const code = /#\/setup\/([\w-]{43})/.exec(added.out)?.[1];
    assert.equal(added.code, 0, added.out);
    assert.match((await run(['list', ...local])).out, /^chief +administrator@\* {2}no password yet\n$/);
    assert.match((await run(['disable', 'CHIEF', ...local])).out, /disabled/);
    assert.match((await run(['enable', 'chief', ...local])).out, /no password yet/);
    assert.match((await run(['disable', 'nobody', ...local])).out, /CV_API_UNKNOWN_ID/);

    const gateway = await start();
    t.after(() => gateway.close());
    const send = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${gateway.httpUrl}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-cityvitals': '1', ...headers },
        body: JSON.stringify(body),
      });
      return {
        cookie: answer.headers
          .getSetCookie()
          .map((one) => one.split(';', 1)[0])
          .join('; '),
        body: (await answer.json()) as { token?: string },
      };
    };
    const { cookie } = await send('setup', { code, password: 'long enough to keep' });
    const { body } = await send('account/tokens', { name: 'cli', permissions: ['manage_users'], centres: ['*'], days: 1 }, { cookie });
    const api = ['--gateway', gateway.httpUrl];
    const env = { CITYVITALS_OPERATOR_TOKEN: body.token ?? '' };
    assert.match(
      (await run(['add', 'li-wei', '--role', 'operator', '--centre', '500112', ...api], env)).out,
      new RegExp(`${gateway.httpUrl}/#/setup/`),
    );
    assert.match((await run(['list', ...api], env)).out, /chief +administrator@\*\nli-wei +operator@500112 {2}no password yet\n/);
    assert.match((await run(['add', 'LI-WEI', '--role', 'viewer', '--centre', '*', ...api], env)).out, /CV_USER_NAME_TAKEN/);
    assert.match((await run(['disable', 'chief', ...api], env)).out, /CV_USER_LAST_ADMINISTRATOR/);
    assert.match((await run(['list', ...api])).out, /CV_API_READ_TOKEN/);
  },
);

test('people.db of somebody else is not opened', { skip: process.getuid?.() === 0 ? 'root may' : false }, async (t) => {
  const dir = await folder(t);
  await chmod(dir, 0o755);
  assert.match((await run(['list', '--local', '--config', join(dir, 'gateway.yaml')])).out, /CV_PEOPLE_LOCAL/);
});
