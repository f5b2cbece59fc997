/** The audit over HTTP: what people do is in it, no secret is, and each administrator sees what is theirs. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AuditEntryView } from '../../api/audit.ts';
import { FaultError } from '../../core/faults.ts';
import { recordedFolder } from '../audit/testing/recorded-folder.ts';
import { Access } from '../people/access.ts';
import { memoryPeople } from '../people/testing/memory-people.ts';
import { EXAMPLES } from './testing/examples.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const PASSWORD = 'canary-of-the-password';
const WRONG = 'canary-of-a-wrong-password';
const OPERATOR = 'canary-of-the-operator-token';
const GUESSED = 'canary-of-a-guessed-token';

async function opened(t: TestContext) {
  const folder = await recordedFolder(t);
  const audit = await folder.open();
  const people = await memoryPeople(folder.world, { audit });
  const gateway = memoryGateway();
  gateway.devices = [EXAMPLES.device];
  const access = new Access({ gateway: 'town-01', people, audit, isNeeded: true }, folder.world.clock);
  access.setTokens([], [{ name: 'duty-1', token: OPERATOR }]);
  Object.assign(gateway.sources, {
    people,
    access,
    audit,
    commands: {
      ask: ({ device }: { device: string }) =>
        device === 'busy' ? Promise.reject(new FaultError('CV_COMMAND_BUSY', { count: 9 })) : Promise.resolve(EXAMPLES.command),
      get: () => null,
      list: () => [],
    },
    picture: () => Promise.resolve(EXAMPLES.picture),
  });
  const { ask } = await openApi(t, gateway.sources, folder.world);
  const secrets = [PASSWORD, WRONG, OPERATOR, GUESSED];
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await ask(`/api/v1/${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), 'x-cityvitals': '1', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const set of answer.headers.getSetCookie()) secrets.push(set.split(';', 1)[0]?.split('=')[1] ?? '');
    const { code, token } = answer.body as { code?: string; token?: string };
    secrets.push(...[code, token].filter((one) => one !== undefined && !one.startsWith('CV_')) as string[]);
    return answer;
  };
  /** @returns the cookie of the first administrator */
  const setUp = async () => {
    const { code } = (await people.firstLink()) ?? { code: '' };
    secrets.push(code);
    const { headers } = await send('POST', 'setup', { code, name: 'chief', password: PASSWORD });
    return { cookie: headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ') };
  };
  const list = async (headers: Record<string, string>, filter = '') => {
    const { status, body } = await send('GET', `audit?limit=1000${filter}`, undefined, headers);
    return { status, items: (body.items ?? []) as AuditEntryView[], next: body.next as string | null };
  };
  return { ...folder, audit, people, send, setUp, list, secrets };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('what people do is in it with name, address and outcome; none of their secrets is', async (t) => {
  const { send, setUp, list, secrets, audit, dir, verify } = await opened(t);
  const chief = await setUp();
  await send('POST', 'session', { user: 'chief', password: WRONG });
  await send('POST', 'session', { user: WRONG, password: WRONG });
  await send('POST', 'session', { token: GUESSED });
  await send('GET', 'status', undefined, bearer(GUESSED));
  await send('POST', 'users', { name: 'li-wei', grants: [{ role: 'viewer', centre: '*' }] }, chief);
  const made = await send('POST', 'account/tokens', { name: 'report', permissions: ['read'], centres: ['*'], days: 7 }, chief);
  assert.equal(made.status, 200);
  const command = { kind: 'write', device: EXAMPLES.device.id, point: 'running', value: true, reason: 'W-118' };
  assert.equal((await send('POST', 'commands', command, bearer(OPERATOR))).status, 202);
  assert.equal((await send('POST', 'commands', { ...command, device: 'busy' }, bearer(OPERATOR))).status, 503);
  await send('GET', `evidence/${EXAMPLES.snapshot.sha256}`, undefined, chief);
  await send('GET', `devices/${EXAMPLES.device.id}/picture`, undefined, chief);
  await send('POST', 'users', { name: 'x', grants: [] }, bearer(OPERATOR));
  await send('DELETE', 'session', undefined, chief);
  const again = await send('POST', 'session', { user: 'chief', password: PASSWORD });
  const cookie = again.headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ');
  const { items } = await list({ cookie });
  const told = items.toReversed().map(({ kind, who, what, outcome }) => [kind, who, what, outcome].join(' | '));
  assert.deepEqual(told.slice(1), [
    'user_change | chief | first administrator | done',
    'sign_in | chief | password | refused',
    'sign_in | canary-of-a-wrong-password | password | refused',
    'sign_in |  | token | refused',
    'refusal |  | read | refused',
    'user_change | chief | user li-wei added | done',
    `token_change | chief | ${told.find((one) => one.startsWith('token_change'))?.split(' | ')[2]} | done`,
    `command | duty-1 | write ${EXAMPLES.device.id} running | done`,
    'command | duty-1 | write busy running | refused',
    `evidence_read | chief | ${EXAMPLES.snapshot.sha256} | done`,
    `evidence_read | chief | picture ${EXAMPLES.device.id} | done`,
    'refusal | duty-1 | manage_users | refused',
    'sign_out | chief | session | done',
    'sign_in | chief | password | done',
  ]);
  assert.deepEqual([...new Set(items.slice(0, -1).map(({ from }) => from))], ['127.0.0.1']);
  assert.deepEqual(items.find(({ what }) => what.startsWith('write busy'))?.details, { reason: 'W-118', code: 'CV_COMMAND_BUSY' });
  await audit.close();
  assert.deepEqual((await verify()).faults, []);
  const names = await readdir(dir);
  const all = (await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')))).join('');
  assert.ok(secrets.length > 8 && all.includes('"chief"'));
  // Who types a password where the name belongs has written it down for everybody: it could be a name.
  const found = secrets.filter((secret) => secret !== '' && secret !== WRONG && all.includes(secret));
  assert.deepEqual(found, []);
});

test('what could be no name of a user is not kept as one: most often it is a password in the wrong field', async (t) => {
  const { send, setUp, list } = await opened(t);
  const chief = await setUp();
  await send('POST', 'session', { user: 'correct horse battery!', password: WRONG });
  const { items } = await list(chief, '&kind=sign_in&outcome=refused');
  assert.deepEqual(items.map(({ who }) => who), ['']);
});

test('an administrator of a district sees what is of it; reading is itself recorded, once a minute', async (t) => {
  const { setUp, list, audit, people, world, send } = await opened(t);
  const chief = await setUp();
  const actor = { principal: people.bySession('') ?? { id: 'x', name: 'x', kind: 'user' as const, grants: [] }, address: '::1' };
  const { code } = await people.addUser({ name: 'district', grants: [{ role: 'administrator', centre: '500112' }] }, actor);
  const { headers } = await send('POST', 'setup', { code, password: PASSWORD });
  const district = { cookie: headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ') };
  for (const centre of ['500112001', '500106002'])
    audit.append({ kind: 'command', who: 'wu', from: '::1', what: `in ${centre}`, outcome: 'done', centre });
  audit.append({ kind: 'command', who: 'wu', from: '::1', what: 'of the whole', outcome: 'done' });
  const of = async (who: Record<string, string>) => (await list(who, '&kind=command')).items.map(({ what }) => what);
  assert.deepEqual(await of(district), ['in 500112001']);
  assert.deepEqual(await of(chief), ['of the whole', 'in 500106002', 'in 500112001']);
  assert.equal((await list(bearer(OPERATOR))).status, 403);
  await of(district);
  await world.clock.advanceMs(60_000);
  const reads = (await list(chief, '&kind=audit_read&who=district')).items;
  assert.deepEqual(reads.map(({ who, details }) => [who, details?.repeated]), [['district', 1], ['district', undefined]]);
});

test('what edges tell is filtered by edge, and an administrator of a district sees that of their edges alone', async (t) => {
  const { setUp, list, audit, people, send } = await opened(t);
  const chief = await setUp();
  const actor = { principal: { id: 'x', name: 'x', kind: 'user' as const, grants: [] }, address: '::1' };
  const { code } = await people.addUser({ name: 'district', grants: [{ role: 'administrator', centre: '500112' }] }, actor);
  const { headers } = await send('POST', 'setup', { code, password: PASSWORD });
  const district = { cookie: headers.getSetCookie().map((one) => one.split(';', 1)[0]).join('; ') };
  const shipped = (edge: string, centre: string, seq: number) => ({
    at: 1, kind: 'start' as const, who: 'edge', from: 'local', what: `edge ${edge}`, outcome: 'done' as const, centre,
    // What an edge claims beside it counts for nothing.
    details: { origin: 'edge:pump-07' }, origin: `edge:${edge}`, occurredAt: 1, log: `1-${seq}`,
  });
  await audit.ship([shipped('pump-07', '500112001', 1), shipped('pump-070', '500112001', 2), shipped('gate-02', '500106002', 3)]);
  const of = async (who: Record<string, string>, filter = '') =>
    (await list(who, `&kind=start${filter}`)).items.map(({ origin }) => origin);
  assert.deepEqual(await of(chief), ['edge:gate-02', 'edge:pump-070', 'edge:pump-07']);
  assert.deepEqual(await of(chief, '&edge=pump-07'), ['edge:pump-07']);
  assert.deepEqual(await of(district), ['edge:pump-070', 'edge:pump-07']);
  assert.deepEqual(await of(district, '&edge=gate-02'), []);
  assert.deepEqual(await of(chief, '&edge=none'), []);
  assert.equal((await list(chief, '&edge=*')).status, 400);
});

test('pages follow one another by next, filters by time and name; a wrong one is told', async (t) => {
  const { setUp, audit, send, world } = await opened(t);
  const chief = await setUp();
  for (let at = 0; at < 25; at += 1)
    audit.append({ kind: 'binding', who: at % 2 === 0 ? 'li' : 'wu', from: '::1', what: `of ${at}`, outcome: 'done' });
  const seen: string[] = [];
  for (let after = ''; ;) {
    const { body } = await send('GET', `audit?kind=binding&who=li&limit=5${after}`, undefined, chief);
    seen.push(...(body.items as AuditEntryView[]).map(({ what }) => what));
    if (body.next === null) break;
    after = `&after=${String(body.next)}`;
  }
  assert.deepEqual(seen, Array.from({ length: 13 }, (_, at) => `of ${24 - 2 * at}`));
  const { body } = await send('GET', `audit?kind=binding&since=${world.clock.nowMs() + 1}`, undefined, chief);
  assert.deepEqual(body.items, []);
  assert.equal((await send('GET', 'audit?kind=nothing', undefined, chief)).status, 400);
  assert.equal((await send('GET', 'audit?after=x', undefined, chief)).status, 400);
});
