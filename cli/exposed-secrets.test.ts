/** Each setting that a schema marks as a secret is found where it is written into the file, or lies in a file that others may read. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { explain } from '../core/faults.ts';
import { DRIVERS } from '../drivers/index.ts';
import { checkEdge } from '../edge/config/check.ts';
import { configKind } from './check.ts';
import { exposedSecrets, printExposedSecrets } from './exposed-secrets.ts';
import type { CommandTerminal } from './terminal.ts';

const ROOT = join(import.meta.dirname, '..');
const EDGE = (token: string, password: string, url = 'mqtt://127.0.0.1:1883') => `edge: e1
centre: "500112001"
gateway: { url: "${url}", token: "${token}" }
devices:
  - id: station
    driver: hj212
    settings: { listen: "127.0.0.1:0", mn: A1, password: "${password}" }
    points: [{ id: pm25, factor: a34004 }]
`;
const GATEWAY = `gateway: g
centre: "500112001"
broker:
  embedded:
    edges: [{ id: e1, token: "\${file:./e1.token}" }, { id: e2, token: literal-of-e2 }]
operators: [{ name: duty-1, token: "\${env:DUTY_1_TOKEN}" }]
sinks: [{ kind: influxdb, settings: { url: "http://127.0.0.1:1", bucket: b, token: literal-of-influx } }]
`;

const brief = async (text: string, what: 'edge' | 'gateway', modes: Record<string, number> = {}): Promise<string[]> =>
  (await exposedSecrets({ path: '/etc/cityvitals/a.yaml', text }, what, (path) => modes[path] ?? null)).map(
    ({ line, path, fault }) => `${line} ${path} ${fault.code}${fault.params.mode ? ` ${fault.params.mode} ${fault.params.path}` : ''}`,
  );

test('a secret in the file itself is told with its place, those of drivers, sinks and addresses among them', async () => {
  assert.deepEqual(await brief(EDGE('literal', 'literal', 'mqtt://box:literal@127.0.0.1:1883'), 'edge'), [
    '3 gateway.url CV_SECRET_LITERAL', '3 gateway.token CV_SECRET_LITERAL', '7 devices[0].settings.password CV_SECRET_LITERAL',
  ]);
  assert.deepEqual(await brief(GATEWAY, 'gateway'), [
    '5 broker.embedded.edges[1].token CV_SECRET_LITERAL', '7 sinks[0].settings.token CV_SECRET_LITERAL',
  ]);
});

test('a secret from elsewhere is right, also one that is not there yet and one inside an address', async () => {
  assert.deepEqual(await brief(EDGE('${env:NOWHERE}', '${credential:hj212}', 'mqtt://box:${file:./box}@127.0.0.1:1883'), 'edge'), []);
});

test('a file of a secret that others may read is told, and so is the configuration where it holds one', async () => {
  const modes = { '/etc/cityvitals/e1.token': 0o100640, '/etc/cityvitals/a.yaml': 0o100644 };
  assert.deepEqual(await brief(GATEWAY, 'gateway', modes), [
    '1  CV_SECRET_EXPOSED 644 /etc/cityvitals/a.yaml',
    '5 broker.embedded.edges[0].token CV_SECRET_EXPOSED 640 /etc/cityvitals/e1.token',
    '5 broker.embedded.edges[1].token CV_SECRET_LITERAL',
    '7 sinks[0].settings.token CV_SECRET_LITERAL',
  ]);
  const safe = EDGE('${file:/run/a}', '${file:/run/a}');
  assert.deepEqual(await brief(safe, 'edge', { '/run/a': 0o100600, '/etc/cityvitals/a.yaml': 0o100644 }), []);
});

test('no set-up that we hand out holds a secret', async () => {
  const files = globSync('configs/*/{edge,gateway}.yaml', { cwd: ROOT });
  assert.ok(files.length >= 4);
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    assert.deepEqual(await brief(text, configKind(text)), [], file);
  }
});

test('the warning says what to write in its place, and never the secret', async () => {
  const warnings = await exposedSecrets({ path: 'a.yaml', text: EDGE('s3cret-of-box', 's3cret-of-logger') }, 'edge', () => 0o644);
  const said: string[] = [];
  const out = (line: string) => { said.push(line); };
  for (const json of [false, true])
    for (const isResult of [false, true]) {
      const terminal: CommandTerminal = {
        language: 'zh-CN', json, text: ({ zh }) => zh, print: out, remark: out, record: (value) => out(JSON.stringify(value)), fault() {},
      };
      printExposedSecrets(terminal, warnings, isResult);
    }
  assert.equal(said.length, 4 * warnings.length);
  assert.match(said[1] ?? '', /^a\.yaml:3:\d+: 警告：token .*\[CV_SECRET_LITERAL\]\n {2}→ .*\$\{file:PATH\}.*\$\{credential:NAME\}/);
  assert.equal((JSON.parse(said.at(-1) ?? '') as { warning: boolean }).warning, true);
  assert.ok(!said.join('\n').includes('s3cret'));
  assert.match(explain({ code: 'CV_SECRET_LITERAL', params: { key: 'token' } }, 'en').remedy, /\$\{file:PATH\}.*\$\{env:NAME\}/);
});

test('a credential of systemd takes its place in the configuration', async () => {
  const files: Record<string, string> = { '/run/credentials/a/token': 'of-the-box\n', '/run/credentials/a/hj212': '654321\n' };
  const readFile = (path: string) => files[path] ?? assert.fail(Object.assign(new Error(path), { code: 'ENOENT' }));
  const load = (text: string, env: Record<string, string>) => checkEdge({ path: '/a.yaml', text }, { env, readFile, drivers: DRIVERS });
  const given = { CREDENTIALS_DIRECTORY: '/run/credentials/a' };
  const { setup } = await load(EDGE('${credential:token}', '${credential:hj212}'), given);
  assert.equal(setup?.gateway.token, 'of-the-box');
  assert.partialDeepStrictEqual(setup.devices[0]?.settings, { password: '654321' });
  const problem = async (name: string, env: Record<string, string>) => {
    const { problems } = await load(EDGE(`\${credential:${name}}`, '${credential:hj212}'), env);
    return problems.map(({ path, fault }) => `${path} ${fault.params.problem}`);
  };
  assert.deepEqual(await problem('absent', given), ['gateway.token cannot be read (ENOENT)']);
  assert.deepEqual(await problem('../a/token', given), ['gateway.token cannot be its name']);
  assert.deepEqual(await problem('..', given), ['gateway.token cannot be its name']);
  assert.match((await problem('token', {}))[0] ?? '', /^gateway\.token systemd has not given/);
});
