/** `audit show` and `audit verify` against a gateway that runs, its folder, and a copy of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realWorld } from '../core/world.ts';
import { runGateway } from '../gateway/main.ts';
import { loadGateway } from './load.ts';

const CONFIG = `gateway: g
centre: "500112001"
broker: { embedded: { port: 0 } }
http: { port: 0 }
operators: [{ name: duty-1, token: a-token-of-the-operator }]
`;

function run(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args, '--lang', 'en'], {
      cwd,
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

test('what was done is shown by the API and from the folder; a change, a cut and a removed file are found', { timeout: 240_000 }, async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const config = join(dir, 'gateway.yaml');
  await writeFile(config, CONFIG);
  const { setup } = await loadGateway({ path: config, text: CONFIG });
  assert.ok(setup);
  const told: string[] = [];
  const gateway = await runGateway(setup, realWorld((event) => { if (event.kind === 'fault') told.push(event.fault.code); }));
  t.after(() => gateway.close());
  const api = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${gateway.httpUrl}/api/v1/${path}`, {
      headers: { 'x-cityvitals': '1', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const code = gateway.setupLink?.split('/').at(-1);
  const signedIn = await api('setup', { code, name: 'chief', password: 'correct horse battery' });
  const cookie = signedIn.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  const made = await api('account/tokens', { name: 'cli', permissions: ['read_audit'], centres: ['*'], days: 1 }, { cookie });
  const { token } = (await made.json()) as { token: string };
  await api('commands', { kind: 'read', device: 'nowhere', reason: 'W-118' }, { authorization: 'Bearer a-token-of-the-operator' });
  await gateway.reload({ ...setup, exercise: true });
  await assert.rejects(gateway.reload({ ...setup, rules: [join(dir, 'none.yaml')] }));

  const byApi = ['--gateway', gateway.httpUrl];
  const shown = await run(dir, ['audit', 'show', ...byApi, '--json'], { CITYVITALS_OPERATOR_TOKEN: token });
  assert.equal(shown.code, 0, shown.out);
  const entries = shown.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  const acts = entries.map(({ kind, who, outcome }) => `${String(kind)} ${String(who)} ${String(outcome)}`);
  for (const act of [
    'start gateway done',
    'user_change chief done',
    'token_change chief done',
    'command duty-1 refused',
    'config_change gateway done',
    'config_change gateway refused',
  ])
    assert.ok(acts.includes(act), `${act} of ${acts.join()}`);
  assert.equal(entries.find(({ kind }) => kind === 'config_change' )?.outcome, 'refused', 'newest first');
  const filtered = await run(dir, ['audit', 'show', ...byApi, '--who', 'duty-1', '--since', '1h'], { CITYVITALS_OPERATOR_TOKEN: token });
  assert.match(filtered.out, /^\S+Z {2}command +duty-1 +127\.0\.0\.1 +refused {2}read nowhere {2}reason=W-118 code=CV_\w+\n$/);
  assert.equal((await run(dir, ['audit', 'show', ...byApi, '--until', '2020-01-01'], { CITYVITALS_OPERATOR_TOKEN: token })).out, '');
  assert.equal((await run(dir, ['audit', 'show', ...byApi])).code, 1);
  assert.equal((await run(dir, ['audit', 'show', '--since', 'yesterday'])).code, 2);
  const running = await run(dir, ['audit', 'verify', '--json']);
  assert.equal(running.code, 0, running.out);
  await gateway.close();

  const log = setup.log.dir;
  const whole = await run(dir, ['audit', 'verify', '--dir', join(log, 'audit')]);
  assert.deepEqual([whole.code, /, 0 found; end \d+ [0-9a-f]{64}\n$/.test(whole.out)], [0, true], whole.out);
  const [copy, key] = [join(dir, 'copy'), join(dir, 'town.pub.pem')];
  const ofKey = (await readdir(join(log, 'audit-key'))).find((name) => name.endsWith('.pub.pem')) as string;
  await cp(join(log, 'audit-key', ofKey), key);
  const files = (await readdir(join(log, 'audit'))).filter((name) => name.endsWith('.jsonl')).toSorted();
  const last = files.at(-1) as string;
  const verifyCopy = async (spoil: (path: string) => Promise<void>) => {
    await rm(copy, { recursive: true, force: true });
    await cp(join(log, 'audit'), copy, { recursive: true });
    await spoil(join(copy, last));
    return run(dir, ['audit', 'verify', '--dir', copy, '--key', key]);
  };
  assert.equal((await verifyCopy(() => Promise.resolve())).code, 0);
  const changed = await verifyCopy(async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"duty-1"', '"duty-2"')));
  assert.equal(changed.code, 1);
  assert.match(changed.out, new RegExp(`CV_AUDIT_CHANGED: ${last}, line \\d+: it does not follow the line before\\n {2}→ `));
  const cut = await verifyCopy(async (path) => truncate(path, (await readFile(path)).length - 10));
  assert.match(cut.out, /CV_AUDIT_MISSING: \S+: lines \d+ to \d+ are missing/);
  assert.match((await verifyCopy((path) => rm(path))).out, /CV_AUDIT_MISSING/);
  const shownOfCopy = await run(dir, ['audit', 'show', '--dir', join(log, 'audit'), '--kind', 'stop']);
  assert.match(shownOfCopy.out, /stop +gateway +local +gateway\n$/);
  assert.match((await run(dir, ['verify', '--config', config])).out, /✓ audit record .*0 found/);
  assert.equal((await run(dir, ['audit', 'verify', '--dir', copy])).code, 2, 'no key beside it');
  assert.match((await run(dir, ['audit', 'verify', '--dir', dir])).out, /CV_AUDIT_NO/);
  assert.deepEqual(told, []);
});
