/** `atRest` in the files of edge and gateway: what is asked of it, and that its keys are in no answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../core/faults.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { checkEdge } from './check.ts';
import { edgeReloadPlan } from './reload.ts';
import type { EdgeSetup } from './setup.ts';

const [KEY, OLD] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const FILES: Record<string, string> = { '/etc/key': `${KEY}\n`, '/run/credentials/old': OLD, '/etc/short': 'c2VjcmV0' };

const check = (atRest: string, evidence = '{}') => checkEdge({ path: '/etc/edge.yaml', text: `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
atRest: ${atRest}
evidence: ${evidence}
devices:
  - { id: gate, driver: camera, settings: { url: "rtsp://192.168.1.64/1" } }
` }, {
  env: { CREDENTIALS_DIRECTORY: '/run/credentials' }, drivers: DRIVERS,
  readFile(path) {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  },
});

test('keys come from files and credentials; without one for new files, old ones are read', async () => {
  const setupOf = async (atRest: string) => (await check(atRest)).setup?.atRest;
  const both = '{ key: "${file:./key}", oldKeys: ["${credential:old}"] }';
  assert.deepEqual(await setupOf(both), { algorithm: 'aes-256-gcm', key: KEY, oldKeys: [OLD] });
  const off = '{ oldKeys: ["${file:./key}"], algorithm: sm4-ctr-hmac-sm3 }';
  assert.deepEqual(await setupOf(off), { algorithm: 'sm4-ctr-hmac-sm3', key: null, oldKeys: [KEY] });
});

test('a key that is none, or not there, is told in both languages with what to do, and never repeated', async () => {
  const told = async (atRest: string) => (await check(atRest)).problems.map(({ path, fault }) => [
    path, ...(['en', 'zh-CN'] as const).map((language) => Object.values(explain(fault, language)).join(' ')),
  ]);
  for (const [atRest, path, en, zh] of [
    ['{ key: "${file:./short}" }', 'atRest.key', /openssl rand -base64 32/, /openssl rand -base64 32/],
    ['{ key: "${file:./gone}" }', 'atRest.key', /\/etc\/gone/, /\/etc\/gone/],
    ['{}', 'atRest', /give key, or oldKeys/, /请写 key 或 oldKeys/],
    [`{ key: "${KEY}", algorithm: des }`, 'atRest.algorithm', /aes-256-gcm/, /aes-256-gcm/],
  ] as const) {
    const [problem = [], ...more] = await told(atRest);
    assert.deepEqual([problem[0], more], [path, []]);
    assert.match(String(problem[1]), en);
    assert.match(String(problem[2]), zh);
    assert.ok(!/[一-鿿]/.test(String(problem[1])) && /[一-鿿]/.test(String(problem[2])), String(problem));
    assert.ok(![KEY, 'c2VjcmV0'].some((secret) => problem.join().includes(secret)), atRest);
  }
});

test('the ring is not encrypted: where new files are, its folder must be named', async () => {
  const paths = async (atRest: string, evidence: string) => (await check(atRest, evidence)).problems.map(({ path }) => path);
  assert.deepEqual(await paths('{ key: "${file:./key}" }', '{ clip: {} }'), ['evidence.clip.ring']);
  assert.deepEqual(await paths('{ key: "${file:./key}" }', '{ clip: { ring: { dir: /dev/shm } } }'), []);
  assert.deepEqual(await paths('{ oldKeys: ["${file:./key}"] }', '{ clip: {} }'), []);
  assert.deepEqual(await paths('{ key: "${file:./key}" }', 'off'), []);
});

test('another key needs a restart, which is said; until then the one of before goes on', async () => {
  const [before, after] = await Promise.all(['{ key: "${file:./key}" }', '{ key: "${credential:old}" }'].map((atRest) => check(atRest)));
  const { setup, report } = edgeReloadPlan(before?.setup as EdgeSetup, after?.setup as EdgeSetup);
  assert.deepEqual([setup.atRest, report.restartNeeded], [before?.setup?.atRest, ['atRest']]);
});
